"""Staff set, change and lift limits per customer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.checkout.test_limits import BEN, LIMITS, REACHED, buy, limit
from tests.shop import MUG, SHIRT, TestShop, given, refused


async def test_staff_set_change_and_lift_limits(shop: TestShop) -> None:
    made = await shop.admin("POST", LIMITS, json={"sku": MUG, "quantity": 2, "days": 30})
    body = given(made, 201)
    variant = (await shop.shop.catalog.variants_by_sku([MUG]))[MUG].variant_id
    assert (body["sku"], body["variant_id"], body["product_id"]) == (MUG, str(variant), None)
    assert (body["quantity"], body["days"], body["version"]) == (2, 30, 1)
    path = f"{LIMITS}/{body['id']}"
    assert given(await shop.admin("GET", LIMITS))["items"] == [body]
    read = await shop.admin("GET", path)
    assert given(read) == body
    etag = read.headers["etag"]

    change = {"quantity": 1}
    refused(await shop.admin("PATCH", path, json=change), 428, "precondition-required")
    stale = {"If-Match": '"999"'}
    refused(await shop.admin("PATCH", path, json=change, headers=stale), 412, "precondition-failed")
    given(await buy(shop, 2), 201)
    changed = await shop.admin("PATCH", path, json=change, headers={"If-Match": etag})
    assert given(changed) == {**body, "quantity": 1, "version": 2}
    # What was bought under the old number stays bought, and counts against the new one.
    assert refused(await buy(shop, 1), 409, REACHED)["limits"][0]["left"] == 0
    given(await buy(shop, 1, BEN), 201)

    refused(await shop.admin("DELETE", path), 428, "precondition-required")
    refused(
        await shop.admin("DELETE", path, headers={"If-Match": etag}), 412, "precondition-failed"
    )
    etag = changed.headers["etag"]
    assert (await shop.admin("DELETE", path, headers={"If-Match": etag})).status_code == 204
    refused(await shop.admin("GET", path), 404, "not-found")
    given(await buy(shop, 5), 201)
    assert await shop.count("checkout_purchase") == 0


async def test_one_thing_is_limited_once_over_one_period(shop: TestShop) -> None:
    await limit(shop, 2)
    again = await shop.admin("POST", LIMITS, json={"sku": MUG, "quantity": 5})
    refused(again, 409, "purchase-limit-exists")
    await limit(shop, 1, days=1)
    again = await shop.admin("POST", LIMITS, json={"sku": MUG, "quantity": 5, "days": 1})
    refused(again, 409, "purchase-limit-exists")
    assert [x["quantity"] for x in given(await shop.admin("GET", LIMITS))["items"]] == [2, 1]


NONSENSE: list[tuple[Mapping[str, Any], int, str]] = [
    ({"quantity": 1}, 400, "malformed"),
    ({"quantity": 1, "sku": MUG, "product_id": str(uuid4())}, 400, "malformed"),
    ({"sku": MUG}, 400, "validation"),
    ({"sku": MUG, "quantity": 0}, 400, "validation"),
    ({"sku": MUG, "quantity": -1}, 400, "validation"),
    ({"sku": MUG, "quantity": 1.5}, 400, "validation"),
    ({"sku": MUG, "quantity": 10_000}, 400, "validation"),
    ({"sku": MUG, "quantity": 1, "days": 0}, 400, "validation"),
    ({"sku": MUG, "quantity": 1, "buyer": "me"}, 400, "validation"),
    ({"sku": "NOPE", "quantity": 1}, 422, "unknown-sku"),
    ({"product_id": str(uuid4()), "quantity": 1}, 404, "product-not-found"),
]


async def test_nonsense_sets_no_limit(shop: TestShop) -> None:
    for body, status, slug in NONSENSE:
        refused(await shop.admin("POST", LIMITS, json=dict(body)), status, slug)
    assert await shop.count("checkout_purchase_limit") == 0


async def test_who_may_not_set_limits_sets_none(shop: TestShop) -> None:
    made = await limit(shop, 1)
    body = {"sku": SHIRT, "quantity": 1}
    path = f"{LIMITS}/{made['id']}"
    reader = await shop.token("purchase-limits:read")
    stranger = await shop.token("orders:*")
    for headers, allowed in ((reader, True), (stranger, False)):
        for ask in (LIMITS, path):
            answer = await shop.admin("GET", ask, headers=headers)
            assert answer.status_code == (200 if allowed else 403)
        refused(await shop.admin("POST", LIMITS, json=body, headers=headers), 403, "forbidden")
        match = {**headers, "If-Match": "*"}
        refused(
            await shop.admin("PATCH", path, json={"quantity": 9}, headers=match), 403, "forbidden"
        )
        refused(await shop.admin("DELETE", path, headers=match), 403, "forbidden")
    assert (await shop.client.get(LIMITS)).status_code == 401
    assert given(await shop.admin("GET", LIMITS))["items"] == [made]


async def test_two_who_set_the_same_limit_at_once_set_one(shop: TestShop) -> None:
    answers = await asyncio.gather(
        *(shop.admin("POST", LIMITS, json={"sku": MUG, "quantity": n + 1}) for n in range(6))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 5
    assert await shop.count("checkout_purchase_limit") == 1
