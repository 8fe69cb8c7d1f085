"""A batch of wishes gives exactly what one wish after the other gives, and never deadlocks."""

from __future__ import annotations

import asyncio
import contextvars
import random
from datetime import timedelta

import msgspec
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from commercekit.inventory import AllocationPlan, Demand, InventoryService, OutOfStock
from commercekit.kernel import new_id
from commercekit.platform.db import Database
from commercekit.testing.clock import ManualClock

SKUS = ["ant", "bee", "cat", "dog"]
MARKETS = ["cn", "eu"]
CALL = "SELECT inventory_allocate_all($1::jsonb, $2)"


class _Back(Exception):
    """Takes a savepoint back."""


def wish_of(inventory, turn, reference, lines, **options):
    demands = [Demand(sku, n) for sku, n in lines]
    return {**inventory.wish(reference, demands, None, **options), "turn": turn}


async def allocate_all(uow, inventory, wishes):
    """Refusals by turn; what was told of is published in ``uow``."""
    answer = msgspec.json.decode(
        await uow.fetchval(CALL, msgspec.json.encode(wishes).decode(), uow.clock.now())
    )
    inventory.tell_allocated(uow, msgspec.json.encode(answer["changes"]).decode())
    return {
        int(turn): inventory.refusal(msgspec.json.encode(lines).decode())
        for turn, lines in answer["refused"].items()
    }


# ------------------------------------------------------------------------------ against one by one


@st.composite
def shops(draw, *, places):
    """Shelves, who serves whom, and wishes: all that decides who gets what."""
    shelf = st.fixed_dictionaries(
        {
            "on_hand": st.integers(0, 9),
            "allocated": st.integers(0, 12),
            "backorder_limit": st.sampled_from([0, 0, 0, 3]),
            "tracked": st.sampled_from([True, True, True, False]),
        }
    )
    shelves = {}
    for sku in draw(st.lists(st.sampled_from(SKUS), unique=True)):
        at = st.lists(st.integers(0, places - 1), unique=True, min_size=1)
        for place in draw(at if places > 1 else st.just([0])):
            shelves[sku, place] = draw(shelf)
    locations = draw(
        st.lists(
            st.tuples(
                st.integers(1, 3),  # priority
                st.sampled_from([True, True, True, False]) if places > 1 else st.just(True),
                st.sets(st.sampled_from(MARKETS)) if places > 1 else st.just(set()),
            ),
            min_size=places,
            max_size=places,
        )
    )
    line = st.tuples(st.sampled_from([*SKUS, "unknown", "nowhere"]), st.integers(1, 5))
    wishes = draw(
        st.lists(
            st.tuples(
                st.lists(line, min_size=1, max_size=4),
                st.sampled_from([None, *MARKETS]),
                st.lists(st.integers(0, places - 1), unique=True),
                st.booleans(),
            ),
            min_size=1,
            max_size=7,
        )
    )
    return shelves, locations, wishes, draw(st.booleans())


class Bench:
    """One database in which a shop is set up and taken back again and again."""

    def __init__(self, dsn):
        self.clock = ManualClock()
        self.db = Database(dsn, clock=self.clock)
        self.told = []
        self.db.on_flush(self._hear)

    async def _hear(self, _uow, facts):
        self.told.extend(facts)

    async def compare(self, shop):
        """The same wishes both ways on the same shelves; nothing stays."""
        shelves, locations, wishes, split = shop
        inventory = InventoryService(self.db, self.clock, split=split)
        try:
            async with self.db.unit_of_work() as uow:
                places = await self._set_up(uow, shelves, locations)
                turns = [
                    (
                        f"order-{turn}",
                        [Demand(sku, n) for sku, n in lines],
                        self.clock.now() + timedelta(hours=turn) if turn % 2 else None,
                        market,
                        AllocationPlan(tuple(places[at] for at in asked), most_stock_first=most),
                    )
                    for turn, (lines, market, asked, most) in enumerate(wishes)
                ]
                batch = await self._both(uow, self._as_batch, inventory, turns)
                single = await self._both(uow, self._one_by_one, inventory, turns)
                event(f"{sum(o is not None for o in batch[0])} of {len(wishes)} refused")
                assert batch == single
                raise _Back
        except _Back:
            pass

    async def _both(self, uow, way, inventory, turns):
        self.told.clear()
        try:
            async with uow.nested():
                outcomes = await way(uow, inventory, turns)
                await uow.flush()
                result = outcomes, *await self._rows(uow), self._seen()
                raise _Back
        except _Back:
            return result

    @staticmethod
    async def _as_batch(uow, inventory, turns):
        wishes = [
            {
                **inventory.wish(reference, demands, expires_at, market=market, plan=plan),
                "turn": turn,
            }
            for turn, (reference, demands, expires_at, market, plan) in enumerate(turns)
        ]
        refused = await allocate_all(uow, inventory, wishes)
        return [short(refused[turn]) if turn in refused else None for turn in range(len(turns))]

    @staticmethod
    async def _one_by_one(uow, inventory, turns):
        outcomes = []
        for reference, demands, expires_at, market, plan in turns:
            try:
                await inventory.allocate(
                    uow, reference, demands, expires_at, market=market, plan=plan
                )
            except OutOfStock as refusal:
                outcomes.append(short(refusal))
            else:
                outcomes.append(None)
        return outcomes

    @staticmethod
    async def _rows(uow):
        items = await uow.fetch(
            "SELECT id, on_hand, allocated FROM inventory_stock_item ORDER BY id"
        )
        promises = await uow.fetch(
            "SELECT reference, sku, stock_item_id, quantity, expires_at, held, state"
            " FROM inventory_allocation ORDER BY reference, sku, stock_item_id"
        )
        return [tuple(row) for row in items], [tuple(row) for row in promises]

    def _seen(self):
        """What shoppers are told in the end: by market and SKU, from what to what."""
        seen = {}
        for fact in self.told:
            key = (fact.market, fact.sku)
            first = seen[key][0] if key in seen else fact.previous
            seen[key] = (first, fact.shown, tuple(fact.elsewhere))
        return {key: value for key, value in seen.items() if value[0] != value[1]}

    @staticmethod
    async def _set_up(uow, shelves, locations):
        # As a restored backup is written: without the triggers that keep the ledger.
        await uow.execute("SET LOCAL session_replication_role = replica")
        await uow.execute("DELETE FROM inventory_location")
        places = [new_id() for _ in locations]
        for at, (priority, active, markets) in enumerate(locations):
            await uow.execute(
                "INSERT INTO inventory_location (id, code, name, priority, active)"
                " VALUES ($1, $2, $2, $3, $4)",
                places[at],
                f"place-{at}",
                priority,
                active,
            )
            for market in sorted(markets):
                await uow.execute(
                    "INSERT INTO inventory_market_location VALUES ($1, $2)", market, places[at]
                )
        for (sku, at), shelf in shelves.items():
            allocated = shelf["allocated"]
            over = max(0, allocated - shelf["on_hand"] - shelf["backorder_limit"])
            await uow.execute(
                "INSERT INTO inventory_stock_item (id, sku, location_id, on_hand, allocated,"
                " backorder_limit, shortage, tracked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                new_id(),
                sku,
                places[at],
                shelf["on_hand"],
                allocated,
                shelf["backorder_limit"],
                over,
                shelf["tracked"],
            )
        await uow.execute("SET LOCAL session_replication_role = origin")
        return places


def short(refusal):
    return sorted((line.sku, line.wanted, line.available) for line in refusal.shortfalls)


def shelf(on_hand):
    return {"on_hand": on_hand, "allocated": 0, "backorder_limit": 0, "tracked": True}


def agree(dsn, examples, situations, *firsts):
    with asyncio.Runner() as runner:
        bench = Bench(dsn)
        runner.run(bench.db.open())

        def check(shop):
            runner.run(bench.compare(shop))

        for first in firsts:
            check = example(first)(check)
        settings(max_examples=examples, deadline=None)(given(situations)(check))()
        runner.run(bench.db.close())


def test_where_each_sku_lies_in_one_place_a_batch_is_one_after_the_other(dsn):
    one_place = [(1, True, set())]
    agree(
        dsn,
        120,
        shops(places=1),
        (
            # What the refused second wanted of ants goes to the third; twice the same SKU is summed.
            {("ant", 0): shelf(5), ("bee", 0): shelf(1)},
            one_place,
            [
                ([("ant", 2), ("bee", 1)], None, [], False),
                ([("ant", 1), ("bee", 1)], None, [], False),
                ([("ant", 1), ("ant", 2)], None, [], False),
                ([("ant", 1)], None, [], False),
            ],
            True,
        ),
        (
            {("ant", 0): {**shelf(1), "tracked": False}},
            one_place,
            [([("ant", 5), ("unknown", 1)], None, [], False), ([("ant", 5)], None, [], False)],
            True,
        ),
    )


def test_where_there_is_a_choice_of_places_a_batch_is_one_after_the_other(dsn):
    agree(dsn, 120, shops(places=3))


# ----------------------------------------------------------------------------------- many at once


async def _nobody_hears(_uow, _facts):
    """The other process has its own listeners."""


async def _overlapping(shop, dsn, skus, *, rounds):
    """Batches that want the same SKUs in different orders, on eight connections of two pools."""
    rival = Database(dsn, clock=shop.clock, pool_size=4)
    rival.on_flush(_nobody_hears)
    await rival.open()
    refused = 0
    try:
        for number in range(rounds):
            chance = random.Random(number)

            async def batch(db, name, chance=chance):
                wishes = []
                for turn in range(8):
                    lines = [(sku, chance.randint(1, 2)) for sku in chance.sample(skus, 4)]
                    wishes.append(wish_of(shop.inventory, turn, f"{name}-{turn}", lines))
                async with db.unit_of_work() as uow:
                    return len(await allocate_all(uow, shop.inventory, wishes))

            outcomes = await asyncio.gather(
                *(batch(db, f"{number}-{n}") for n, db in enumerate([shop.db, rival] * 4))
            )
            refused += sum(outcomes)
    finally:
        await rival.close()
    return refused


async def _are_exact(shop, dsn, skus, *, rounds=4, stock=150):
    # A deadlock would be raised here: there is no retry, because everybody locks in the order of ids.
    refused = await _overlapping(shop, dsn, skus, rounds=rounds)
    placed = await shop.db.fetchval("SELECT count(DISTINCT reference) FROM inventory_allocation")
    assert placed + refused == rounds * 64
    assert refused > 0
    for sku in skus:
        on_hand, allocated = await shop.numbers(sku)
        assert allocated <= on_hand == stock
        held = "SELECT coalesce(sum(held), 0) FROM inventory_allocation WHERE sku = $1"
        assert await shop.db.fetchval(held, sku) == allocated
    await shop.assert_books_balance()


async def test_batches_that_overlap_meet_no_deadlock_and_sell_no_more_than_there_is(shop, dsn):
    for sku in SKUS * 2:
        await shop.stock(sku, 150)
    await _are_exact(shop, dsn, [*SKUS])


async def test_nor_do_they_where_there_is_a_choice_of_places(shop, dsn):
    await shop.inventory.add_location("north", "North", priority=200)
    for sku in SKUS:
        await shop.stock(sku, 100)
        await shop.stock(sku, 50, location="north")
    await _are_exact(shop, dsn, [*SKUS])


async def test_a_batch_waits_for_a_single_allocation_and_sees_what_it_took(shop):
    await shop.stock("ant", 3)
    await shop.stock("bee", 3)

    async def batch():
        async with shop.db.unit_of_work() as uow:
            wishes = [
                wish_of(shop.inventory, 0, "late", [("bee", 1), ("ant", 2)]),
                wish_of(shop.inventory, 1, "later", [("ant", 1)]),
            ]
            return await allocate_all(uow, shop.inventory, wishes)

    async with shop.db.unit_of_work() as uow:
        await shop.inventory.allocate(uow, "early", [Demand("ant", 2)], None)
        waiting = asyncio.create_task(batch(), context=contextvars.Context())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    refused = await waiting
    assert list(refused) == [0]
    assert short(refused[0]) == [("ant", 2, 1)]
    assert await shop.numbers("ant") == (3, 3)
    assert await shop.numbers("bee") == (3, 0)


async def _queued(shop, *references):
    async with shop.db.unit_of_work() as uow:
        wishes = [
            wish_of(shop.inventory, turn, reference, [("ant", 1)])
            for turn, reference in enumerate(references)
        ]
        assert await allocate_all(uow, shop.inventory, wishes) == {}
    rows = await shop.db.fetch(
        "SELECT reference FROM inventory_allocation WHERE sku = 'ant' ORDER BY created_at"
    )
    return [row["reference"] for row in rows]


async def test_who_came_first_in_a_batch_is_served_first_from_the_shelf(shop):
    await shop.stock("ant", 9)
    assert await _queued(shop, "c", "a", "d", "b") == ["c", "a", "d", "b"]


async def test_who_came_first_is_served_first_where_there_are_several_places(shop):
    await shop.stock("ant", 4)
    await shop.inventory.add_location("second", "Second", priority=2)
    await shop.stock("ant", 5, location="second")
    assert await _queued(shop, "c", "a", "d", "b") == ["c", "a", "d", "b"]
