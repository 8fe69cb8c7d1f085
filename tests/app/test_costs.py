"""What goods cost the shop: seen by who may, changed by who may, and in nothing that others read."""

from __future__ import annotations

import asyncio
import csv
import io
from uuid import uuid4

from commercekit.app.permissions import CORE_PERMISSIONS
from commercekit.app.roles import core_roles
from commercekit.kernel import Money
from commercekit.platform.security import PermissionBook
from tests.shop import MUG, SHIRT, configuration, given, piccolo_apps, refused, shop

__all__ = ["configuration", "piccolo_apps", "shop"]

COST = {"amount": 271_828, "currency": "CNY"}
SEES = {"owner", "administrator", "purchaser", "analyst"}
CHANGES = {"owner", "administrator", "purchaser"}


async def variant_of(shop, sku=MUG):
    [found] = given(await shop.admin("GET", f"/admin/variants?sku={sku}"))["items"]
    return found


async def ask(shop, who, method, path, **more):
    """Ask as somebody, with the variant's present ETag where it is changed."""
    headers = {**who, **more.pop("headers", {})}
    return await shop.client.request(method, path, headers=headers, **more)


async def set_cost(shop, cost, who=None, sku=MUG):
    variant = await variant_of(shop, sku)
    headers = {"If-Match": f'"{variant["version"]}"'}
    path = f"/admin/variants/{variant['id']}/cost"
    token = who or {"Authorization": f"Bearer {shop.staff_token}"}
    return await ask(shop, token, "PUT", path, json={"cost": cost}, headers=headers)


async def entries(shop, sku=MUG):
    variant = await variant_of(shop, sku)
    page = given(await shop.admin("GET", f"/admin/variants/{variant['id']}/costs"))
    return [(each["number"], each["cost"]) for each in page["items"]]


async def audited(shop, permission):
    trail = given(await shop.admin("GET", "/admin/audit?limit=100"))["items"]
    told = [each for each in trail if each["details"].get("permission") == permission]
    return [each["details"]["method"] for each in told]


async def test_each_role_is_shown_and_changes_what_it_may_and_nothing_else(shop):
    assert (await set_cost(shop, COST)).status_code == 204
    told = given(await shop.client.get("/openapi.json"))["paths"]
    assert "204" in told["/admin/variants/{variant_id}/cost"]["put"]["responses"]
    variant = await variant_of(shop)
    at, of_product = f"/admin/variants/{variant['id']}", f"/admin/products/{variant['product_id']}"
    reads = (at, "/admin/variants", of_product, "/admin/products", "/admin/products/export")
    assert variant["cost"] == COST
    number = 1
    for role in core_roles(PermissionBook(CORE_PERMISSIONS)):
        who = await shop.token(*role.permissions)
        for path in reads:
            answer = await ask(shop, who, "GET", path)
            assert answer.status_code == 200, (role.code, path)
            seen = "2718.28" in answer.text or '"amount":271828' in answer.text
            assert seen == (role.code in SEES), (role.code, path)
            named = '"cost"' in answer.text or "Cost per item" in answer.text
            assert named == (role.code in SEES), (role.code, path)
        history = await ask(shop, who, "GET", f"{of_product}/history")
        assert "271828" not in history.text
        costs = await ask(shop, who, "GET", f"{at}/costs")
        put = await set_cost(shop, {"amount": number, "currency": "CNY"}, who)
        if role.code in SEES:
            assert given(costs)["items"][-1]["cost"] == COST
        else:
            assert refused(costs, 403, "forbidden")["required_scope"] == "catalog:cost"
        if role.code in CHANGES:
            number += 1
            assert put.status_code == 204
            assert (await set_cost(shop, COST)).status_code == 204
            number += 1
        else:
            assert refused(put, 403, "forbidden")["required_scope"] == "catalog:cost-change"
        assert len(await entries(shop)) == number, role.code


async def test_cost_comes_with_a_product_only_from_who_may_change_costs(shop):
    writer = await shop.token("catalog:read", "catalog:write", "catalog:cost")
    body = {"slug": "jug", "name": {"en": "Jug"}, "variants": [{"sku": "JUG", "cost": COST}]}
    for path in ("/admin/products",):
        refused(await ask(shop, writer, "POST", path, json=body), 403, "forbidden")
    variant = await variant_of(shop)
    etag = {"If-Match": f'"{variant["version"]}"'}
    at = f"/admin/variants/{variant['id']}"
    change = {"cost": COST, "barcode": "123"}
    refused(await ask(shop, writer, "PATCH", at, json=change, headers=etag), 403, "forbidden")
    more = f"/admin/products/{variant['product_id']}/variants"
    refused(await ask(shop, writer, "POST", more, json={"cost": COST}), 403, "forbidden")
    assert await variant_of(shop) == variant
    assert await shop.count("catalog_cost") == 0
    assert await audited(shop, "catalog:cost-change") == []

    made = given(await shop.admin("POST", "/admin/products", json=body), 201)
    assert made["variants"][0]["cost"] == COST
    changed = given(await shop.admin("PATCH", at, json=change, headers=etag))
    assert (changed["cost"], changed["barcode"]) == (COST, "123")
    assert await entries(shop) == [(1, COST)]
    assert await audited(shop, "catalog:cost-change") == ["PATCH", "POST"]


async def test_costs_follow_each_other_and_the_last_one_holds(shop):
    seen = await variant_of(shop)
    at = f"/admin/variants/{seen['id']}"
    stale = {"If-Match": f'"{seen["version"]}"'}
    refused(
        await shop.admin("PUT", f"{at}/cost", json={"cost": COST}), 428, "precondition-required"
    )
    for wrong in ({"amount": -1, "currency": "CNY"}, {"amount": 10**16, "currency": "CNY"}, 5, "5"):
        answer = await shop.admin("PUT", f"{at}/cost", json={"cost": wrong}, headers=stale)
        refused(answer, 400, "validation")
    both = await asyncio.gather(
        *(
            shop.admin("PUT", f"{at}/cost", json={"cost": COST | {"amount": n}}, headers=stale)
            for n in (5, 6)
        )
    )
    assert sorted(each.status_code for each in both) == [204, 412]
    for cost in (COST, COST, None, None, COST):
        assert (await set_cost(shop, cost)).status_code == 204
    assert [cost for _, cost in await entries(shop)][:3] == [COST, None, COST]
    assert [number for number, _ in await entries(shop)] == [4, 3, 2, 1]
    page = given(await shop.admin("GET", f"{at}/costs?limit=3"))
    rest = given(await shop.admin("GET", f"{at}/costs?limit=3&cursor={page['next_cursor']}"))
    assert [each["number"] for each in rest["items"]] == [1]
    assert (await variant_of(shop))["cost"] == COST
    await shop.settle()

    told = await shop.shop.db.fetchval(
        "SELECT count(*) FROM platform_outbox WHERE payload::text LIKE '%271828%'"
        " OR payload::text LIKE '%2718.28%'"
    )
    assert told == 0
    changes = "SELECT string_agg(diff::text, '') FROM catalog_change"
    assert "271828" not in await shop.shop.db.fetchval(changes)
    for path in ("/store/products", "/store/products/mug", "/store/feeds/products.json"):
        assert "271828" not in (await shop.client.get(path)).text
    product = f"/admin/products/{seen['product_id']}"
    version = given(await shop.admin("GET", product))["version"]
    gone = await shop.admin("DELETE", product, headers={"If-Match": f'"{version}"'})
    assert gone.status_code == 204
    assert len(given(await shop.admin("GET", f"{at}/costs"))["items"]) == 4
    refused(await shop.admin("GET", f"/admin/variants/{uuid4()}/costs"), 404, "variant-not-found")


async def test_file_brings_costs_and_takes_them_along(shop):
    market = await shop.shop.markets.default()
    names = ["Handle", "Title", "Variant SKU", "Variant Price", "Cost per item"]
    lines = [
        ("jug", "Jug", "JUG", "30", "12.5"),
        ("pot", "Pot", "POT", "30", "9.99 USD"),
        ("pan", "Pan", "PAN", "30", ""),
        ("lid", "Lid", "LID", "30", "1,5"),
        ("cup", "Cup", "CUP", "30", "3 dollars"),
        ("mug", "Mug", MUG, "45", "7"),
    ]

    async def take(rows):
        out = io.StringIO()
        csv.writer(out).writerows([names, *rows])
        reading = io.StringIO(out.getvalue(), newline="")
        return await shop.shop.importer(market).run(reading, currency="CNY")

    async def costs():
        found = await shop.shop.catalog.variants(limit=100)
        known = await shop.shop.catalog.costs.of([each.id for each in found])
        return {each.sku: known[each.id] for each in found if each.id in known}

    report = await take(lines)
    faults = [(fault.row, fault.column, fault.code) for fault in report.errors]
    assert faults == [(5, "Cost per item", "not-a-number"), (6, "Cost per item", "not-a-number")]
    known = {"JUG": Money(1250, "CNY"), "POT": Money(999, "USD"), MUG: Money(700, "CNY")}
    assert await costs() == known
    assert (await take(lines)).unchanged == 4
    assert (await take([("mug", "Mug", MUG, "45", "8")])).changed == 1
    assert await costs() == known | {MUG: Money(800, "CNY")}
    assert await shop.count("catalog_cost") == 4

    whole = "".join([piece async for piece in shop.shop.exports.text(costs=True)])
    cells = {row["Variant SKU"]: row["Cost per item"] for row in csv.DictReader(io.StringIO(whole))}
    assert cells == {"JUG": "12.50", "POT": "9.99 USD", "PAN": "", MUG: "8.00", SHIRT: ""}
    again = await shop.shop.importer(market).run(io.StringIO(whole, newline=""), currency="CNY")
    assert (again.changed, again.failed) == (0, 0)
    masked = "".join([piece async for piece in shop.shop.exports.text()])
    assert "Cost per item" not in masked
    assert "9.99 USD" not in masked
