"""One SKU at two locations under every verb there is, in any order, against books kept on paper."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from commercekit.errors import Unprocessable
from commercekit.inventory import (
    Demand,
    NegativeStock,
    NotAllocated,
    NotTransferable,
    OutOfStock,
    TransferState,
)
from commercekit.kernel import PageRequest, id_at, new_id
from commercekit.platform.db import Database
from commercekit.testing import ManualClock
from tests.inventory.sample import Shop

PLACES = ("main", "north")
_skus = itertools.count(1)
few = st.integers(1, 6)

# Of two promises made at one moment the lower id is served first, and chance says which that is. Here the
# same steps have to lead to the same books whenever they are taken again: each order is tried by itself.
_IDS_IN_ORDER = """
    CREATE SEQUENCE made_so_far MINVALUE 1 MAXVALUE 999999999999 START 1000000000 INCREMENT {step};
    CREATE OR REPLACE FUNCTION inventory_id_at(p_at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
        SELECT (substr(encode(int8send((extract(epoch FROM p_at) * 1000)::bigint), 'hex'), 5)
            || '70008' || lpad(to_hex(nextval('made_so_far')), 15, '0'))::uuid
    $$;
"""
place = st.sampled_from(PLACES)


@dataclass
class Held:
    """One promise on paper."""

    id: UUID
    reference: str
    at: str
    made: datetime
    lasts: bool
    held: int
    shipped: int = 0
    back: int = 0


@dataclass
class Shelf:
    """One location on paper."""

    on_hand: int = 0
    limit: int = 0


@dataclass
class Paper:
    """The books as a clerk with a pencil keeps them: no statuses, no counters, only sums."""

    shelves: dict[str, Shelf] = field(default_factory=lambda: {p: Shelf() for p in PLACES})
    promises: list[Held] = field(default_factory=list)
    under_way: dict[UUID, tuple[str, str, int]] = field(default_factory=dict)

    def allocated(self, at: str) -> int:
        return sum(p.held for p in self.promises if p.at == at)

    def free(self, at: str) -> int:
        shelf = self.shelves[at]
        return max(0, shelf.on_hand - self.allocated(at) + shelf.limit)

    def shortage(self, at: str) -> int:
        shelf = self.shelves[at]
        return max(0, self.allocated(at) - shelf.on_hand - shelf.limit)

    def of(self, reference: str) -> list[Held]:
        return [p for p in self.promises if p.reference == reference]

    def queue(self, at: str) -> list[tuple[UUID, int]]:
        """Who misses how many of what is at a location, in the order of service."""
        left = self.shelves[at].on_hand
        missing = []
        live = [p for p in self.promises if p.at == at and p.held]
        for each in sorted(live, key=lambda p: (not p.lasts, p.made, p.id)):
            missing.append((each.id, max(0, min(each.held, each.held - left))))
            left = max(0, left - each.held)
        return missing


class StockMachine(RuleBasedStateMachine):
    """Every step does the same to the shop and to the paper."""

    def __init__(self, shop: Shop, runner: asyncio.Runner) -> None:
        super().__init__()
        self.shop = shop
        self.run = runner.run
        self.sku = f"sku-{next(_skus)}"
        self.paper = Paper()
        self.references = itertools.count(1)

    def refuses(self, work: Any, *kinds: type[Exception]) -> None:
        with pytest.raises(kinds):
            self.run(work)

    def demand(self, quantity: int) -> list[Demand]:
        return [Demand(self.sku, quantity)]

    def pick(self, data: st.DataObject, *, out: bool = False) -> str:
        wanted = [p for p in self.paper.promises if (p.shipped > p.back if out else p.held)]
        return str(data.draw(st.sampled_from(sorted({p.reference for p in wanted}))))

    @initialize(main=st.integers(0, 12), north=st.integers(0, 5))
    def stock_up(self, main: int, north: int) -> None:
        for at, quantity in zip(PLACES, (main, north), strict=True):
            self.run(self.shop.stock(self.sku, quantity, location=at))
            self.paper.shelves[at].on_hand = quantity

    # The shelf

    @rule(at=place, quantity=few)
    def receive(self, at: str, quantity: int) -> None:
        self.run(self.shop.do("receive", new_id(), self.sku, quantity, location=at))
        self.paper.shelves[at].on_hand += quantity

    @rule(at=place, delta=st.integers(-6, 6).filter(bool))
    def adjust(self, at: str, delta: int) -> None:
        work = self.shop.adjust(self.sku, delta=delta, location=at)
        if self.paper.shelves[at].on_hand + delta < 0:
            self.refuses(work, NegativeStock)
        else:
            self.run(work)
            self.paper.shelves[at].on_hand += delta

    @rule(at=place, found=st.integers(0, 12))
    def count(self, at: str, found: int) -> None:
        self.run(self.shop.adjust(self.sku, count=found, location=at))
        self.paper.shelves[at].on_hand = found

    @rule(at=place, found=st.integers(0, 12), sold=st.integers(0, 3))
    def count_by_document_while_it_sells(self, at: str, found: int, sold: int) -> None:
        inventory = self.shop.inventory
        count = self.run(inventory.open_count(new_id(), at, [self.sku]))
        self.run(inventory.enter(count.id, [Demand(self.sku, found)], expected=count.version))
        difference = found - self.paper.shelves[at].on_hand
        leaving = min(sold, self.paper.shelves[at].on_hand)
        if leaving:
            self.run(self.shop.adjust(self.sku, delta=-leaving, location=at))
            self.paper.shelves[at].on_hand -= leaving
        self.run(inventory.finish_count(count.id))
        if self.paper.shelves[at].on_hand + difference < 0:
            self.refuses(inventory.close_count(count.id), NegativeStock)
        else:
            self.run(inventory.close_count(count.id))
            self.paper.shelves[at].on_hand += difference

    @rule(at=place, limit=st.integers(0, 8))
    def set_backorder_limit(self, at: str, limit: int) -> None:
        item = self.run(self.shop.inventory.item(self.sku, at))
        work = self.shop.inventory.set_limits(
            self.sku, at, expected=item.version, backorder_limit=limit
        )
        self.run(work)
        self.paper.shelves[at].limit = limit

    # Promises

    @rule(quantity=few, lasts=st.booleans())
    def allocate(self, quantity: int, *, lasts: bool) -> None:
        reference = f"{self.sku}-order-{next(self.references)}"
        expires_at = None if lasts else self.shop.clock.now() + timedelta(hours=1)
        work = self.shop.allocate(reference, self.demand(quantity), expires_at)
        free = {at: self.paper.free(at) for at in PLACES}
        if sum(free.values()) < quantity:
            self.refuses(work, OutOfStock)
            return
        self.run(work)
        alone = [at for at in PLACES if free[at] >= quantity]
        expected, left = {}, quantity
        for at in alone or PLACES:
            if part := min(left, free[at]):
                expected[at] = part
                left -= part
        made = self.run(self.shop.inventory.allocations(reference))
        items = {i.id: i.location for i in self.run(self.shop.inventory.level(self.sku)).items}
        assert {items[a.stock_item_id]: a.quantity for a in made} == expected
        self.paper.promises += [
            Held(
                a.id,
                reference,
                items[a.stock_item_id],
                self.shop.clock.now(),
                lasts,
                a.quantity,
            )
            for a in made
        ]

    @precondition(lambda self: any(p.held for p in self.paper.promises))
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        reference = self.pick(data)
        assert self.run(self.shop.do("confirm", reference))
        for each in self.paper.of(reference):
            each.lasts = True

    @precondition(lambda self: any(p.held for p in self.paper.promises))
    @rule(data=st.data(), quantity=st.one_of(st.none(), few))
    def release(self, data: st.DataObject, quantity: int | None) -> None:
        reference = self.pick(data)
        mine = self.paper.of(reference)
        held = sum(each.held for each in mine)
        work = self.shop.do("release", reference, quantity and self.demand(quantity))
        if quantity is not None and quantity > held:
            self.refuses(work, NotAllocated)
        else:
            self.run(work)
            self._take(mine, held if quantity is None else quantity)

    @precondition(lambda self: any(p.held and not p.lasts for p in self.paper.promises))
    @rule()
    def expire(self) -> None:
        self.shop.clock.advance(hours=2)
        mine = {p.reference for p in self.paper.promises if p.held and not p.lasts}
        overdue = set(self.run(self.shop.inventory.expired(self.shop.clock.now(), 10_000)))
        assert mine <= overdue
        for reference in mine:
            self.run(self.shop.do("release", reference, reason="expired"))
            for each in self.paper.of(reference):
                each.held = 0

    @precondition(lambda self: any(p.held for p in self.paper.promises))
    @rule(data=st.data(), quantity=few, to=place)
    def move_promise(self, data: st.DataObject, quantity: int, to: str) -> None:
        live = [p for p in self.paper.promises if p.held]
        each = data.draw(st.sampled_from(live))
        moved = id_at(self.shop.clock.now())
        work = self.shop.inventory.move_promise(each.id, to, quantity, moved_id=moved)
        if quantity > each.held or to == each.at:
            self.refuses(work, Unprocessable)
        elif self.paper.free(to) < quantity:
            self.refuses(work, NotTransferable)
        else:
            assert self.run(work).held == quantity
            each.held -= quantity
            self.paper.promises.append(
                Held(moved, each.reference, to, each.made, each.lasts, quantity)
            )

    # Goods

    @precondition(lambda self: any(p.held for p in self.paper.promises))
    @rule(data=st.data(), quantity=few, has_left=st.booleans())
    def ship(self, data: st.DataObject, quantity: int, *, has_left: bool) -> None:
        reference = self.pick(data)
        mine = self.paper.of(reference)
        work = self.shop.do("ship", reference, self.demand(quantity), has_left=has_left)
        if quantity > sum(each.held for each in mine):
            self.refuses(work, NotAllocated)
            return
        parts = self._parts(mine, quantity)
        wanted = {at: sum(n for p, n in parts if p.at == at) for at in PLACES}
        short = {at: max(0, wanted[at] - self.paper.shelves[at].on_hand) for at in PLACES}
        if any(short.values()) and not has_left:
            self.refuses(work, NotAllocated)
            return
        self.run(work)
        for each, n in parts:
            each.held -= n
            each.shipped += n
        for at in PLACES:
            self.paper.shelves[at].on_hand += short[at] - wanted[at]

    @precondition(lambda self: any(p.shipped > p.back for p in self.paper.promises))
    @rule(data=st.data(), quantity=few, verb=st.sampled_from(["restock", "take_back"]))
    def come_back(self, data: st.DataObject, quantity: int, verb: str) -> None:
        reference = self.pick(data, out=True)
        out = [(p, p.shipped - p.back) for p in self.paper.of(reference) if p.shipped > p.back]
        work = self.shop.do(verb, reference, self.demand(quantity), "came back")
        if quantity > sum(n for _, n in out):
            self.refuses(work, NotAllocated)
            return
        self.run(work)
        for each, most in sorted(out, key=lambda pair: pair[0].id):
            part = min(quantity, most)
            quantity -= part
            self.paper.shelves[each.at].on_hand += part
            if verb == "restock":
                each.back += part
            else:
                each.shipped -= part
                each.held += part

    # Transfers

    @rule(source=place, quantity=few, in_transit=st.booleans())
    def send(self, source: str, quantity: int, *, in_transit: bool) -> None:
        target = PLACES[1 - PLACES.index(source)]
        identifier = new_id()
        work = self.shop.inventory.send(
            identifier, source, target, self.demand(quantity), in_transit=in_transit
        )
        shelf = self.paper.shelves[source]
        if shelf.on_hand - self.paper.allocated(source) < quantity:
            self.refuses(work, NotTransferable)
            return
        self.run(work)
        shelf.on_hand -= quantity
        if in_transit:
            self.paper.under_way[identifier] = (source, target, quantity)
        else:
            self.paper.shelves[target].on_hand += quantity

    @precondition(lambda self: self.paper.under_way)
    @rule(data=st.data(), arriving=st.one_of(st.none(), st.integers(0, 6)))
    def arrive(self, data: st.DataObject, arriving: int | None) -> None:
        identifier = data.draw(st.sampled_from(sorted(self.paper.under_way)))
        source, target, sent = self.paper.under_way[identifier]
        inventory = self.shop.inventory
        if arriving is None:
            done = self.run(inventory.call_back(identifier))
            assert done.state is TransferState.CALLED_BACK
            self.paper.shelves[source].on_hand += sent
        elif arriving > sent:
            self.refuses(
                inventory.receive_transfer(identifier, {self.sku: arriving}), Unprocessable
            )
            return
        else:
            self.run(inventory.receive_transfer(identifier, {self.sku: arriving}))
            self.paper.shelves[target].on_hand += arriving
        del self.paper.under_way[identifier]

    # What must be the same, after each step

    @invariant()
    def the_books_are_the_paper(self) -> None:
        self.shop.clock.advance(seconds=1)
        level = self.run(self.shop.inventory.level(self.sku))
        assert {i.location: (i.on_hand, i.allocated, i.shortage) for i in level.items} == {
            at: (self.paper.shelves[at].on_hand, self.paper.allocated(at), self.paper.shortage(at))
            for at in PLACES
        }
        assert level.available == sum(self.paper.free(at) for at in PLACES)

    @invariant()
    def the_ledger_sums_to_the_row(self) -> None:
        rows = self.run(
            self.shop.db.fetch(
                """SELECT l.code, i.on_hand, coalesce(sum(m.quantity), 0) AS moved,
                    (array_agg(m.on_hand_after ORDER BY m.id DESC))[1] AS latest
                FROM inventory_stock_item i JOIN inventory_location l ON l.id = i.location_id
                LEFT JOIN inventory_movement m ON m.stock_item_id = i.id
                WHERE i.sku = $1 GROUP BY l.code, i.on_hand""",
                self.sku,
            )
        )
        assert all(row["on_hand"] == row["moved"] for row in rows)

    @invariant()
    def whoever_came_first_is_served_first(self) -> None:
        told = self.run(self.shop.inventory.promises(self.sku, PageRequest(limit=100)))
        for at in PLACES:
            queue = [(p.id, p.missing) for p in told.items if p.location == at]
            assert queue == self.paper.queue(at)

    @staticmethod
    def _parts(promises: list[Held], quantity: int) -> list[tuple[Held, int]]:
        parts = []
        for each in sorted(promises, key=lambda p: p.id):
            if part := min(quantity, each.held):
                parts.append((each, part))
                quantity -= part
        return parts

    def _take(self, promises: list[Held], quantity: int) -> None:
        for each, part in self._parts(promises, quantity):
            each.held -= part


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.mark.promise("R14")
@pytest.mark.parametrize("step", [1, -1], ids=["first-is-lower", "first-is-higher"])
def test_stock_is_what_the_paper_says(
    dsn: str, clock: ManualClock, runner: asyncio.Runner, step: int
) -> None:
    async def opened() -> Database:
        database = Database(dsn, clock=clock, pool_size=2)
        await database.open()
        async with database.unit_of_work() as uow:
            await uow.execute(_IDS_IN_ORDER.format(step=step))
        return database

    database = runner.run(opened())
    try:
        shop = Shop(database, clock)
        runner.run(shop.inventory.add_location("north", "North", priority=200))
        run_state_machine_as_test(
            lambda: StockMachine(shop, runner),
            settings=settings(
                max_examples=25,
                stateful_step_count=30,
                deadline=None,
                phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(shop.assert_books_balance())
    finally:
        runner.run(database.close())
