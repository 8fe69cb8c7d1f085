"""What each server process runs."""

from __future__ import annotations

import os
import sys
from typing import Any

import structlog

from commercekit.cli.exits import ExitCode
from commercekit.cli.serving.parent import die_with
from commercekit.errors import CommerceKitError
from commercekit.platform.telemetry import forget_dead_processes

__all__ = ["PARENT_VARIABLE", "create_worker_app"]

PARENT_VARIABLE = "COMMERCEKIT_RUN_PARENT"


def create_worker_app() -> Any:
    """The shop's ASGI application, in a process that does not outlive ``commercekit run``."""
    if parent := os.environ.get(PARENT_VARIABLE):
        die_with(int(parent))
        forget_dead_processes()  # this one may stand in for one of them
    from commercekit.app import create_app

    try:
        return create_app()
    except CommerceKitError as error:
        sys.stderr.write(f"commercekit: {error.detail}\n")
    except Exception:  # noqa: BLE001 - whatever it is, one line tells it and the process ends
        structlog.get_logger("commercekit.run").exception("server-process-failed")
    sys.stderr.flush()
    os._exit(ExitCode.CONFIGURATION)  # granian would print a traceback of its own
