"""Logs: one line per event, JSON for machines and colours for people, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec
import structlog

from commercekit.platform.telemetry.redaction import redact_event
from commercekit.platform.telemetry.settings import LogFormat, TelemetrySettings

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from structlog.typing import Processor

__all__ = ["configure_logging"]

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOISY: Final = ("_granian", "granian.access", "httpx", "httpcore", "asyncio")


def configure_logging(
    settings: TelemetrySettings | None = None,
    *,
    request_id: Callable[[], str] = str,
    stream: TextIO | None = None,
) -> None:
    """Set up structlog and the standard library's logging for the whole process, once more if asked.

    ``request_id`` tells which request the running task serves; a line written outside of one has none.
    """
    settings = settings or TelemetrySettings()
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _adds_request_id(request_id),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _take_extra],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(stream, as_json=_wants_json(settings.format, stream)),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _NOISY:
        quiet = max(root.level, logging.WARNING)
        logging.getLogger(name).setLevel(quiet)
    access = logging.INFO if settings.access_log else logging.WARNING
    logging.getLogger("commercekit.access").setLevel(max(access, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _wants_json(chosen: LogFormat, stream: TextIO) -> bool:
    if chosen is LogFormat.AUTO:
        return not stream.isatty()
    return chosen is LogFormat.JSON


def _renderers(stream: TextIO, *, as_json: bool) -> list[Processor]:
    if as_json:
        return [structlog.processors.format_exc_info, redact_event, _render_json]
    return [
        structlog.processors.format_exc_info,
        redact_event,
        _escape_lines,
        structlog.dev.ConsoleRenderer(colors=stream.isatty()),
    ]


def _adds_request_id(request_id: Callable[[], str]) -> Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
        if "request_id" not in event and (current := request_id()):
            event["request_id"] = current
        return event

    return add


def _take_extra(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
    """What ``logging`` was given as ``extra`` becomes part of the event."""
    record: logging.LogRecord = event["_record"]
    for key, value in vars(record).items():
        if key not in _STANDARD and not key.startswith("_"):
            event.setdefault(key, value)
    return event


def _render_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    ordered = {"at": event.pop("timestamp", None), "level": event.pop("level", None), **event}
    return msgspec.json.encode(ordered).decode()


def _escape_lines(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
    """One event stays one line on a terminal too; a traceback alone keeps its lines."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", value)
    return event
