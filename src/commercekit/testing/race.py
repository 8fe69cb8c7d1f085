"""Races that always happen: a rival runs exactly where it hurts, not when chance has it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import importlib
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any

__all__ = ["Race", "Rival"]

_LOOK_EVERY = 0.05
_PATIENCE = 0.5
_AT_MOST = 30.0


class Rival:
    """Who runs in between, and what came of it."""

    def __init__(self, target: str, act: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self.target = target
        self._act = act
        self._task: asyncio.Task[Any] | None = None

    @property
    def has_run(self) -> bool:
        """Whether the target was called, so that the race took place."""
        return self._task is not None

    async def result(self) -> Any:
        """What the rival returned, or raise what it raised; waits for it when it was held up."""
        if self._task is None:
            message = f"{self.target} was never called: the race did not take place"
            raise AssertionError(message)
        return await self._task

    async def run(self) -> None:
        """Run the rival until it is done or waits for a lock that only the other one can give."""
        if self._task is None:
            # A context of its own: it must not find itself in the other one's unit of work.
            self._task = asyncio.create_task(self._act(), context=contextvars.Context())
            until = monotonic() + _AT_MOST
            place, still = _place(self._task), 0.0
            while still < _PATIENCE and monotonic() < until:
                if (await asyncio.wait([self._task], timeout=_LOOK_EVERY))[0]:
                    return
                # On a busy machine it may be slow; it waits for a lock only while it stays where it is.
                before, place = place, _place(self._task)
                still = still + _LOOK_EVERY if place == before else 0.0

    async def end(self) -> None:
        """Cancel a rival that still waits."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])


class Race:
    """Stages races; the ``race`` fixture gives one and tidies up after it.

    ::

    rival = race.before("acme.stock.take", lambda: buy("SKU-1"))
    with pytest.raises(OutOfStock):
        await buy("SKU-1")
    assert await rival.result() == "sold"
    """

    def __init__(self) -> None:
        self._rivals: list[Rival] = []
        self._restore: list[Callable[[], None]] = []

    def before(self, target: str, rival: Callable[[], Coroutine[Any, Any, Any]]) -> Rival:
        """Have ``rival`` run just before the first call of the asynchronous function ``target``.

        ``target`` is a dotted path, ``package.module.function`` or ``package.module.Class.method``,
        to the name under which the code under test finds it. A rival that waits for a lock of the one
        it races is left waiting once it has stood still for half a second, and goes on when it gets it.
        """
        return self._stage(target, rival, first=True)

    def after(self, target: str, rival: Callable[[], Coroutine[Any, Any, Any]]) -> Rival:
        """Have ``rival`` run just after the first call of ``target`` that returns."""
        return self._stage(target, rival, first=False)

    async def finish(self) -> None:
        """Put everything back and end rivals that still wait.

        Raises :class:`AssertionError` when a staged race never took place: a test that proves nothing
        must not pass.
        """
        for restore in reversed(self._restore):
            restore()
        for rival in self._rivals:
            await rival.end()
        idle = [rival.target for rival in self._rivals if not rival.has_run]
        if idle:
            message = f"never called, so the race did not take place: {', '.join(idle)}"
            raise AssertionError(message)

    def _stage(
        self, target: str, act: Callable[[], Coroutine[Any, Any, Any]], *, first: bool
    ) -> Rival:
        owner, name = _find(target)
        original = inspect.getattr_static(owner, name)
        function = original.__func__ if isinstance(original, staticmethod) else original
        if not inspect.iscoroutinefunction(function):
            message = f"{target} is no asynchronous function, so nothing can run in between"
            raise TypeError(message)
        rival = Rival(target, act)
        wrapper = _around(function, rival, first=first)
        setattr(owner, name, staticmethod(wrapper) if function is not original else wrapper)
        self._restore.append(lambda: setattr(owner, name, original))
        self._rivals.append(rival)
        return rival


def _place(task: asyncio.Task[Any]) -> list[tuple[object, int]]:
    """Where the task stands: the code of its chain, and the instruction that each is at.

    Whoever looks again and again whether it may go on stands still, too.
    """
    place: list[tuple[object, int]] = []
    current: Any = task.get_coro()
    while inspect.iscoroutine(current) and current.cr_frame is not None:
        place.append((current.cr_code, current.cr_frame.f_lasti))
        current = current.cr_await
    return place


def _around(
    function: Callable[..., Awaitable[Any]], rival: Rival, *, first: bool
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def raced(*args: Any, **kwargs: Any) -> Any:
        if first:
            await rival.run()
        result = await function(*args, **kwargs)
        if not first:
            await rival.run()
        return result

    return raced


def _find(target: str) -> tuple[Any, str]:
    """The module or class that holds the target, and its name there."""
    *path, name = target.split(".")
    for length in range(len(path), 0, -1):
        try:
            owner: Any = importlib.import_module(".".join(path[:length]))
        except ModuleNotFoundError:
            continue
        for part in path[length:]:
            owner = getattr(owner, part)
        return owner, name
    message = f"{target} names no module that can be imported"
    raise ImportError(message)
