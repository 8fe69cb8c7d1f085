"""Transfers and stock counts: documents that end in movements."""

from __future__ import annotations

from uuid import uuid4

import pytest

from commercekit.errors import Conflict, Unprocessable
from commercekit.inventory import (
    AvailabilityChanged,
    CountIncomplete,
    CountState,
    Demand,
    DocumentFinished,
    MovementFilter,
    MovementKind,
    NegativeStock,
    NotTransferable,
    ShortageBooked,
    TransferState,
    UnknownLocation,
    UnknownStock,
    UnknownStockCount,
    UnknownTransfer,
)
from commercekit.kernel import PageRequest, new_id

ALL = PageRequest(limit=100)


def key():
    return {"Idempotency-Key": str(uuid4())}


def slug(answer):
    return answer.json()["type"].rpartition("/")[2]


@pytest.fixture
async def places(shop):
    await shop.inventory.add_location("north", "North", priority=200)
    await shop.stock("mug", 5)
    await shop.stock("lid", 3)


async def on_hand(shop, sku):
    return {item.location: item.on_hand for item in (await shop.inventory.level(sku)).items}


async def test_a_transfer_is_two_movements_of_one_reference(shop, places):
    transfer = await shop.inventory.send(
        new_id(), "main", "north", [Demand("mug", 2), Demand("mug", 1)], reason="r", actor="a"
    )
    assert transfer.state is TransferState.RECEIVED
    assert [(line.sku, line.quantity, line.received) for line in transfer.lines] == [("mug", 3, 3)]
    assert await on_hand(shop, "mug") == {"main": 2, "north": 3}
    page = await shop.inventory.movements(ALL, MovementFilter(reference=str(transfer.id)))
    assert [(m.kind, m.location, m.quantity, m.reason, m.actor) for m in page.items] == [
        (MovementKind.TRANSFER, "north", 3, "r", "a"),
        (MovementKind.TRANSFER, "main", -3, "r", "a"),
    ]
    assert sum(fact.shown - fact.previous for fact in shop.told) == 0
    await shop.assert_books_balance()


async def test_sending_twice_under_one_id_sends_once(shop, places):
    identifier = new_id()
    first = await shop.inventory.send(identifier, "main", "north", [Demand("mug", 2)])
    assert await shop.inventory.send(identifier, "main", "north", [Demand("mug", 2)]) == first
    assert await on_hand(shop, "mug") == {"main": 3, "north": 2}


async def test_what_is_promised_stays_where_it_is(shop, places):
    await shop.allocate("order-1", [Demand("mug", 4)])
    with pytest.raises(NotTransferable) as caught:
        await shop.inventory.send(
            new_id(), "main", "north", [Demand("lid", 1), Demand("mug", 2), Demand("ghost", 1)]
        )
    assert caught.value.extra["lines"] == [
        {"sku": "ghost", "wanted": 1, "available": 0},
        {"sku": "mug", "wanted": 2, "available": 1},
    ]
    assert await on_hand(shop, "lid") == {"main": 3}
    assert (await shop.inventory.transfers(ALL, None)).items == []


async def test_a_transfer_needs_two_known_places(shop, places):
    with pytest.raises(Unprocessable):
        await shop.inventory.send(new_id(), "main", "main", [Demand("mug", 1)])
    with pytest.raises(UnknownLocation):
        await shop.inventory.send(new_id(), "main", "moon", [Demand("mug", 1)])
    with pytest.raises(UnknownTransfer):
        await shop.inventory.receive_transfer(new_id())
    assert await on_hand(shop, "mug") == {"main": 5}


async def test_goods_on_the_way_are_nobodys_stock(shop, places):
    sent = await shop.inventory.send(
        new_id(), "main", "north", [Demand("mug", 2), Demand("lid", 1)], in_transit=True
    )
    assert sent.state is TransferState.IN_TRANSIT
    assert AvailabilityChanged(sku="mug", shown=3, previous=5) in shop.told
    assert (await shop.inventory.availability(["mug"]))["mug"].available == 3
    with pytest.raises(Unprocessable, match="3 of mug cannot arrive: 2 were sent"):
        await shop.inventory.receive_transfer(sent.id, {"mug": 3})
    got = await shop.inventory.receive_transfer(sent.id, {"mug": 1})
    assert [(line.sku, line.received) for line in got.lines] == [("lid", 0), ("mug", 1)]
    assert await on_hand(shop, "mug") == {"main": 3, "north": 1}
    assert await on_hand(shop, "lid") == {"main": 2}
    assert await shop.inventory.receive_transfer(sent.id, {"mug": 1}) == got
    with pytest.raises(DocumentFinished):
        await shop.inventory.receive_transfer(sent.id)
    with pytest.raises(DocumentFinished):
        await shop.inventory.call_back(sent.id)
    assert await on_hand(shop, "mug") == {"main": 3, "north": 1}
    await shop.assert_books_balance()


async def test_what_is_called_back_is_where_it_was(shop, places):
    sent = await shop.inventory.send(new_id(), "main", "north", [Demand("mug", 2)], in_transit=True)
    back = await shop.inventory.call_back(sent.id)
    assert back.state is TransferState.CALLED_BACK
    assert await shop.inventory.call_back(sent.id) == back
    assert await on_hand(shop, "mug") == {"main": 5}
    with pytest.raises(DocumentFinished):
        await shop.inventory.receive_transfer(sent.id)


async def count_of(shop, *skus):
    return await shop.inventory.open_count(
        new_id(), "main", list(skus) or None, reason="year end", actor="a"
    )


async def test_closing_a_count_books_what_differs(shop, places):
    count = await count_of(shop)
    assert [(line.sku, line.counted) for line in count.lines] == [("lid", None), ("mug", None)]
    count = await shop.inventory.enter(
        count.id, [Demand("mug", 4), Demand("lid", 3)], expected=count.version
    )
    assert (await shop.inventory.finish_count(count.id)).state is CountState.COUNTED
    assert await on_hand(shop, "mug") == {"main": 5}
    closed = await shop.inventory.close_count(count.id, actor="b")
    assert closed.state is CountState.CLOSED
    assert await shop.inventory.close_count(count.id, actor="b") == closed
    page = await shop.inventory.movements(ALL, MovementFilter(reference=str(count.id)))
    assert [(m.sku, m.kind, m.quantity, m.reason, m.actor) for m in page.items] == [
        ("mug", MovementKind.COUNT, -1, "year end", "b")
    ]
    assert await on_hand(shop, "mug") == {"main": 4}


async def test_what_leaves_after_the_counting_is_not_counted_twice(shop, places):
    """On the shelf are 4 where the books say 5; 2 are shipped before the count is closed."""
    await shop.allocate("order-1", [Demand("mug", 2)])
    count = await count_of(shop, "mug")
    await shop.inventory.enter(count.id, [Demand("mug", 4)], expected=1)
    await shop.do("ship", "order-1", [Demand("mug", 2)])
    await shop.inventory.finish_count(count.id)
    await shop.inventory.close_count(count.id)
    assert await shop.numbers("mug") == (2, 0)
    await shop.assert_books_balance()


async def test_a_count_that_finds_less_than_promised_books_a_shortage(shop, places):
    await shop.allocate("order-1", [Demand("mug", 5)])
    count = await count_of(shop, "mug")
    await shop.inventory.enter(count.id, [Demand("mug", 3)], expected=1)
    await shop.inventory.finish_count(count.id)
    shop.told.clear()
    await shop.inventory.close_count(count.id)
    assert shop.told == [ShortageBooked(sku="mug", location="main", shortage=2)]
    await shop.assert_books_balance()


async def test_more_cannot_have_left_than_was_found(shop, places):
    await shop.allocate("order-1", [Demand("mug", 2)])
    count = await count_of(shop)
    await shop.inventory.enter(count.id, [Demand("mug", 0), Demand("lid", 1)], expected=1)
    await shop.do("ship", "order-1", [Demand("mug", 2)])
    await shop.inventory.finish_count(count.id)
    with pytest.raises(NegativeStock):
        await shop.inventory.close_count(count.id)
    assert await on_hand(shop, "lid") == {"main": 3}
    assert (await shop.inventory.reopen_count(count.id)).state is CountState.OPEN


async def test_a_count_is_entered_finished_and_closed_in_this_order(shop, places):
    count = await count_of(shop)
    with pytest.raises(DocumentFinished):
        await shop.inventory.close_count(count.id)
    with pytest.raises(CountIncomplete, match="lid, mug"):
        await shop.inventory.finish_count(count.id)
    with pytest.raises(UnknownStock):
        await shop.inventory.enter(count.id, [Demand("ghost", 1)], expected=1)
    with pytest.raises(Conflict):
        await shop.inventory.enter(count.id, [Demand("mug", 1)], expected=2)
    assert (await shop.inventory.drop_count(count.id)).state is CountState.DROPPED
    with pytest.raises(DocumentFinished):
        await shop.inventory.enter(count.id, [Demand("mug", 1)], expected=2)
    with pytest.raises(UnknownStockCount):
        await shop.inventory.count(new_id())
    with pytest.raises(UnknownStock):
        await count_of(shop, "ghost")
    with pytest.raises(Unprocessable):
        await shop.inventory.open_count(new_id(), "north")
    assert await on_hand(shop, "mug") == {"main": 5}


async def test_the_ledger_is_filtered(shop, places):
    await shop.adjust("mug", delta=-1, actor="ann")
    await shop.adjust("mug", delta=-1, actor="bob")

    async def found(**wanted):
        page = await shop.inventory.movements(ALL, MovementFilter(**wanted))
        return [(m.sku, m.quantity) for m in page.items]

    now = shop.clock.now()
    assert await found(actor="ann") == [("mug", -1)]
    assert await found(sku="lid") == [("lid", 3)]
    assert await found(kind=MovementKind.COUNT) == [("lid", 3), ("mug", 5)]
    assert await found(location="north") == []
    assert await found(until=now) == []
    assert len(await found(since=now)) == 4


async def test_documents_over_http(shop, places, client):
    body = {"source": "main", "target": "north", "lines": [{"sku": "mug", "quantity": 2}]}
    without = await client.post("/admin/stock-transfers", json=body)
    assert (without.status_code, slug(without)) == (400, "idempotency-key-required")
    sent = await client.post(
        "/admin/stock-transfers", json={**body, "in_transit": True}, headers=key()
    )
    assert (sent.status_code, sent.json()["state"]) == (201, "in_transit"), sent.text
    url = f"/admin/stock-transfers/{sent.json()['id']}"
    got = await client.post(f"{url}/receive", json={}, headers=key())
    assert (got.status_code, got.json()["state"]) == (200, "received"), got.text
    late = await client.post(f"{url}/call-back", headers=key())
    assert (late.status_code, slug(late)) == (409, "stock-document-finished")
    listed = await client.get("/admin/stock-transfers?state=received")
    assert [each["id"] for each in listed.json()["items"]] == [sent.json()["id"]]
    opened = await client.post("/admin/stock-counts", json={"location": "main"}, headers=key())
    assert opened.status_code == 201, opened.text
    url = f"/admin/stock-counts/{opened.json()['id']}"
    lines = {"lines": [{"sku": "mug", "counted": 2}, {"sku": "lid", "counted": 3}]}
    blind = await client.put(f"{url}/lines", json=lines)
    assert blind.status_code == 428
    tag = (await client.get(url)).headers["etag"]
    entered = await client.put(f"{url}/lines", json=lines, headers={"If-Match": tag})
    assert entered.status_code == 200, entered.text
    stale = await client.put(f"{url}/lines", json=lines, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert (await client.post(f"{url}/finish")).json()["state"] == "counted"
    assert (await client.post(f"{url}/close", headers=key())).json()["state"] == "closed"
    ledger = await client.get("/admin/stock-movements?kind=count&actor=writer")
    assert [(m["sku"], m["quantity"]) for m in ledger.json()["items"]] == [("mug", -1)]
    reader = {"Authorization": "Bearer reader", **key()}
    assert (
        await client.post("/admin/stock-transfers", json=body, headers=reader)
    ).status_code == 403
    assert await on_hand(shop, "mug") == {"main": 2, "north": 2}
