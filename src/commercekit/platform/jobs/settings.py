"""The section ``[jobs]`` of a shop's settings."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["JobsSettings"]


class JobsSettings(Struct, frozen=True, kw_only=True):
    """Work in the background: who does it, how much at once, and what remains of it."""

    processes: Annotated[
        int, Meta(ge=1, le=64, description="Processes of `commercekit worker`.")
    ] = 1
    concurrency: Annotated[
        int, Meta(ge=1, le=64, description="Jobs that one process does at the same time.")
    ] = 4
    grace: Annotated[
        timedelta,
        Meta(
            description="How long what is under way may go on when a process is told to stop, and a job "
            "when it is cancelled; what takes longer is given back."
        ),
    ] = timedelta(seconds=10)
    lease: Annotated[
        timedelta,
        Meta(
            description="How long a job stays with a process that no longer says that it lives; then "
            "another takes it over."
        ),
    ] = timedelta(seconds=30)
    keep: Annotated[
        timedelta, Meta(description="How long jobs that are done or cancelled can be looked up.")
    ] = timedelta(days=7)
