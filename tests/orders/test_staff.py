"""What staff see and may do: the list, its cursor, and who is let in."""

from __future__ import annotations

from uuid import uuid4

from tests.shop import MUG, SHIRT, TestShop, given, refused


async def test_orders_are_listed_newest_first_page_by_page(shop: TestShop) -> None:
    numbers = [(await shop.placed((MUG, 1)))["number"] for _ in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = given(await shop.admin("GET", "/admin/orders", params=params))
        seen += [item["number"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == numbers[::-1]
    listed = given(await shop.admin("GET", "/admin/orders"))["items"][0]
    assert not {"email", "address", "token"} & set(listed), "no personal data in a list"


async def test_the_list_can_be_kept_to_one_status(shop: TestShop) -> None:
    kept, gone = await shop.placed((MUG, 1)), await shop.placed((SHIRT, 1))
    given(await shop.ask("POST", gone, "/cancel", json={}))
    for status, number in (("placed", kept["number"]), ("cancelled", gone["number"])):
        page = given(await shop.admin("GET", "/admin/orders", params={"status": status}))
        assert [item["number"] for item in page["items"]] == [number]
    assert given(await shop.admin("GET", "/admin/orders", params={"status": "completed"})) == {
        "items": [],
        "next_cursor": None,
        "total": None,
    }
    refused(await shop.admin("GET", "/admin/orders", params={"status": "lost"}), 400, "validation")


async def test_a_cursor_belongs_to_its_list_and_its_filter(shop: TestShop) -> None:
    for _ in range(3):
        await shop.placed((MUG, 1))
    first = given(await shop.admin("GET", "/admin/orders", params={"limit": "1"}))
    cursor = first["next_cursor"]
    edited = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for path, params in (
        ("/admin/orders", {"cursor": edited}),
        ("/admin/orders", {"cursor": "nonsense"}),
        ("/admin/orders", {"cursor": cursor, "status": "placed"}),
        ("/admin/refund-requests", {"cursor": cursor}),
        ("/admin/orders", {"limit": "101"}),
        ("/admin/orders", {"limit": "0"}),
        ("/admin/orders", {"limit": "1000000"}),
        ("/admin/orders", {"offset": "1"}),
    ):
        answer = await shop.admin("GET", path, params=params)
        assert answer.status_code == 400, (path, params, answer.text)


async def test_nobody_gets_in_without_a_token_or_with_another_scope(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    request = await shop.asked_back(order, 1)
    number, asked = order["number"], request["id"]
    calls = [
        ("GET", "/admin/orders", None),
        ("GET", f"/admin/orders/{number}", None),
        ("POST", f"/admin/orders/{number}/shipments", {}),
        ("POST", f"/admin/orders/{number}/cancel", {"reason": "x"}),
        ("GET", "/admin/refund-requests", None),
        ("GET", f"/admin/refund-requests/{asked}", None),
        ("POST", f"/admin/refund-requests/{asked}/approve", {}),
        ("POST", f"/admin/refund-requests/{asked}/reject", {"reason": "x"}),
    ]
    other = await shop.token("catalog:read")
    for method, path, body in calls:
        key = {"Idempotency-Key": str(uuid4())}
        for headers, status, slug in (
            ({}, 401, "unauthenticated"),
            ({"Authorization": "Bearer ck_nonsense"}, 401, "unauthenticated"),
            ({"X-Order-Token": order["token"]}, 401, "unauthenticated"),
            (other, 403, "forbidden"),
        ):
            answer = await shop.client.request(method, path, json=body, headers={**key, **headers})
            refused(answer, status, slug)
    read = await shop.read(order)
    assert (read["status"], read["shipments"], read["refunds"]) == ("placed", [], [])
    reader = await shop.token("orders:read")
    given(await shop.client.get(f"/admin/orders/{number}", headers=reader))
    path = f"/admin/orders/{number}/cancel"
    answer = await shop.client.post(path, json={"reason": "x"}, headers={**key, **reader})
    refused(answer, 403, "forbidden")


async def test_refund_requests_are_listed_by_status_and_page(shop: TestShop) -> None:
    order = await shop.paid((MUG, 3))
    requests = [await shop.asked_back(order, 1) for _ in range(3)]
    given(await shop.reject(requests[0]))
    path = "/admin/refund-requests"
    first = given(await shop.admin("GET", path, params={"limit": "2"}))
    rest = given(
        await shop.admin("GET", path, params={"limit": "2", "cursor": first["next_cursor"]})
    )
    listed = [item["id"] for item in (*first["items"], *rest["items"])]
    assert listed == [request["id"] for request in requests[::-1]]
    assert rest["next_cursor"] is None
    rejected = given(await shop.admin("GET", path, params={"status": "rejected"}))
    assert [item["id"] for item in rejected["items"]] == [requests[0]["id"]]
    refused(await shop.admin("GET", f"{path}/{uuid4()}"), 404, "not-found")


async def test_one_order_comes_with_an_etag_that_changes_with_it(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/admin/orders/{order['number']}"
    before = await shop.admin("GET", path)
    await shop.pay(order)
    after = await shop.admin("GET", path)
    assert before.headers["etag"] != after.headers["etag"]
    refused(await shop.admin("GET", "/admin/orders/261122-AAAAAAA"), 404, "not-found")
