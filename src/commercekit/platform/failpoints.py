"""Places where a test lets the process die or fail, to prove that a retry finds its way.

Off, and free of cost, unless ``COMMERCEKIT_FAILPOINTS`` names them when the process starts:
``checkout.placed=exit137,orders.refund-approved=raise``; ``*`` stands for all others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["VARIABLE", "FailpointReached", "failpoint", "watching"]

VARIABLE: Final = "COMMERCEKIT_FAILPOINTS"
_KILL_ONCE: Final = "kill-once:"
_KILLED: Final = 137
"""What a shell says of a process that ``kill -9`` ended."""


class FailpointReached(RuntimeError):
    """Raised where a failpoint says ``raise``; no part of the shop expects it."""


def failpoint(name: str) -> None:
    """Do what the environment says about ``name``, usually nothing.

    ``exit137`` ends the process at once, without any cleaning up; ``raise`` raises
    :class:`FailpointReached`; ``kill-once:FOLDER`` has the process killed (SIGKILL) by whichever gets
    here first, and leaves a file of that name in the folder, so that the others live on.
    """
    if _watchers:
        _watchers[-1](name)
    if not _MODES:
        return
    mode = _MODES.get(name) or _MODES.get("*", "")
    if mode.startswith(_KILL_ONCE):
        _kill_once(Path(mode.removeprefix(_KILL_ONCE)) / name)
    if mode == "exit137":
        os._exit(_KILLED)
    if mode == "raise":
        raise FailpointReached(name)


@contextmanager
def watching(watcher: Callable[[str], None]) -> Iterator[None]:
    """Have ``watcher`` hear of every failpoint that this process reaches within the block.

    The innermost one hears of it alone, and may raise :class:`FailpointReached`: a simulated crash.
    """
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def _kill_once(mark: Path) -> None:
    with suppress(FileExistsError):
        mark.touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)


def _modes(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)


_MODES = _modes(os.environ.get(VARIABLE, ""))
_watchers: list[Callable[[str], None]] = []
