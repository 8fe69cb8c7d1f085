"""Work that arrives together: who flies when, and what each is told."""

from __future__ import annotations

import asyncio
import contextvars

import asyncpg
import pytest

from commercekit.errors import Refused, Unavailable
from commercekit.platform.db import Coalescer, CommitOutcomeUnknown, TooBusy

_WHERE = contextvars.ContextVar("_WHERE", default="nowhere")


class Airfield:
    """A flight that waits until it is let go, and remembers who was aboard."""

    def __init__(self, *, gate=False, **options):
        self.flights = []
        self.trouble = {}
        """Per item, what a flight that carries it raises as a whole; a list is used up one by one."""
        self.seen = []
        self._gate = asyncio.Event()
        if not gate:
            self._gate.set()
        self.coalescer = Coalescer(self._fly, **options)

    def open(self):
        self._gate.set()

    async def _fly(self, items):
        self.flights.append(list(items))
        self.seen.append(_WHERE.get())
        await self._gate.wait()
        for item in items:
            trouble = self.trouble.get(item)
            if isinstance(trouble, list):
                trouble = trouble.pop(0) if trouble else None
            if trouble is not None:
                raise trouble
        return [f"{item} done" for item in items]

    async def underway(self, count=1):
        for _ in range(100):
            if len(self.flights) >= count:
                return
            await asyncio.sleep(0)
        pytest.fail("no flight took off")

    def later(self, *items):
        return [asyncio.ensure_future(self.coalescer.submit(item)) for item in items]


async def all_of(tasks):
    """What became of each, within a second."""
    async with asyncio.timeout(1):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_lone_item_waits_for_nobody():
    field = Airfield()
    assert await field.coalescer.submit("a") == "a done"
    assert field.flights == [["a"]]


async def test_what_arrives_in_one_turn_of_the_loop_flies_together_in_order():
    field = Airfield()
    assert await all_of(field.later("a", "b", "c")) == ["a done", "b done", "c done"]
    assert field.flights == [["a", "b", "c"]]


async def test_batches_grow_while_a_flight_is_under_way():
    field = Airfield(gate=True)
    first = field.later("a")
    await field.underway()
    others = field.later("b", "c", "d")
    await asyncio.sleep(0)
    assert field.flights == [["a"]], "one flight at a time"
    assert len(field.coalescer) == 3
    field.open()
    assert await all_of(first + others) == ["a done", "b done", "c done", "d done"]
    assert field.flights == [["a"], ["b", "c", "d"]]


async def test_a_batch_is_no_larger_than_the_largest_and_the_rest_keeps_its_turn():
    sizes = []
    field = Airfield(gate=True, largest=3, observe=sizes.append)
    tasks = field.later(*range(8))
    await field.underway()
    field.open()
    await all_of(tasks)
    assert field.flights == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert sizes == [3, 3, 2]


async def test_items_that_share_a_key_never_share_a_flight_and_keep_their_order():
    field = Airfield(gate=True, keys=lambda item: item[:-1])
    first = field.later("x0")
    await field.underway()
    # ab2 shares with a1; b3 shares with nobody aboard, but with ab2, which is before it.
    others = field.later("a1", "ab2", "b3", "c4", "a5")
    field.open()
    await all_of(first + others)
    assert field.flights == [["x0"], ["a1", "c4"], ["ab2"], ["b3", "a5"]]


async def test_those_put_off_go_before_those_that_came_after_them():
    field = Airfield(gate=True, largest=2, keys=lambda item: item[:1])
    first = field.later("x")
    await field.underway()
    others = field.later("a1", "a2", "a3", "b4", "c5")
    field.open()
    await all_of(first + others)
    assert field.flights == [["x"], ["a1", "b4"], ["a2", "c5"], ["a3"]]


async def test_each_has_its_own_outcome_in_one_flight():
    async def flight(items):
        return [Refused(f"no {item}") if item == "b" else item.upper() for item in items]

    coalescer = Coalescer(flight)
    a, b, c = await all_of([asyncio.ensure_future(coalescer.submit(i)) for i in "abc"])
    assert (a, c) == ("A", "C")
    assert isinstance(b, Refused)


async def test_of_a_batch_that_fails_only_the_bad_one_fails():
    field = Airfield()
    bad = asyncpg.CheckViolationError("bad row")
    field.trouble["b"] = bad
    assert await all_of(field.later("a", "b", "c")) == ["a done", bad, "c done"]
    assert field.flights == [["a", "b", "c"], ["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    "outage",
    [
        ConnectionRefusedError("gone"),
        asyncpg.AdminShutdownError("shutting down"),
        Unavailable("no connection came free in time"),
        asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    ],
)
async def test_an_outage_fails_all_at_once_without_trying_each(outage):
    field = Airfield()
    field.trouble["a"] = outage
    assert await all_of(field.later("a", "b", "c")) == [outage] * 3
    assert field.flights == [["a", "b", "c"]]


async def test_an_outage_while_each_is_tried_fails_the_rest_at_once():
    field = Airfield()
    bad, outage = asyncpg.CheckViolationError("bad row"), ConnectionResetError("gone")
    field.trouble.update(a=bad, b=outage)
    assert await all_of(field.later("a", "b", "c", "d")) == [bad, outage, outage, outage]
    assert field.flights == [["a", "b", "c", "d"], ["a"], ["b"]]


async def test_an_outage_of_one_flight_is_not_the_next_ones():
    field = Airfield(gate=True)
    field.trouble["a"] = ConnectionResetError("gone")
    first = field.later("a")
    await field.underway()
    second = field.later("b")
    field.open()
    gone, done = await all_of(first + second)
    assert isinstance(gone, ConnectionResetError)
    assert done == "b done"


async def test_who_waited_for_seconds_for_a_flight_that_waits_in_vain_waits_for_no_other(
    monkeypatch,
):
    now = 100.0
    monkeypatch.setattr("commercekit.platform.db.coalescer.monotonic", lambda: now)
    field = Airfield(gate=True)
    stuck = asyncpg.QueryCanceledError("canceling statement due to statement timeout")
    field.trouble["first"] = stuck
    first = field.later("first")
    await field.underway()
    early = field.later("early", "soon after")
    await asyncio.sleep(0)
    now = 105.0
    late = field.later("late")
    await asyncio.sleep(0)
    now = 106.0
    field.open()
    assert await all_of([*first, *early]) == [stuck] * 3
    assert await all_of(late) == ["late done"]
    assert field.flights == [["first"], ["late"]]


async def test_a_batch_whose_commit_is_unknown_is_looked_up_one_by_one():
    field = Airfield()
    field.trouble["b"] = [CommitOutcomeUnknown("during COMMIT")]
    assert await all_of(field.later("a", "b", "c")) == ["a done", "b done", "c done"]
    assert field.flights == [["a", "b", "c"], ["a"], ["b"], ["c"]]


async def test_a_lone_item_whose_commit_is_unknown_is_looked_up_as_well():
    field = Airfield()
    field.trouble["a"] = [CommitOutcomeUnknown("during COMMIT")]
    assert await field.coalescer.submit("a") == "a done"
    assert field.flights == [["a"], ["a"]]


async def test_a_commit_that_stays_unknown_is_told_so():
    field = Airfield()
    field.trouble["a"] = CommitOutcomeUnknown("during COMMIT")
    with pytest.raises(CommitOutcomeUnknown):
        await field.coalescer.submit("a")
    assert field.flights == [["a"], ["a"]], "looked up once, not for ever"


async def test_a_caller_who_is_cancelled_cancels_nothing():
    field = Airfield(gate=True)
    aboard, waiting = [*field.later("a")], []
    await field.underway()
    waiting = field.later("b", "c")
    await asyncio.sleep(0)
    for task in (aboard[0], waiting[0]):
        task.cancel()
    field.open()
    a, b, c = await all_of(aboard + waiting)
    assert isinstance(a, asyncio.CancelledError)
    assert isinstance(b, asyncio.CancelledError)
    assert c == "c done"
    assert field.flights == [["a"], ["b", "c"]], "who hung up while waiting flies all the same"


async def test_beyond_what_may_wait_is_refused_at_once_with_a_moment_to_wait():
    field = Airfield(gate=True, waiting=2)
    first = field.later("a")
    await field.underway()
    waiting = field.later("b", "c")
    await asyncio.sleep(0)
    with pytest.raises(TooBusy) as refusal:
        await field.coalescer.submit("d")
    assert refusal.value.retry_after == 1
    assert refusal.value.slug == "too-busy"
    field.open()
    await all_of(first + waiting)
    assert field.flights == [["a"], ["b", "c"]]
    assert await field.coalescer.submit("d") == "d done", "there is room again"


async def test_a_flight_has_a_context_of_its_own():
    field = Airfield()
    token = _WHERE.set("in somebody's transaction")
    try:
        await field.coalescer.submit("a")
    finally:
        _WHERE.reset(token)
    assert field.seen == ["nowhere"]


async def test_drained_returns_when_nothing_waits_and_nothing_flies():
    field = Airfield(gate=True, largest=1)
    async with asyncio.timeout(1):
        await field.coalescer.drained()
    tasks = field.later("a", "b", "c")
    await field.underway()
    drained = asyncio.ensure_future(field.coalescer.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    field.open()
    async with asyncio.timeout(1):
        await drained
    assert field.flights == [["a"], ["b"], ["c"]]
    assert len(field.coalescer) == 0
    assert await all_of(tasks) == ["a done", "b done", "c done"]


async def test_a_flight_that_forgets_somebody_leaves_nobody_hanging():
    async def flight(items):
        return items[:1]

    coalescer = Coalescer(flight)
    for outcome in await all_of([asyncio.ensure_future(coalescer.submit(i)) for i in "ab"]):
        assert outcome in {"a", "b"}, "each alone gets its own outcome"


async def test_an_observer_that_fails_leaves_nobody_hanging():
    def observe(_size):
        raise RuntimeError("the metric is broken")

    field = Airfield(observe=observe)
    assert await all_of(field.later("a", "b")) == ["a done", "b done"]


async def test_keys_that_cannot_be_told_refuse_their_own_item_only():
    field = Airfield(keys=lambda item: [len(item)])
    good, bad = await all_of(field.later("a", None))
    assert good == "a done"
    assert isinstance(bad, TypeError)
    assert field.flights == [["a"]]
