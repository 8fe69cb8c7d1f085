"""Notices when the event loop stands still, says who stands on it, and takes it back where that is possible."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from types import FrameType

    from commercekit.platform.providers import Act, Stage

__all__ = ["LoopWatchdog"]

_FRAMES: Final = 12
_AGAIN: Final = 0.25
"""Seconds between two attempts to throw the same one out."""


class _Blame(NamedTuple):
    plugin: str
    provider: str
    verb: str
    where: str
    """The innermost line of the plugin's own code, if any."""


class LoopWatchdog:
    """A thread that asks the loop for a sign of life, and says who has it when none comes.

    ::

        async with LoopWatchdog(timedelta(milliseconds=250), stage=caller.stage, plugins=roots):
            ...

    It tells while the loop still stands, at most ``limit`` after it last ran: plugin, provider and verb
    from the stage, the place from the stack of the loop's thread. A provider that has been there for
    longer than its deadline is thrown out, if it is pure Python; its breaker opens. Code that holds the
    interpreter's lock, such as a regular expression that never ends, stops this thread too: for that the
    parent looks after its processes.

    ``observe`` gets seconds, plugin, provider and verb after each block; ``plugins`` are the folders of
    plugins by their codes.
    """

    def __init__(
        self,
        limit: timedelta,
        *,
        observe: Callable[[float, str, str, str], None] | None = None,
        stage: Stage | None = None,
        plugins: Mapping[str, Path] | None = None,
        sign: Path | None = None,
    ) -> None:
        """``sign`` is a file that is touched about once a second while the loop runs."""
        self._limit = limit.total_seconds()
        self._observe = observe
        self._stage = stage
        self._plugins = {code: str(root) for code, root in (plugins or {}).items()}
        self._sign = sign
        self._signed = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger("commercekit.watchdog")

    async def __aenter__(self) -> Self:
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._watch,
            args=(asyncio.get_running_loop(), threading.get_ident()),
            name="commercekit:watchdog",
            daemon=True,
        )
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        if self._sign is not None:
            if self._thread is not None:
                await asyncio.to_thread(self._thread.join, 1.0)
            with suppress(OSError):
                self._sign.unlink(missing_ok=True)

    def _watch(self, loop: asyncio.AbstractEventLoop, loop_thread: int) -> None:
        seen = time.monotonic()
        while not self._stop.is_set():
            alive = threading.Event()
            try:
                loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # the loop is closed: nothing left to watch
                return
            # It may stand still since just after the last sign: counted from there.
            if alive.wait(max(0.0, seen + self._limit - time.monotonic())):
                seen = time.monotonic()
                self._give_sign(seen)
                self._stop.wait(self._limit / 5)
                continue
            blame = self._tell(loop_thread, seen)
            self._stay(loop, loop_thread, alive)
            if self._stop.is_set():
                return
            seconds, seen = time.monotonic() - seen, time.monotonic()
            self._log.warning(
                "event-loop-free", seconds=round(seconds, 3), **_words(blame), where=blame.where
            )
            if self._observe is not None:
                self._observe(seconds, blame.plugin, blame.provider, blame.verb)

    def _give_sign(self, now: float) -> None:
        if self._sign is not None and now - self._signed >= 1.0:
            self._signed = now
            with suppress(OSError):
                self._sign.touch()

    def _tell(self, loop_thread: int, seen: float) -> _Blame:
        act = self._stage.act if self._stage is not None else None
        frames = _frames_of(loop_thread)
        blame = self._blame(act, frames)
        self._log.warning(
            "event-loop-blocked",
            seconds=round(time.monotonic() - seen, 3),
            **_words(blame),
            where=blame.where,
            frames=frames[-_FRAMES:],
        )
        return blame

    def _blame(self, act: Act | None, frames: list[str]) -> _Blame:
        """Who is on the stage; else whose file is innermost: routes and jobs of plugins block too."""
        plugin, where = "", ""
        for line in reversed(frames):
            plugin = next(
                (code for code, root in self._plugins.items() if f"({root}" in line),
                "",
            )
            if plugin:
                where = line
                break
        if act is None:
            return _Blame(plugin, "", "", where)
        return _Blame(act.plugin or plugin, act.provider, f"{act.family}.{act.verb}", where)

    def _stay(
        self, loop: asyncio.AbstractEventLoop, loop_thread: int, alive: threading.Event
    ) -> None:
        """Until the loop runs again, or will never."""
        stage, tick = self._stage, min(0.05, self._limit / 4)
        serial, since, thrown = -1, 0.0, 0.0
        while not alive.wait(tick):
            if self._stop.is_set() or loop.is_closed():
                return
            if stage is None or (act := stage.act) is None:
                continue
            now = time.monotonic()
            if stage.serial != serial:
                serial, since, thrown = stage.serial, now, 0.0
            elif now - since > act.deadline and now - thrown > _AGAIN:
                thrown = now
                stage.throw_out(serial, loop_thread)


def _words(blame: _Blame) -> dict[str, Any]:
    return {"plugin": blame.plugin, "provider": blame.provider, "verb": blame.verb}


def _frames_of(thread: int) -> list[str]:
    """Where the thread is now, innermost last, without source text."""
    frame: FrameType | None = sys._current_frames().get(thread)  # noqa: SLF001 - the documented way to look at another thread
    summary = traceback.StackSummary.extract(traceback.walk_stack(frame), lookup_lines=False)
    return [f"{each.name} ({each.filename}:{each.lineno})" for each in reversed(summary)]
