"""Many products at once, attributes and history, over HTTP and on the real prices and stock."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from commercekit.kernel import Money
from tests.shop import MUG, SHIRT, cny, given, refused

ALL = {"filter": {}}


async def price_of(shop, slug):
    return given(await shop.client.get(f"/store/products/{slug}"))["price"]


async def product(shop, slug):
    found = await shop.shop.catalog.product_by_slug(slug)
    return given(await shop.admin("GET", f"/admin/products/{found.id}"))


def change(**changes):
    return {"filter": {}, "changes": changes}


async def test_a_preview_shows_fields_and_prices_and_changes_nothing(shop):
    body = change(add_tags=["spring"], price={"basis_points": -1000})
    shown = given(await shop.admin("POST", "/admin/products/bulk/preview", json=body))
    assert shown["total"] == 2
    assert [(item["slug"], item["fields"], item["prices"]) for item in shown["items"]] == [
        ("mug", ["tags"], [{"sku": MUG, "before": cny(4500), "after": cny(4050)}]),
        ("shirt", ["tags"], [{"sku": SHIRT, "before": cny(19900), "after": cny(17910)}]),
    ]
    again = given(await shop.admin("POST", "/admin/products/bulk", json=body))
    assert again == shown
    await shop.settle()
    assert (await product(shop, "mug"))["tags"] == []
    assert await price_of(shop, "mug") == cny(4500)
    assert await shop.count("catalog_bulk_run") == 0


async def test_what_was_shown_is_done_once_and_shoppers_see_it(shop):
    body = {**change(add_tags=["spring"], price={"basis_points": -1000}), "preview": False}
    key = {"Idempotency-Key": str(uuid4())}
    started = await shop.admin("POST", "/admin/products/bulk", json=body, headers=key)
    run = given(started, 202)
    assert started.headers["location"] == f"/admin/products/bulk/{run['id']}"
    twice = await shop.admin("POST", "/admin/products/bulk", json=body, headers=key)
    assert given(twice, 202)["id"] == run["id"]
    await shop.settle()
    done = given(await shop.admin("GET", started.headers["location"]))
    assert (done["status"], done["total"], done["changed"], done["failed"]) == ("done", 2, 2, 0)
    assert (await product(shop, "mug"))["tags"] == ["spring"]
    assert await price_of(shop, "mug") == cny(4050)
    assert await price_of(shop, "shirt") == cny(17910)
    page = given(await shop.client.get("/store/products?sort=price"))
    assert [item["price"] for item in page["items"]] == [cny(4050), cny(17910)]
    assert await shop.stock(MUG) == (100, 0)


async def test_prices_start_from_the_list_and_not_from_a_sale(shop):
    """A tenth off while a sale holds is a tenth of what the list says, not of the sale."""
    now = shop.clock.now()
    sale = {
        "code": "sale",
        "market": "default",
        "name": {"en": "Sale"},
        "priority": 5,
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1)).isoformat(),
    }
    given(await shop.admin("POST", "/admin/price-lists", json=sale), 201)
    async with shop.shop.db.unit_of_work() as uow:
        from commercekit.pricing import NewPrice

        await shop.shop.pricing.put_prices(uow, "sale", [NewPrice(MUG, Money(3000, "CNY"))])
    assert await price_of(shop, "mug") == cny(3000)
    body = {**change(price={"basis_points": -1000}), "preview": False}
    given(await shop.admin("POST", "/admin/products/bulk", json=body), 202)
    await shop.settle()
    assert await price_of(shop, "mug") == cny(3000)
    lists = given(await shop.admin("GET", "/admin/price-lists/default-cny/prices"))["items"]
    assert {item["sku"]: item["amount"] for item in lists} == {MUG: cny(4050), SHIRT: cny(17910)}


async def test_a_product_that_cannot_be_changed_stays_and_is_named(shop):
    attribute = {
        "product_type": "Cups", "code": "volume", "name": {"en": "Volume"}, "kind": "number",
        "required": True,
    }  # fmt: skip
    given(await shop.admin("POST", "/admin/attributes", json=attribute), 201)
    body = {**change(type="Cups", price={"amount": 100}), "preview": False}
    run = given(await shop.admin("POST", "/admin/products/bulk", json=body), 202)
    await shop.settle()
    done = given(await shop.admin("GET", f"/admin/products/bulk/{run['id']}"))
    assert (done["status"], done["changed"], done["failed"]) == ("done", 0, 2)
    assert {fault["slug"] for fault in done["errors"]} == {"mug", "shirt"}
    assert await price_of(shop, "mug") == cny(4500)
    assert (await product(shop, "mug"))["type"] == ""


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"filter": {}, "changes": {}}, 422, "product-refused"),
        ({"filter": {}, "changes": {"prices": 1}}, 400, "malformed"),
        ({"filter": {"all": True}, "changes": {"type": "x"}}, 400, "malformed"),
        ({"filter": {}, "changes": {"price": {"basis_points": -10_001}}}, 400, "malformed"),
    ],
)
async def test_a_change_that_says_nothing_or_nonsense_is_refused(shop, body, status, slug):
    for path in ("/admin/products/bulk", "/admin/products/bulk/preview"):
        answer = await shop.admin("POST", path, json=body)
        assert answer.status_code == status, answer.text
        if slug != "malformed":
            refused(answer, status, slug)
    assert await shop.count("catalog_bulk_run") == 0


async def test_doing_it_needs_a_key_and_the_right_to_write(shop):
    body = {**change(type="Cups"), "preview": False}
    reader = await shop.token("catalog:read")
    client = shop.client
    keyless = await client.post("/admin/products/bulk", json=body, headers=await shop.token("*:*"))
    assert keyless.status_code == 400
    headers = {**reader, "Idempotency-Key": str(uuid4())}
    refused(await client.post("/admin/products/bulk", json=body, headers=headers), 403, "forbidden")
    shown = await client.post("/admin/products/bulk/preview", json=body, headers=reader)
    assert given(shown)["total"] == 2
    nobody = await client.post("/admin/products/bulk", json=body)
    assert nobody.status_code == 401
    assert await shop.count("catalog_bulk_run") == 0
    refused(await shop.admin("GET", f"/admin/products/bulk/{uuid4()}"), 404, "bulk-run-not-found")


# ------------------------------------------------------------------------- attributes and history


async def test_an_attribute_lives_from_definition_to_removal(shop):
    new = {
        "product_type": "Cups",
        "code": "glaze",
        "name": {"en": "Glaze", "zh": "釉"},
        "kind": "choice",
        "choices": [
            {"code": "matt", "label": {"en": "Matt"}},
            {"code": "gloss", "label": {"en": "Gloss"}},
        ],
    }
    made_answer = await shop.admin("POST", "/admin/attributes", json=new)
    made = given(made_answer, 201)
    path = f"/admin/attributes/{made['id']}"
    assert made_answer.headers["location"] == path
    mug = await product(shop, "mug")
    wrong = {"type": "Cups", "attributes": {"glaze": "shiny"}}
    tag = {"If-Match": f'"{mug["version"]}"'}
    refused(
        await shop.admin("PATCH", f"/admin/products/{mug['id']}", json=wrong, headers=tag),
        422,
        "product-refused",
    )
    right = {"type": "Cups", "attributes": {"glaze": "matt"}}
    changed = await shop.admin("PATCH", f"/admin/products/{mug['id']}", json=right, headers=tag)
    assert given(changed)["attributes"] == {"glaze": "matt"}

    refused(await shop.admin("PATCH", path, json={"required": True}), 428, "precondition-required")
    etag = {"If-Match": made_answer.headers["etag"]}
    fewer = {"choices": [{"code": "gloss", "label": {"en": "Gloss"}}]}
    in_use = await shop.admin("PATCH", path, json=fewer, headers=etag)
    assert in_use.status_code in {409, 422}
    renamed = await shop.admin("PATCH", path, json={"name": {"en": "Finish"}}, headers=etag)
    assert given(renamed)["name"] == {"en": "Finish"}
    stale = await shop.admin("PATCH", path, json={"name": {"en": "Coat"}}, headers=etag)
    assert stale.status_code == 412
    assert given(await shop.admin("GET", path))["name"] == {"en": "Finish"}
    kept = await shop.admin("DELETE", path, headers={"If-Match": renamed.headers["etag"]})
    assert kept.status_code == 409
    assert (await product(shop, "mug"))["attributes"] == {"glaze": "matt"}
    assert given(await shop.admin("GET", "/admin/attributes"))["items"][0]["code"] == "glaze"


async def test_history_says_who_changed_what_and_outlives_the_product(shop):
    mug = await product(shop, "mug")
    path = f"/admin/products/{mug['id']}"
    tag = {"If-Match": f'"{mug["version"]}"'}
    given(await shop.admin("PATCH", path, json={"tags": ["tea"]}, headers=tag))
    page = given(await shop.admin("GET", f"{path}/history?limit=1"))
    (latest,) = page["items"]
    assert (latest["action"], latest["diff"]) == ("changed", {"tags": [[], ["tea"]]})
    assert latest["actor"] not in {"", "system"}
    rest = given(await shop.admin("GET", f"{path}/history?cursor={page['next_cursor']}"))
    assert [entry["action"] for entry in rest["items"]] == ["created"]
    assert rest["next_cursor"] is None
    current = await product(shop, "mug")
    gone = await shop.admin("DELETE", path, headers={"If-Match": f'"{current["version"]}"'})
    assert gone.status_code == 204
    refused(await shop.admin("GET", path), 404, "product-not-found")
    after = given(await shop.admin("GET", f"{path}/history"))["items"]
    assert [entry["action"] for entry in after] == ["deleted", "changed", "created"]
    nobody = await shop.client.get(f"{path}/history")
    assert nobody.status_code == 401
