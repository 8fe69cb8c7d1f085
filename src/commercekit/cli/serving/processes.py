"""The server processes as their parent sees them: who dies is replaced at once, who stands still is ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psutil
import structlog
from granian.server import Server

from commercekit.cli.serving.worker import in_reserve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Drain", "ShopServer", "end_the_stuck"]

_EARLY: Final = 10.0
"""Seconds of life after which a death says nothing about the next one."""
_LONGEST_PAUSE: Final = 10.0
_HOPELESS: Final = 20
"""So many deaths within a minute, and the run ends."""
_REST: Final = 5.0
"""Seconds after which the next reserve is started."""
_log = structlog.get_logger("commercekit.run")


@dataclass(frozen=True, slots=True)
class Drain:
    """How a shop takes its leave of a balancer: it says that it is not ready, and stops later."""

    sign: Path
    """While this file is there, ``/readyz`` answers 503."""
    wait: timedelta = timedelta(0)

    def begin(self) -> None:
        """Say so."""
        self.sign.parent.mkdir(parents=True, exist_ok=True)
        self.sign.touch()

    def forget(self) -> None:
        """Also what a run left that was killed while it waited."""
        self.sign.unlink(missing_ok=True)


class _NotLately(dict[int, float]):
    """granian ends everything when a process dies twice within seconds; we rather go on with the others."""

    def get(self, key: int, default: Any = None) -> Any:
        """Never lately."""
        return float("-inf")


class _Deaths(list[int]):
    """Who died and is to be replaced. granian takes a copy and empties it: who dies in between is kept."""

    _copied = 0

    def __iter__(self) -> Iterator[int]:
        """Those that there are now."""
        copy = self[:]
        self._copied = len(copy)
        return iter(copy)

    def clear(self) -> None:
        """Forget those that were seen last."""
        del self[: self._copied]


class ShopServer(Server):  # type: ignore[misc,valid-type]  # chosen by granian for the platform
    """granian's server, with a process in reserve for one that dies.

    The reserve has imported everything and waits; a second's work is left to it when it is needed. Who dies
    on and on is replaced slower.
    """

    def __init__(
        self,
        *arguments: Any,
        reserve: Path | None = None,
        drain: Drain | None = None,
        **options: Any,
    ) -> None:
        """``reserve`` is a folder for the files that wake the reserve; without it there is none.

        ``drain`` is for SIGTERM, which is how services are stopped; Ctrl-C stops at once, and so does a
        second signal.
        """
        super().__init__(*arguments, **options)
        self.respawned_wrks = _NotLately()
        self.interrupt_children = _Deaths()
        self._deaths: deque[float] = deque(maxlen=_HOPELESS)
        self._early: dict[int, int] = {}
        self._folder = reserve
        if reserve is not None and reserve.exists():
            for left in reserve.iterdir():  # by a run that was killed
                left.unlink(missing_ok=True)
        self._recipe: tuple[Any, Any] | None = None
        self._reserve: tuple[Any, Path] | None = None
        self._lock = threading.Lock()
        self._drain = drain
        self._stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def signal_handler_interrupt(self, *told: Any) -> None:
        """Stop; first drain, if it was SIGTERM and there is a balancer to be told."""
        drain, self._drain = self._drain, None
        if drain is None or not drain.wait or told[:1] != (signal.SIGTERM,):
            super().signal_handler_interrupt(*told)
            return
        drain.begin()
        stop = threading.Timer(drain.wait.total_seconds(), super().signal_handler_interrupt)
        stop.daemon = True
        stop.start()

    def signal_handler_reload(self, *_told: Any) -> None:
        """Stop: the terminal is gone. granian would reload, and the shop go on where nobody sees it.

        Whoever starts it under ``nohup`` wants that, and it stays.
        """
        if not self._stays:
            self.signal_handler_interrupt(signal.SIGHUP, None)

    def keep_a_reserve(self, after: float = 0.0) -> None:
        """Start one, unless there is one; after so many seconds, not to take time from who starts now."""
        thread = threading.Timer(after, self._start_reserve)
        thread.daemon = True
        thread.start()

    def dismiss_reserve(self) -> None:
        """End it, and keep none any more."""
        with self._lock:
            self._folder, reserve, self._reserve = None, self._reserve, None
        if reserve is not None:
            reserve[0].inner.kill()
            reserve[0].inner.join(5.0)

    def _start_reserve(self) -> None:
        with self._lock:
            if self._folder is None or self._recipe is None or self._reserve is not None:
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            word = self._folder / secrets.token_hex(8)
            target, load = self._recipe
            # In its own luggage: whoever is started at the same moment must not hear the word, too.
            worker = super()._spawn_worker(0, target, partial(in_reserve, str(word), load))
            worker.inner.start()
            self._reserve = (worker, word)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:
        self._recipe = (target, callback_loader)
        with self._lock:
            reserve, self._reserve = self._reserve, None
        if reserve is None:
            return super()._spawn_worker(idx, target, callback_loader)
        self.keep_a_reserve(_REST)
        worker, word = reserve
        if not worker.inner.is_alive():
            word.with_suffix(".ready").unlink(missing_ok=True)
            return super()._spawn_worker(idx, target, callback_loader)
        worker.idx, worker.birth = idx, time.monotonic()

        def wake() -> None:
            word.touch()
            worker._watch()  # noqa: SLF001 - what granian does once it has started one

        worker.start = wake
        return worker

    def _respawn_workers(
        self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0
    ) -> None:
        now = time.monotonic()
        for index in workers:
            self._note_death(index, now)
        if len(self._deaths) == _HOPELESS and now - self._deaths[0] < 60.0:
            _log.critical("server-processes-keep-dying", deaths=_HOPELESS, within_seconds=60)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        super()._respawn_workers(workers, spawn_target, target_loader, delay)
        if self.interrupt_children:  # died just before granian took back its own word to look
            self.main_loop_interrupt.set()

    def _note_death(self, index: int, now: float) -> None:
        worker = self.wrks[index]
        age = now - worker.birth
        exitcode = getattr(worker.inner, "exitcode", None)
        _log.error("server-process-ended", exitcode=exitcode, after_seconds=round(age, 1))
        self._deaths.append(now)
        self._early[index] = self._early.get(index, 0) + 1 if age < _EARLY else 0
        if self._early[index]:
            # Whatever happens meanwhile ends the pause: a word to stop, or another death.
            pause = 0.25 * 2 ** self._early[index]
            self.main_loop_interrupt.wait(min(_LONGEST_PAUSE, pause))


def end_the_stuck(folder: Path, after: timedelta) -> None:
    """From now on kill each child whose file in ``folder`` says that its loop stood still for so long.

    Its own watchdog cannot do that while code holds the interpreter's lock. Files are named by process
    id, and touched by :class:`~commercekit.platform.telemetry.LoopWatchdog`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink(missing_ok=True)
    limit = after.total_seconds()
    threading.Thread(
        target=_look_after, args=(folder, limit), name="commercekit:stuck", daemon=True
    ).start()


def _look_after(folder: Path, limit: float) -> None:
    while True:
        time.sleep(min(1.0, limit / 4))
        for file in folder.iterdir():
            with contextlib.suppress(FileNotFoundError, psutil.Error, ValueError):
                still = time.time() - file.stat().st_mtime
                if still < limit:
                    continue
                file.unlink()
                process = psutil.Process(int(file.name))
                if process.ppid() == os.getpid():
                    _log.error("server-process-stuck", process=process.pid, seconds=round(still, 1))
                    process.kill()
