"""What holds for every provider that is awaited: notifiers, sources of tax rates, places for files."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import pytest

from commercekit.testing.conformance.contract import Contract
from commercekit.testing.conformance.watching import Reach, Watch

__all__ = ["CALLED_RULES", "Call", "CalledContract"]

CALLED_RULES: Final[Mapping[str, str]] = {
    "fails-in-our-words": "only the core's own errors say what may be repeated",
    "holds-up-nobody": "what blocks the event loop makes every shopper of the process wait",
    "lets-itself-be-cut-short": "the core's deadline ends a call by cancelling it",
    "leaves-no-task-behind": "a task that nobody waits for fails unseen, and keeps what it holds",
}


class Call(NamedTuple):
    """One way to call a provider; each ``make`` is a call of its own."""

    about: str
    make: Callable[[], Awaitable[Any]]


class CalledContract(Contract):
    """The rules that need to know nothing of the kind; a kind adds its own."""

    cpu_budget: ClassVar[float] = 0.1
    """Seconds of CPU that a call may take before it lets others go on."""

    @pytest.fixture
    def calls(self) -> Sequence[Call]:
        """Everything the provider can be asked, sense and nonsense."""
        raise NotImplementedError

    async def test_fails_in_our_words(self, calls: Sequence[Call]) -> None:
        """Rule ``fails-in-our-words``: whatever it is asked."""
        for call in calls:
            await self.refusal(call.make())

    async def test_holds_up_nobody(self, calls: Sequence[Call]) -> None:
        """Rule ``holds-up-nobody``: no blocking sockets, files or sleep, and no long sums.

        Use ``ctx.http``, and ``asyncio.to_thread`` for what only exists in a form that blocks.
        """
        for call in calls:
            watch = Watch(alone=False)
            awaited = call.make()
            with watch:
                await self.refusal(awaited)
            blocked = watch.reached(Reach.SLEEP, Reach.WAIT, Reach.FILES)
            self.hold("holds-up-nobody", blocked is None, f"{call.about}: {blocked}")
            stepped = _Stepped(call.make())
            await self.refusal(stepped)
            detail = f"{call.about}: {stepped.longest:.3f} s of CPU without a pause"
            self.hold("holds-up-nobody", stepped.longest <= self.cpu_budget, detail)

    async def test_lets_itself_be_cut_short(self, calls: Sequence[Call]) -> None:
        """Rule ``lets-itself-be-cut-short``: cancelled where it first waits, it ends."""
        for call in calls:
            fault = await _cut_short(call.make())
            self.hold("lets-itself-be-cut-short", fault is None, f"{call.about}: {fault}")

    async def test_leaves_no_task_behind(self, calls: Sequence[Call]) -> None:
        """Rule ``leaves-no-task-behind``."""
        for call in calls:
            before = asyncio.all_tasks()
            await self.refusal(call.make())
            await asyncio.sleep(0)
            left = [task for task in asyncio.all_tasks() - before if not task.done()]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=2)
            detail = f"{call.about}: {', '.join(f'{task.get_coro()!r}' for task in left)}"
            self.hold("leaves-no-task-behind", not left, detail)


class _Stepped:
    """Awaits something, and measures the CPU time between two of its pauses."""

    def __init__(self, awaited: Awaitable[Any]) -> None:
        self._awaited = awaited
        self.longest = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps: Any = self._awaited.__await__()
        thrown: BaseException | None = None
        while True:
            started = time.thread_time()
            try:
                pause = steps.send(None) if thrown is None else steps.throw(thrown)
            except StopIteration as end:
                return end.value
            finally:
                self.longest = max(self.longest, time.thread_time() - started)
            thrown = None
            try:
                yield pause
            except BaseException as error:  # noqa: BLE001 - handed on to the call it is meant for
                thrown = error


async def _cut_short(awaited: Awaitable[Any]) -> str | None:
    """What is wrong with how it ended; one that never waits was over before it could be cancelled."""
    task = asyncio.ensure_future(awaited)
    await asyncio.sleep(0)
    task.cancel()
    _, going_on = await asyncio.wait([task], timeout=1)
    if going_on:
        for _ in range(50):
            task.cancel()
            await asyncio.wait([task], timeout=0.02)
        return "it went on for a second after it was cancelled"
    if not task.cancelled():
        with contextlib.suppress(Exception):  # what it raises is another rule's business
            task.result()
    return None
