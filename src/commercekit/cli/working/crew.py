"""The parent of a worker: it starts processes, replaces those that die, and stops them in order."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import structlog

from commercekit.cli.exits import ExitCode
from commercekit.cli.working.member import ALIVE, HURRY, READY, Orders, work

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

__all__ = ["Crew", "folder_of_run"]

_LOOK: Final = 0.25
_EARLY: Final = 10.0
"""Seconds of life after which a death says nothing about the next one."""
_LONGEST_PAUSE: Final = 10.0
_HOPELESS: Final = 20
"""So many deaths within a minute, and the worker ends."""
_AT_LAST: Final = 10.0
"""Seconds past the grace after which a process that does not end is killed."""
_FRESH: Final = 5.0
_log = structlog.get_logger("commercekit.worker")


def folder_of_run(run: Path) -> Path:
    """A folder below ``run`` for this process alone; what killed ones left there goes."""
    for left in run.glob("worker-*"):
        pid = left.name.removeprefix("worker-")
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = run / f"worker-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    for part in (ALIVE, READY, "metrics"):
        (folder / part).mkdir(parents=True)
    return folder


@dataclass(slots=True)
class _Place:
    """One of the processes, and those before it."""

    process: SpawnProcess | None = None
    born: float = 0.0
    early: int = 0
    """Deaths in a row that came soon."""
    not_before: float = 0.0


@dataclass(slots=True)
class Crew:
    """Runs ``count`` processes until a signal ends them.

    The first SIGTERM or Ctrl-C lets them finish for as long as ``grace``, and so does a terminal that is
    closed; the second has them give back what they hold at once.
    """

    orders: Orders
    count: int
    grace: timedelta
    on_ready: Callable[[], None]
    """Called once, when all of them work."""
    _places: list[_Place] = field(default_factory=list)
    _signals: int = 0
    _was_ready: bool = False
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_HOPELESS))

    def run(self) -> int:
        """Stay until the end; gives the exit code."""
        self._places = [_Place() for _ in range(self.count)]
        before = {each: signal.signal(each, self._heard) for each in _SIGNALS}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._heard)
        try:
            code = self._keep_going()
            self._see_off()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            for place in self._places:
                if place.process is not None and place.process.is_alive():
                    place.process.kill()
        return code

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Whether each place has a process that said lately that it can work."""
        now, ready = time.time(), 0
        for place in self._places:
            with contextlib.suppress(OSError, AttributeError):
                sign = self.orders.folder / READY / str(place.process.pid)  # type: ignore[union-attr]  # suppressed
                ready += now - sign.stat().st_mtime < _FRESH
        return ready == self.count and not self._signals, {
            "processes": self.count,
            "ready": ready,
        }

    def _heard(self, _number: int, _frame: Any) -> None:
        self._signals += 1

    def _keep_going(self) -> int:
        while not self._signals:
            now = time.monotonic()
            for place in self._places:
                if place.process is None and now >= place.not_before:
                    self._start(place)
            wait([place.process.sentinel for place in self._places if place.process], _LOOK)
            for place in self._places:
                process = place.process
                if process is None or process.is_alive():
                    continue
                if (code := self._bury(place, process)) is not None:
                    return code
            if not self._was_ready and self.health()[0]:
                self._was_ready = True
                self.on_ready()
        return ExitCode.OK

    def _start(self, place: _Place) -> None:
        # Forked processes would inherit this one's threads and metrics.
        place.process = multiprocessing.get_context("spawn").Process(
            target=work, args=(self.orders,), name="commercekit-worker"
        )
        place.born = time.monotonic()
        place.process.start()

    def _bury(self, place: _Place, process: SpawnProcess) -> int | None:
        """Note a death; the exit code if it is one too many."""
        if self._signals:  # the whole group was told to stop
            return None
        now = time.monotonic()
        age = now - place.born
        for part in (ALIVE, READY):
            (self.orders.folder / part / str(process.pid)).unlink(missing_ok=True)
        place.process = None
        if not self._was_ready and process.exitcode in _SAID_WHY:
            return int(process.exitcode or 0)
        _log.error("worker-process-ended", exitcode=process.exitcode, after_seconds=round(age, 1))
        self._deaths.append(now)
        if len(self._deaths) == _HOPELESS and now - self._deaths[0] < 60.0:
            _log.critical("worker-processes-keep-dying", deaths=_HOPELESS, within_seconds=60)
            return ExitCode.FAILED
        place.early = place.early + 1 if age < _EARLY else 0
        place.not_before = now + (
            min(_LONGEST_PAUSE, 0.25 * 2**place.early) if place.early else 0.0
        )
        return None

    def _see_off(self) -> None:
        left = [place.process for place in self._places if place.process is not None]
        _tell(left, signal.SIGTERM)
        hurried = False
        until = time.monotonic() + self.grace.total_seconds() + _AT_LAST
        while left and time.monotonic() < until:
            if self._signals > 1 and not hurried:
                hurried = True
                _tell(left, HURRY)
                until = min(until, time.monotonic() + _AT_LAST)
            wait([process.sentinel for process in left], _LOOK)
            left = [process for process in left if process.is_alive()]
        for process in left:
            _log.error("worker-process-stuck", process=process.pid)
            process.kill()
        for process in left:
            process.join(_AT_LAST)


_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_SAID_WHY: Final = frozenset({ExitCode.CONFIGURATION, ExitCode.NOT_REACHABLE})
"""How a process ends that told on the error stream why it cannot start."""


def _tell(processes: list[SpawnProcess], word: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError, TypeError):
            os.kill(process.pid, word)  # type: ignore[arg-type]  # suppressed: it has not started
