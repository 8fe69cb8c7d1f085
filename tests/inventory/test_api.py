"""Stock over HTTP, for staff."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from commercekit.inventory import Demand


def key(value=None):
    return {"Idempotency-Key": value or str(uuid4())}


def slug(answer):
    return answer.json()["type"].rpartition("/")[2]


async def test_goods_are_booked_in_and_read_back(shop, client):
    answer = await client.post(
        "/admin/stock/mug/receipts", json={"quantity": 5, "reason": "delivery 7"}, headers=key()
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["available"] == 5
    level = (await client.get("/admin/stock/mug")).json()
    assert (level["sku"], level["on_hand"], level["allocated"], level["shown"]) == ("mug", 5, 0, 5)
    assert [(i["location"], i["on_hand"]) for i in level["items"]] == [("main", 5)]
    [movement] = (await client.get("/admin/stock/mug/movements")).json()["items"]
    assert (movement["kind"], movement["quantity"], movement["reason"], movement["actor"]) == (
        "receipt",
        5,
        "delivery 7",
        "writer",
    )


async def test_an_adjustment_under_one_key_is_made_once(shop, client):
    await shop.stock("mug", 5)
    body, once = {"delta": -2, "reason": "broken"}, key("a-key")
    answers = [
        await client.post("/admin/stock/mug/adjustments", json=body, headers=once) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert await shop.numbers("mug") == (3, 0)
    other = await client.post(
        "/admin/stock/mug/adjustments", json={**body, "delta": -1}, headers=once
    )
    assert (other.status_code, slug(other)) == (422, "idempotency-key-reused")
    without = await client.post("/admin/stock/mug/adjustments", json=body)
    assert (without.status_code, slug(without)) == (400, "idempotency-key-required")
    assert await shop.numbers("mug") == (3, 0)


async def test_one_key_from_many_hands_at_once_adjusts_once(shop, client):
    await shop.stock("mug", 50)
    body, once = {"delta": -1, "reason": "broken"}, key()
    answers = await asyncio.gather(
        *(client.post("/admin/stock/mug/adjustments", json=body, headers=once) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await shop.numbers("mug") == (49, 0)


async def test_a_count_below_what_is_promised_shows_the_shortage(shop, client):
    await shop.stock("mug", 5)
    await shop.allocate("order-1", [Demand("mug", 4)])
    answer = await client.post(
        "/admin/stock/mug/adjustments", json={"count": 1, "reason": "stocktaking"}, headers=key()
    )
    assert answer.status_code == 201
    assert answer.json()["items"][0]["shortage"] == 3
    assert answer.json()["available"] == 0


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"delta": -6, "reason": "x"}, 422, "negative-stock"),
        ({"delta": 1, "count": 1, "reason": "x"}, 422, "unprocessable"),
        ({"reason": "x"}, 422, "unprocessable"),
        ({"delta": 1}, 400, "validation"),
        ({"delta": "1", "reason": "x"}, 400, "validation"),
        ({"delta": 10**40, "reason": "x"}, 400, "validation"),
        ({"delta": 1, "reason": "x", "colour": "red"}, 400, "validation"),
        ({"delta": 1, "reason": "x", "location": "moon"}, 404, "unknown-location"),
    ],
)
async def test_adjustments_that_make_no_sense_change_nothing(shop, client, body, status, named):
    await shop.stock("mug", 5)
    answer = await client.post("/admin/stock/mug/adjustments", json=body, headers=key())
    assert (answer.status_code, slug(answer)) == (status, named)
    assert await shop.numbers("mug") == (5, 0)


async def test_a_slip_of_the_pen_makes_no_stock_record(shop, client):
    answer = await client.post(
        "/admin/stock/mgu/adjustments", json={"delta": 1, "reason": "x"}, headers=key()
    )
    assert (answer.status_code, slug(answer)) == (404, "unknown-stock")
    assert (await client.get("/admin/stock/mgu")).status_code == 404


async def test_limits_are_changed_only_by_who_has_read_them(shop, client):
    await shop.stock("mug", 5)
    path, body = "/admin/stock/mug/locations/main", {"backorder_limit": 3}
    etag = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, json=body)).status_code == 428
    changed = await client.patch(path, json=body, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["backorder_limit"]) == (200, 3)
    stale = await client.patch(path, json={"backorder_limit": 9}, headers={"If-Match": etag})
    assert (stale.status_code, slug(stale)) == (412, "precondition-failed")
    assert (await client.get("/admin/stock/mug")).json()["available"] == 8


async def test_locations_are_made_listed_and_changed(shop, client):
    made = await client.post("/admin/locations", json={"code": "north", "name": "North"})
    assert (made.status_code, made.json()["priority"]) == (201, 100)
    again = await client.post("/admin/locations", json={"code": "north", "name": "North"})
    assert again.status_code == 409
    etag = made.headers["etag"]
    off = await client.patch(
        "/admin/locations/north", json={"active": False}, headers={"If-Match": etag}
    )
    assert (off.status_code, off.json()["active"]) == (200, False)
    stale = await client.patch(
        "/admin/locations/north", json={"active": True}, headers={"If-Match": etag}
    )
    assert stale.status_code == 412
    listed = (await client.get("/admin/locations")).json()
    assert [(each["code"], each["active"]) for each in listed["items"]] == [
        ("main", True),
        ("north", False),
    ]


async def test_stock_comes_in_pages(shop, client):
    for sku in ("a", "b", "c"):
        await shop.stock(sku, 1)
    first = (await client.get("/admin/stock?limit=2")).json()
    assert [level["sku"] for level in first["items"]] == ["a", "b"]
    rest = (await client.get("/admin/stock", params={"cursor": first["next_cursor"]})).json()
    assert ([level["sku"] for level in rest["items"]], rest["next_cursor"]) == (["c"], None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/stock"),
        ("GET", "/admin/stock/mug"),
        ("GET", "/admin/stock/mug/movements"),
        ("POST", "/admin/stock/mug/adjustments"),
        ("POST", "/admin/stock/mug/receipts"),
        ("PATCH", "/admin/stock/mug/locations/main"),
        ("GET", "/admin/locations"),
        ("POST", "/admin/locations"),
        ("PATCH", "/admin/locations/main"),
    ],
)
async def test_only_staff_with_the_scope_may(shop, client, method, path):
    await shop.stock("mug", 5)
    body = None if method == "GET" else {"quantity": 1, "reason": "x", "delta": 1}
    for token, status in (("nobody", 401), ("stranger", 403)):
        headers = {"Authorization": f"Bearer {token}", **key()}
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status
    if method != "GET":
        headers = {"Authorization": "Bearer reader", **key()}
        assert (await client.request(method, path, json=body, headers=headers)).status_code == 403
    assert await shop.numbers("mug") == (5, 0)
