"""Staff's desk: finding orders again, notes, tags, and taking them out as a file."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from commercekit.orders.rules import safe_cell
from tests.shop import ADDRESS, MUG, SHIRT, Body, TestShop, cny, events, given, refused


async def search(shop: TestShop, page: Body | None = None, **wanted: Any) -> list[str]:
    """The numbers that are found."""
    answer = await shop.admin("POST", "/admin/orders/search", json=wanted, params=page or {})
    return [item["number"] for item in given(answer)["items"]]


async def tag(shop: TestShop, order: Body, *tags: str, etag: str | None = None) -> Any:
    """Give the order these tags."""
    path = f"/admin/orders/{order['number']}"
    etag = etag or (await shop.admin("GET", path)).headers["etag"]
    return await shop.admin(
        "PUT", f"{path}/tags", json={"tags": list(tags)}, headers={"If-Match": etag}
    )


async def note(shop: TestShop, order: Body, text: str, **more: Any) -> Any:
    """Write something down."""
    path = f"/admin/orders/{order['number']}/notes"
    return await shop.admin("POST", path, json={"text": text, **more})


async def test_orders_are_found_by_what_people_know_of_them(shop: TestShop) -> None:
    mine = await shop.placed((MUG, 1))
    elsewhere = {**ADDRESS, "phone": "+8613900139000"}
    other = await shop.placed((SHIRT, 1), email="Han.Meimei@Example.com", address=elsewhere)
    await shop.pay(other)
    await shop.settle()
    both = [other["number"], mine["number"]]
    early = shop.clock.now() - timedelta(hours=1)
    late = shop.clock.now() + timedelta(hours=1)
    for wanted, found in (
        ({}, both),
        ({"number": mine["number"]}, [mine["number"]]),
        ({"number": f" {mine['number'].lower()} "}, [mine["number"]]),
        ({"number": "261122-AAAAAAA"}, []),
        ({"email": "LI.LEI@example.com"}, [mine["number"]]),
        ({"email": "han.meimei@example.com"}, [other["number"]]),
        ({"email": "nobody@example.com"}, []),
        ({"phone": "+8613900139000"}, [other["number"]]),
        ({"phone": "+8613800138000"}, [mine["number"]]),
        ({"sku": MUG}, [mine["number"]]),
        ({"sku": "NOPE"}, []),
        ({"payment_status": "paid"}, [other["number"]]),
        ({"status": "placed", "fulfilment_status": "unfulfilled"}, both),
        ({"status": "completed"}, []),
        ({"placed_from": early.isoformat(), "placed_before": late.isoformat()}, both),
        ({"placed_from": late.isoformat()}, []),
        ({"placed_before": early.isoformat()}, []),
        ({"sku": SHIRT, "email": "li.lei@example.com"}, []),
        ({"sku": SHIRT, "payment_status": "paid"}, [other["number"]]),
    ):
        assert await search(shop, **wanted) == found, wanted
    for wrong in ({"phone": "139"}, {"status": "lost"}, {"colour": "red"}, {"email": "x"}):
        answer = await shop.admin("POST", "/admin/orders/search", json=wrong)
        refused(answer, 400, "validation")


async def test_another_number_to_call_is_found_and_the_old_one_is_not(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    there = {**ADDRESS, "phone": "+8613900139000"}
    path = f"/admin/orders/{order['number']}/edits"
    answer = await shop.admin("POST", path, json={"address": there}, headers={"If-Match": "*"})
    given(answer, 201)
    await shop.settle()
    assert await search(shop, phone="+8613900139000") == [order["number"]]
    assert await search(shop, phone="+8613800138000") == []


async def test_pages_of_a_search_meet_without_gap_or_overlap(shop: TestShop) -> None:
    numbers = [(await shop.placed((MUG, 1)))["number"] for _ in range(5)]
    path, wanted = "/admin/orders/search", {"sku": MUG}
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = given(await shop.admin("POST", path, json=wanted, params=params))
        seen += [item["number"] for item in page["items"]]
        last, cursor = cursor, page["next_cursor"]
    assert cursor is None
    assert seen == numbers[::-1]
    answer = await shop.admin("POST", path, json={}, params={"cursor": last})
    refused(answer, 400, "validation")


async def test_a_sku_on_two_lines_of_one_order_finds_it_once(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    path = f"/admin/orders/{order['number']}/edits"
    wish = {"add": [{"sku": MUG, "quantity": 1}]}
    given(await shop.admin("POST", path, json=wish, headers={"If-Match": "*"}), 201)
    assert await search(shop, sku=MUG) == [order["number"]]
    listed = given(await shop.admin("GET", "/admin/orders", params={"sku": MUG}))["items"]
    assert [item["total"] for item in listed] == [cny(10_000)]


async def test_tags_are_set_as_a_whole_by_who_has_read_them(shop: TestShop) -> None:
    order, other = await shop.placed((MUG, 1)), await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}"
    etag = (await shop.admin("GET", path)).headers["etag"]
    first = given(await tag(shop, order, "vip", "急件", "vip"))
    assert first["tags"] == ["vip", "急件"]
    refused(await tag(shop, order, "late", etag=etag), 412, "precondition-failed")
    answer = await shop.admin("PUT", f"{path}/tags", json={"tags": []})
    refused(answer, 428, "precondition-required")
    given(await tag(shop, order, "vip", "gift"))
    assert await search(shop, tag="vip") == [order["number"]]
    assert await search(shop, tag="急件") == []
    assert await search(shop, tag="vip", sku=MUG) == [order["number"]]
    assert await search(shop, tag="vip", sku=SHIRT) == []
    given(await tag(shop, other, "vip"))
    both = given(await shop.admin("GET", "/admin/orders", params={"tag": "vip"}))["items"]
    assert [item["tags"] for item in both] == [["vip"], ["gift", "vip"]]
    for wrong in ("a,b", " a", "", "x" * 41, "a\n"):
        refused(await tag(shop, order, wrong), 400, "validation")
    read = given(await shop.admin("GET", path))
    entry = read["history"][-1]
    assert (entry["event"], entry["details"]) == (
        "tags-changed",
        {"added": ["gift"], "removed": ["急件"]},
    )
    assert "tags-changed" not in events(await shop.read(order))


async def test_notes_are_for_staff_unless_they_say_otherwise(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    inside = given(await note(shop, order, "Called twice, no answer"), 201)
    assert inside["visibility"] == "internal"
    given(await note(shop, order, "A card is enclosed", visibility="shopper"), 201)
    refused(await note(shop, order, ""), 400, "validation")
    refused(await note(shop, order, "x", visibility="world"), 400, "validation")
    read = await shop.read(order)
    assert [one["text"] for one in read["notes"]] == ["A card is enclosed"]
    assert [e for e in events(read) if "note" in e] == ["note-added"]
    assert "Called twice" not in str(read)
    staff = given(await shop.admin("GET", f"/admin/orders/{order['number']}"))
    assert [one["text"] for one in staff["notes"]] == [
        "Called twice, no answer",
        "A card is enclosed",
    ]
    stored = await shop.shop.db.fetchval("SELECT string_agg(text, '') FROM orders_note")
    assert b"card" not in stored


async def test_an_export_holds_what_fits_and_no_cell_is_a_formula(shop: TestShop) -> None:
    evil = {**ADDRESS, "name": "=HYPERLINK(1)"}
    order = await shop.placed((MUG, 2), (SHIRT, 1), address=evil)
    await shop.placed((SHIRT, 1))
    answer = await shop.admin("POST", "/admin/orders/export", json={"sku": MUG})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 1
    assert rows[0]["number"] == order["number"]
    assert (rows[0]["total"], rows[0]["currency"]) == ("299.00", "CNY")
    assert rows[0]["lines"] == "MUG x 2; SHIRT-BLUE-M x 1"
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["phone"] == "'+8613800138000"
    entry = given(await shop.admin("GET", "/admin/audit"))["items"][0]
    assert (entry["action"], entry["details"]) == ("orders:export", {"filters": "sku"})


async def test_an_export_is_made_in_pieces(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commercekit.orders.service.export_orders._BATCH", 2)
    numbers = [(await shop.placed((MUG, 1)))["number"] for _ in range(5)]
    answer = await shop.admin("POST", "/admin/orders/export", json={})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["number"] for row in rows] == numbers[::-1]


async def test_an_export_needs_a_permission_of_its_own(shop: TestShop) -> None:
    headers = await shop.token("orders:read", "orders:write")
    answer = await shop.client.post("/admin/orders/export", json={}, headers=headers)
    refused(answer, 403, "forbidden")
    answer = await shop.client.post("/admin/orders/export", json={})
    refused(answer, 401, "unauthenticated")
    entries = given(await shop.admin("GET", "/admin/audit"))["items"]
    assert "orders:export" not in [entry["action"] for entry in entries]


async def test_who_may_not_write_writes_no_note_and_no_tag(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    reader = {**(await shop.token("orders:read")), "If-Match": "*"}
    path = f"/admin/orders/{order['number']}"
    answer = await shop.client.post(f"{path}/notes", json={"text": "x"}, headers=reader)
    refused(answer, 403, "forbidden")
    answer = await shop.client.put(f"{path}/tags", json={"tags": ["x"]}, headers=reader)
    refused(answer, 403, "forbidden")
    given(await shop.client.post("/admin/orders/search", json={}, headers=reader))
    assert await shop.count("orders_note") == 0
    missing = "/admin/orders/261122-AAAAAAA/notes"
    refused(await shop.admin("POST", missing, json={"text": "x"}), 404, "not-found")


async def test_what_shoppers_type_is_sealed_and_what_stood_there_is_read_and_sealed(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 2))
    await shop.asked_back(order, 1)
    body = {"reason": "I broke my leg"}
    other = await shop.placed((SHIRT, 1))
    given(await shop.ask("POST", other, "/cancel", json=body))
    await shop.settle()
    db = shop.shop.db
    for table in ("orders_history", "orders_refund_request", "platform_outbox"):
        rows = await db.fetch(f"SELECT t::text AS row FROM {table} t")
        assert not [row for row in rows if "leg" in row["row"] or "fit" in row["row"]], table
    assert (await shop.read(other))["history"][-1]["reason"] == "I broke my leg"
    assert "I broke my leg" in shop.mails(other["number"])[-1]["text"]
    await db.execute(
        "INSERT INTO orders_history (order_id, id, at, actor_kind, actor_id, event, reason, details)"
        " VALUES ($1, $2, now(), 'customer', '', 'old', 'An old reason', '{}')",
        order["id"],
        uuid4(),
    )
    await db.execute(
        "UPDATE orders_refund_request SET reason = 'An old wish', sealed_reason = NULL"
    )
    for _ in range(2):
        history = (await shop.read(order))["history"]
        assert "An old reason" in [entry["reason"] for entry in history]
        asked = given(await shop.ask("GET", order, "/refund-requests"))
        assert [request["reason"] for request in asked] == ["An old wish"]
        shop.clock.advance(minutes=2)
        await shop.settle()
    for table in ("orders_history", "orders_refund_request"):
        rows = await db.fetch(f"SELECT reason FROM {table} WHERE reason LIKE 'An old%'")
        assert rows == []
    with pytest.raises(Exception, match="append-only"):
        await db.execute("UPDATE orders_history SET reason = 'x' WHERE event = 'placed'")


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("", ""),
        ("Li Lei", "Li Lei"),
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("'x", "''x"),
        ("1=1", "1=1"),
    ],
)
def test_a_cell_is_never_a_formula(cell: str, safe: str) -> None:
    assert safe_cell(cell) == safe
