"""More was promised than is on the shelf: who is served, in which turn, and from where."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from commercekit.inventory import (
    AvailabilityChanged,
    Demand,
    GoodsAwaited,
    NotAllocated,
    OutOfStock,
    PromisesServed,
    ShortageBooked,
)
from commercekit.kernel import PageRequest, new_id
from commercekit.platform import failpoints


def key(value=None):
    return {"Idempotency-Key": value or str(uuid4())}


def slug(answer):
    return answer.json()["type"].rpartition("/")[2]


def served(shop):
    return [fact.references for fact in shop.told if isinstance(fact, PromisesServed)]


@pytest.fixture
async def queue(shop, clock):
    """Three on the shelf, up to nine more: promised to first (2), second (4) and third (3)."""
    await shop.stock("mug", 3, backorder_limit=9)
    for reference, quantity in (("first", 2), ("second", 4), ("third", 3)):
        clock.advance(seconds=1)
        await shop.allocate(reference, [Demand("mug", quantity)])
    shop.told.clear()


async def waiting(shop):
    page = await shop.inventory.promises("mug", PageRequest(), waiting=True)
    return [(each.reference, each.missing) for each in page.items]


async def test_a_backorder_is_promised_up_to_its_limit_and_not_beyond(shop, queue):
    level = await shop.inventory.level("mug")
    assert (level.on_hand, level.allocated, level.available, level.awaited) == (3, 9, 3, 6)
    assert (await shop.inventory.availability(["mug"]))["mug"].shown == 3
    with pytest.raises(OutOfStock) as refused:
        await shop.allocate("fourth", [Demand("mug", 4)])
    assert refused.value.shortfalls[0].available == 3
    assert await shop.numbers("mug") == (3, 9)


async def test_the_shelf_is_for_whoever_came_first(shop, queue):
    assert await waiting(shop) == [("second", 3), ("third", 3)]
    for reference, quantity, fits in (
        ("first", 2, True),
        ("second", 1, True),
        ("second", 2, False),
        ("third", 1, False),
    ):
        check = shop.do("check_shelf", reference, [Demand("mug", quantity)])
        if fits:
            await check
        else:
            with pytest.raises(GoodsAwaited):
                await check
    with pytest.raises(NotAllocated):
        await shop.do("check_shelf", "first", [Demand("mug", 3)])
    with pytest.raises(NotAllocated):
        await shop.do("check_shelf", "stranger", [Demand("mug", 1)])


async def test_goods_that_arrive_serve_the_next_in_turn_and_tell_once(shop, queue):
    await shop.do("receive", new_id(), "mug", 2)
    assert await waiting(shop) == [("second", 1), ("third", 3)]
    assert served(shop) == []
    await shop.do("receive", new_id(), "mug", 3)
    assert await waiting(shop) == [("third", 1)]
    assert served(shop) == [("second",)]
    await shop.do("receive", new_id(), "mug", 5)
    assert await waiting(shop) == []
    assert served(shop) == [("second",), ("third",)]


async def test_goods_that_serve_backorders_change_no_shoppers_number_but_the_limit_does(
    shop, queue
):
    await shop.do("receive", new_id(), "mug", 2)
    changes = [f for f in shop.told if isinstance(f, AvailabilityChanged)]
    assert [(f.previous, f.shown) for f in changes] == [(3, 5)], (
        "the limit is as far away as before"
    )


async def test_a_count_takes_from_those_who_came_last(shop, clock):
    await shop.stock("mug", 5)
    for reference in ("first", "second"):
        clock.advance(seconds=1)
        await shop.allocate(reference, [Demand("mug", 2)])
    await shop.adjust("mug", count=3)
    assert [f.shortage for f in shop.told if isinstance(f, ShortageBooked)] == [1]
    assert await waiting(shop) == [("second", 1)]
    await shop.do("check_shelf", "first", [Demand("mug", 2)])
    with pytest.raises(GoodsAwaited):
        await shop.do("check_shelf", "second", [Demand("mug", 2)])
    await shop.do("release", "first")
    assert await waiting(shop) == []
    assert (await shop.inventory.item("mug", "main")).shortage == 0


async def test_who_has_not_paid_yet_waits_behind_and_takes_its_old_place_when_it_has(shop, clock):
    await shop.stock("mug", 1, backorder_limit=5)
    await shop.allocate("unpaid", [Demand("mug", 1)], clock.now() + timedelta(hours=1))
    clock.advance(seconds=1)
    await shop.allocate("paid", [Demand("mug", 1)])
    assert await waiting(shop) == [("unpaid", 1)]
    await shop.do("confirm", "unpaid")
    assert await waiting(shop) == [("paid", 1)]


async def test_what_comes_back_serves_those_who_wait(shop, queue):
    await shop.do("ship", "first", [Demand("mug", 2)])
    await shop.do("restock", "first", [Demand("mug", 2)], "refused by the receiver")
    assert await waiting(shop) == [("second", 1), ("third", 3)]
    await shop.adjust("mug", delta=1)
    assert served(shop) == [("second",)]


async def test_what_did_not_leave_is_held_as_before(shop, queue):
    await shop.do("ship", "first", [Demand("mug", 2)])
    assert await shop.numbers("mug") == (1, 7)
    await shop.do("take_back", "first", [Demand("mug", 2)], "called back")
    assert await shop.numbers("mug") == (3, 9)
    assert await waiting(shop) == [("second", 3), ("third", 3)]
    with pytest.raises(NotAllocated):
        await shop.do("take_back", "first", [Demand("mug", 1)], "called back")
    assert await shop.numbers("mug") == (3, 9)


async def test_what_did_not_leave_is_never_out_of_stock(shop):
    await shop.stock("mug", 4)
    for reference in ("one", "two"):
        await shop.allocate(reference, [Demand("mug", 2)])
    await shop.do("ship", "one", [Demand("mug", 2)])
    await shop.adjust("mug", count=0)
    await shop.do("take_back", "one", [Demand("mug", 2)], "called back")
    item = await shop.inventory.item("mug", "main")
    assert (item.on_hand, item.allocated, item.shortage) == (2, 4, 2)


async def test_what_has_left_is_booked_even_against_the_books(shop):
    await shop.stock("mug", 4)
    await shop.allocate("one", [Demand("mug", 3)])
    await shop.adjust("mug", count=1)
    with pytest.raises(NotAllocated):
        await shop.do("ship", "one", [Demand("mug", 3)])
    await shop.do("ship", "one", [Demand("mug", 3)], has_left=True)
    assert await shop.numbers("mug") == (0, 0)
    await shop.assert_books_balance()


# Over HTTP


async def test_staff_see_the_queue_page_by_page(client, shop, queue):
    first = (await client.get("/admin/stock/mug/allocations?limit=2")).json()
    assert [(p["reference"], p["held"], p["missing"]) for p in first["items"]] == [
        ("first", 2, 0),
        ("second", 4, 3),
    ]
    rest = await client.get(f"/admin/stock/mug/allocations?limit=2&cursor={first['next_cursor']}")
    assert [p["reference"] for p in rest.json()["items"]] == ["third"]
    assert rest.json()["next_cursor"] is None
    late = (await client.get("/admin/stock/mug/allocations?waiting=true")).json()["items"]
    assert [p["reference"] for p in late] == ["second", "third"]
    missing = await client.get("/admin/stock/nothing/allocations")
    assert (missing.status_code, slug(missing)) == (404, "unknown-stock")


@pytest.fixture
async def north(client, shop):
    answer = await client.post("/admin/locations", json={"code": "north", "name": "North"})
    assert answer.status_code == 201
    await shop.stock("mug", 3, location="north")


async def promise_of(shop, reference):
    page = await shop.inventory.promises("mug", PageRequest())
    return next(each for each in page.items if each.reference == reference)


async def test_a_promise_is_served_from_elsewhere_and_keeps_its_place(client, shop, queue, north):
    promise = await promise_of(shop, "second")
    path, once = f"/admin/stock-allocations/{promise.id}/move", key()
    body = {"location": "north", "quantity": 3}
    answers = [await client.post(path, json=body, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    moved = answers[0].json()
    assert (moved["location"], moved["held"], moved["missing"]) == ("north", 3, 0)
    assert answers[1].json()["id"] == moved["id"]
    assert await waiting(shop) == [("third", 3)]
    north_item = await shop.inventory.item("mug", "north")
    assert (north_item.on_hand, north_item.allocated) == (3, 3)
    await shop.do("check_shelf", "second", [Demand("mug", 4)])
    await shop.do("ship", "second", [Demand("mug", 4)])
    await shop.assert_books_balance()


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"location": "north", "quantity": 4}, 409, "not-transferable"),
        ({"location": "main", "quantity": 1}, 422, "unprocessable"),
        ({"location": "nowhere", "quantity": 1}, 404, "unknown-location"),
        ({"location": "north", "quantity": 5}, 422, "unprocessable"),
        ({"location": "north", "quantity": 0}, 400, "validation"),
    ],
)
async def test_a_promise_that_cannot_be_served_there_stays(
    client, shop, queue, north, body, status, problem
):
    promise = await promise_of(shop, "second")
    path = f"/admin/stock-allocations/{promise.id}/move"
    answer = await client.post(path, json=body, headers=key())
    assert (answer.status_code, slug(answer)) == (status, problem), answer.text
    assert (await shop.inventory.item("mug", "main")).allocated == 9
    assert (await shop.inventory.item("mug", "north")).allocated == 0


async def test_moving_needs_a_key_the_right_and_something_held(client, shop, queue, north):
    promise = await promise_of(shop, "first")
    path, body = f"/admin/stock-allocations/{promise.id}/move", {"location": "north"}
    assert slug(await client.post(path, json=body)) == "idempotency-key-required"
    reader = {"Authorization": "Bearer reader", **key()}
    assert (await client.post(path, json=body, headers=reader)).status_code == 403
    await shop.do("release", "first")
    gone = await client.post(path, json=body, headers=key())
    assert (gone.status_code, slug(gone)) == (404, "unknown-allocation")


async def test_a_promise_moved_by_many_at_once_is_held_once(client, shop, queue, north):
    promise = await promise_of(shop, "second")
    path, body = f"/admin/stock-allocations/{promise.id}/move", {"location": "north", "quantity": 3}
    answers = await asyncio.gather(*(client.post(path, json=body, headers=key()) for _ in range(5)))
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert (await shop.inventory.item("mug", "north")).allocated == 3
    assert (await shop.inventory.item("mug", "main")).allocated == 6


async def test_a_transfer_that_arrives_short_serves_what_arrived(client, shop, queue, north):
    body = {
        "source": "north",
        "target": "main",
        "lines": [{"sku": "mug", "quantity": 3}],
        "in_transit": True,
    }
    sent = (await client.post("/admin/stock-transfers", json=body, headers=key())).json()
    assert await waiting(shop) == [("second", 3), ("third", 3)], "on the way it serves nobody"
    path = f"/admin/stock-transfers/{sent['id']}/receive"
    too_many = {"lines": [{"sku": "mug", "quantity": 4}]}
    assert (await client.post(path, json=too_many, headers=key())).status_code == 422
    short = {"lines": [{"sku": "mug", "quantity": 2}]}
    done = (await client.post(path, json=short, headers=key())).json()
    assert (done["state"], done["lines"][0]["received"]) == ("received", 2)
    assert await waiting(shop) == [("second", 1), ("third", 3)]
    level = (await client.get("/admin/stock/mug")).json()
    assert (level["on_hand"], level["awaited"]) == (5, 4)
    again = await client.post(path, json={"lines": []}, headers=key())
    assert (again.status_code, slug(again)) == (409, "stock-document-finished")
    await shop.assert_books_balance()


async def test_a_count_during_sales_is_exact(client, shop):
    """What the clerk found is compared with the books of that moment, whatever is sold around it."""
    await shop.stock("mug", 40)
    opened = await client.post("/admin/stock-counts", json={"location": "main"}, headers=key())
    path = f"/admin/stock-counts/{opened.json()['id']}"

    async def sell(n):
        await shop.allocate(f"order-{n}", [Demand("mug", 1)])
        await shop.do("ship", f"order-{n}", [Demand("mug", 1)])

    async def enter():
        item = await shop.inventory.item("mug", "main")
        headers = {"If-Match": opened.headers["etag"]}
        body = {"lines": [{"sku": "mug", "counted": 33}]}
        answer = await client.put(f"{path}/lines", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return item

    await asyncio.gather(*(sell(n) for n in range(5)))
    await asyncio.gather(enter(), *(sell(n) for n in range(5, 12)))
    line = (await client.get(path)).json()["lines"][0]
    difference = 33 - line["on_hand"]
    await asyncio.gather(*(sell(n) for n in range(12, 15)))
    assert (await client.post(f"{path}/finish")).status_code == 200
    closing = [client.post(f"{path}/close", headers=key()) for _ in range(3)]
    answers = await asyncio.gather(*closing, *(sell(n) for n in range(15, 18)))
    assert {answer.status_code for answer in answers[:3]} == {200}
    assert await shop.numbers("mug") == (40 - 18 + difference, 0)
    await shop.assert_books_balance()


async def test_each_step_of_a_count_may_be_asked_for_twice(client, shop):
    await shop.stock("mug", 4)
    opened = await client.post("/admin/stock-counts", json={"location": "main"}, headers=key())
    path = f"/admin/stock-counts/{opened.json()['id']}"
    body = {"lines": [{"sku": "mug", "counted": 3}]}
    headers = {"If-Match": opened.headers["etag"]}
    assert (await client.put(f"{path}/lines", json=body, headers=headers)).status_code == 200
    for verb, state in (("finish", "counted"), ("reopen", "open"), ("drop", "dropped")):
        for _ in range(2):
            answer = await client.post(f"{path}/{verb}")
            assert (answer.status_code, answer.json()["state"]) == (200, state)
    refused = await client.post(f"{path}/close", headers=key())
    assert (refused.status_code, slug(refused)) == (409, "stock-document-finished")
    assert await shop.numbers("mug") == (4, 0)


# Dying in between


@pytest.mark.parametrize(
    ("name", "path", "body", "numbers"),
    [
        ("inventory.received", "/admin/stock/mug/receipts", {"quantity": 5}, (8, 5)),
        (
            "inventory.adjusted",
            "/admin/stock/mug/adjustments",
            {"delta": -1, "reason": "broken"},
            (2, 5),
        ),
        (
            "inventory.adjusted",
            "/admin/stock/mug/adjustments",
            {"count": 9, "reason": "counted"},
            (9, 5),
        ),
        (
            "inventory.transfer-sent",
            "/admin/stock-transfers",
            {
                "source": "north",
                "target": "main",
                "lines": [{"sku": "mug", "quantity": 2}],
            },
            (5, 3),
        ),
        ("inventory.count-opened", "/admin/stock-counts", {"location": "main"}, (3, 5)),
    ],
)
async def test_dying_after_the_books_were_written_books_once(
    client, shop, north, monkeypatch, name, path, body, numbers
):
    await shop.stock("mug", 3)
    await shop.stock("mug", 5, location="north")
    once = key()
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {name: "raise"})
        assert (await client.post(path, json=body, headers=once)).status_code == 500
    for _ in range(2):
        answer = await client.post(path, json=body, headers=once)
        assert answer.status_code == 201, answer.text
    items = (await shop.inventory.level("mug")).items
    assert {item.location: item.on_hand for item in items} == dict(
        zip(("main", "north"), numbers, strict=True)
    )
    assert await shop.db.fetchval("SELECT count(*) FROM inventory_count") <= 1
    assert await shop.db.fetchval("SELECT count(*) FROM inventory_transfer") <= 1
    await shop.assert_books_balance()


@pytest.mark.parametrize(
    ("name", "verb"),
    [("inventory.transfer-received", "receive"), ("inventory.transfer-called-back", "call-back")],
)
async def test_dying_after_a_transfer_ended_ends_it_once(
    client, shop, north, monkeypatch, name, verb
):
    body = {
        "source": "north",
        "target": "main",
        "lines": [{"sku": "mug", "quantity": 2}],
        "in_transit": True,
    }
    sent = (await client.post("/admin/stock-transfers", json=body, headers=key())).json()
    path, once = f"/admin/stock-transfers/{sent['id']}/{verb}", key()
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {name: "raise"})
        assert (await client.post(path, json={}, headers=once)).status_code == 500
    answer = await client.post(path, json={}, headers=once)
    assert answer.status_code == 200, answer.text
    assert (await shop.inventory.level("mug")).on_hand == 3
    await shop.assert_books_balance()


async def test_dying_after_a_promise_was_moved_moves_it_once(
    client, shop, queue, north, monkeypatch
):
    promise = await promise_of(shop, "second")
    path, once = f"/admin/stock-allocations/{promise.id}/move", key()
    body = {"location": "north", "quantity": 2}
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {"inventory.promise-moved": "raise"})
        assert (await client.post(path, json=body, headers=once)).status_code == 500
    assert (await client.post(path, json=body, headers=once)).status_code == 201
    assert (await shop.inventory.item("mug", "north")).allocated == 2
    assert (await shop.inventory.item("mug", "main")).allocated == 7


async def test_dying_after_a_count_was_closed_books_its_differences_once(client, shop, monkeypatch):
    await shop.stock("mug", 4)
    opened = await client.post("/admin/stock-counts", json={"location": "main"}, headers=key())
    path = f"/admin/stock-counts/{opened.json()['id']}"
    body = {"lines": [{"sku": "mug", "counted": 7}]}
    headers = {"If-Match": opened.headers["etag"]}
    await client.put(f"{path}/lines", json=body, headers=headers)
    await client.post(f"{path}/finish")
    once = key()
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {"inventory.count-closed": "raise"})
        assert (await client.post(f"{path}/close", headers=once)).status_code == 500
    assert (await client.post(f"{path}/close", headers=once)).status_code == 200
    assert await shop.numbers("mug") == (7, 0)
