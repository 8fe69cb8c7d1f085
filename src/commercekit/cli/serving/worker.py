"""What each server process runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from commercekit.cli.exits import ExitCode
from commercekit.cli.garbage import collect_seldom
from commercekit.cli.serving.parent import die_with
from commercekit.errors import CommerceKitError
from commercekit.platform.telemetry import forget_dead_processes

__all__ = ["PARENT_VARIABLE", "create_worker_app", "in_reserve"]

PARENT_VARIABLE = "COMMERCEKIT_RUN_PARENT"
_LOOK = 0.05
_word: Path | None = None
"""In a process in reserve: the file whose appearance calls it."""


def in_reserve(word: str, load: Callable[[], Any]) -> Any:
    """What a process in reserve loads instead: the same application, when the file ``word`` appears."""
    global _word  # noqa: PLW0603 - granian calls what is loaded without arguments
    _word = Path(word)
    return load()


def create_worker_app() -> Any:
    """The shop's ASGI application, in a process that does not outlive ``commercekit run``."""
    if parent := os.environ.get(PARENT_VARIABLE):
        # A terminal that is closed tells the parent, who tells us: a request under way is answered.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        die_with(int(parent))
        forget_dead_processes()  # this one may stand in for one of them
    from commercekit.app import create_app

    try:
        _stand_by()
        app = create_app()
    except CommerceKitError as error:
        sys.stderr.write(f"commercekit: {error.detail}\n")
    except Exception:  # noqa: BLE001 - whatever it is, one line tells it and the process ends
        structlog.get_logger("commercekit.run").exception("server-process-failed")
    else:
        collect_seldom()
        return app
    sys.stderr.flush()
    os._exit(ExitCode.CONFIGURATION)  # granian would print a traceback of its own


def _stand_by() -> None:
    """In reserve: with everything imported, wait until this process is needed."""
    if _word is None:
        return
    ready = _word.with_suffix(".ready")
    ready.touch()
    while not _word.exists():
        time.sleep(_LOOK)
    for file in (_word, ready):
        file.unlink(missing_ok=True)
    forget_dead_processes()  # whom it stands in for has died since it began
