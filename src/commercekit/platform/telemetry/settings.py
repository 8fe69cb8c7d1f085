"""The section ``[telemetry]`` of a shop's settings."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["LogFormat", "LogLevel", "TelemetrySettings"]


class LogLevel(StrEnum):
    """From which importance on a line is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """``auto`` is for people on a terminal and JSON everywhere else."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class TelemetrySettings(Struct, frozen=True, kw_only=True):
    """What the shop tells its operators."""

    level: Annotated[LogLevel, Meta(description="From which importance on a line is logged.")] = (
        LogLevel.INFO
    )
    format: Annotated[
        LogFormat, Meta(description="JSON lines for machines, console for people, auto for both.")
    ] = LogFormat.AUTO
    access_log: Annotated[
        bool, Meta(description="One line per request; a proxy in front may do it cheaper.")
    ] = True
    blocked_loop: Annotated[
        timedelta,
        Meta(
            description="A process that stands still is logged with its stack, and with the plugin, "
            "provider and verb that has it, so long after it last ran."
        ),
    ] = timedelta(milliseconds=250)
    stuck_after: Annotated[
        timedelta,
        Meta(
            description="A process that stands still for so long is killed and replaced. For code that "
            "nothing inside of the process can interrupt."
        ),
    ] = timedelta(seconds=30)
