"""What the servers of tests have in common: how one begins, freezes and ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from commercekit.testing.services.process import GuardedProcess, wait_until

__all__ = ["PrivateServer"]


class PrivateServer(ABC):
    """One server of a test's own: a context manager that starts it, and removes it at the end."""

    _patience: float
    """So many seconds it may take to answer after its start."""

    def __init__(self, name: str) -> None:
        self._process = GuardedProcess(name)

    @property
    @abstractmethod
    def version(self) -> str:
        """Its name and version."""

    @property
    def pid(self) -> int | None:
        """The first of the server's processes, or ``None`` while there is none."""
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> Self:
        """Start it and wait until it answers; started already is no error."""
        if self.pid is None:
            self._launch()
            try:
                wait_until(self._is_up, self._patience, f"{self.version} does not answer")
            except BaseException as error:
                error.add_note(self._process.tail())
                self._process.kill()
                raise
        return self

    def stop(self) -> None:
        """Let it end in order. Not running is no error."""
        self._process.terminate()

    def kill(self) -> None:
        """``kill -9`` of all its processes: connections break without a word."""
        self._process.kill()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers, until :meth:`resume`."""
        self._process.freeze()

    def resume(self) -> None:
        """Let a paused one go on."""
        self._process.thaw()

    def restart(self) -> None:
        """Stop it and start it on the same ports, with what it keeps on disk, if anything."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Kill it and remove its folder; it cannot be started again."""
        self._process.close()

    @abstractmethod
    def _launch(self) -> None:
        """Choose ports, write the settings, start the program."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it serves by now."""

    def _is_up(self) -> bool:
        if self.pid is None:
            message = f"{self.version} ended while it started"
            raise RuntimeError(message)
        return self._answers()
