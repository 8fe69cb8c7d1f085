"""A server process ends with the command that started it, however that one ended."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

__all__ = ["die_with"]

_PR_SET_PDEATHSIG = 1
_GRACE = 15.0


def die_with(parent: int) -> None:
    """Stop this process in order as soon as ``parent`` is gone, and for certain soon after.

    An orphan would keep the port, and the database open: the next start could not tell it from a shop
    that runs.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent,), name="commercekit:parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)  # what refused to stop
