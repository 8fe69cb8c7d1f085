"""Leaves a server alone that does not answer, and looks in the background whether it is back."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Breaker"]

_log = logging.getLogger("commercekit.cache")
_PAUSES = (0.05, 0.25, 1.0, 2.0, 5.0)


class Breaker:
    """Opens with the first failure, because the one who found it has paid for it already.

    No request is ever the one that tries: while it is open a task of its own asks, at growing distances,
    and closes it with the first answer.
    """

    def __init__(
        self, probe: Callable[[], Awaitable[object]], *, pauses: Sequence[float] = _PAUSES
    ) -> None:
        self.is_open = False
        self.is_probing = False
        self.opened = 0
        """How often it did."""
        self._probe = probe
        self._pauses = pauses
        self._on_open: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        """``closed``, ``open`` or, in the moment in which it tries, ``half_open``."""
        if not self.is_open:
            return "closed"
        return "half_open" if self.is_probing else "open"

    def on_open(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called when it opens, so that who waits for an answer stops waiting."""
        self._on_open.append(listener)

    def trip(self, why: BaseException) -> None:
        """The server did not answer."""
        if self.is_open:
            return
        self.is_open = True
        self.opened += 1
        _log.warning("the cache is left alone", extra={"error": type(why).__name__})
        for listener in self._on_open:
            listener()
        self._task = asyncio.get_running_loop().create_task(
            self._look(), name="commercekit:cache-probe", context=contextvars.Context()
        )

    async def stop(self) -> None:
        """Look no longer; it stays as it is."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _look(self) -> None:
        tries = 0
        while True:
            pause = self._pauses[min(tries, len(self._pauses) - 1)]
            # Spread, so that all processes of a shop do not knock at the same time.
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))
            tries += 1
            self.is_probing = True
            try:
                await self._probe()
            except Exception:  # noqa: BLE001, S112 - whatever it was, it is not back
                continue
            finally:
                self.is_probing = False
            self.is_open = False
            self._task = None
            _log.info("the cache answers again")
            return
