"""Price lists and tax rates over HTTP, for staff."""

from __future__ import annotations

import pytest

from commercekit.kernel import Money


def slug(answer):
    return answer.json()["type"].rpartition("/")[2]


def cny(amount):
    return {"amount": amount, "currency": "CNY"}


async def make_list(client, **more):
    body = {"code": "retail", "name": {"en": "Retail"}, "default": True, **more}
    return await client.post("/admin/price-lists", json=body)


async def test_a_list_is_made_and_renamed(client):
    made = await make_list(client)
    assert made.status_code == 201, made.text
    assert made.json()["currency"] == "CNY"
    assert (await make_list(client)).status_code == 409
    names = {"name": {"en": "Shop", "zh": "零售"}}
    assert (await client.patch("/admin/price-lists/retail", json=names)).status_code == 428
    etag = {"If-Match": made.headers["etag"]}
    renamed = await client.patch("/admin/price-lists/retail", json=names, headers=etag)
    assert (renamed.status_code, renamed.json()["name"]) == (200, names["name"])
    assert (
        await client.patch("/admin/price-lists/retail", json=names, headers=etag)
    ).status_code == 412
    listed = (await client.get("/admin/price-lists")).json()
    assert [each["code"] for each in listed["items"]] == ["retail"]


async def test_a_price_is_set_changed_and_removed(client, pricing, market):
    await make_list(client)
    path = "/admin/price-lists/retail/prices/mug"
    first = await client.put(path, json={"amount": cny(1999), "compare_at": cny(2999)})
    assert (first.status_code, first.json()["version"]) == (201, 1)
    assert (await client.put(path, json={"amount": cny(1)})).status_code == 428
    seen = {"If-Match": first.headers["etag"]}
    second = await client.put(path, json={"amount": cny(1500)}, headers=seen)
    assert (second.status_code, second.json()["compare_at"]) == (200, None)
    assert (await client.put(path, json={"amount": cny(1)}, headers=seen)).status_code == 412
    assert (await pricing.prices(market, ["mug"]))["mug"].amount == Money(1500, "CNY")
    assert (await client.delete(path, headers=seen)).status_code == 412
    seen = {"If-Match": second.headers["etag"]}
    assert (await client.delete(path, headers=seen)).status_code == 204
    gone = await client.get(path)
    assert (gone.status_code, slug(gone)) == (404, "unpriced")
    again = await client.put(path, json={"amount": cny(1)}, headers=seen)
    assert again.status_code == 412


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"amount": cny(-1)}, 422, "unacceptable-price"),
        ({"amount": {"amount": 1, "currency": "EUR"}}, 422, "unacceptable-price"),
        ({"amount": {"amount": 1.5, "currency": "CNY"}}, 400, "validation"),
        ({"amount": {"amount": 10**17, "currency": "CNY"}}, 400, "validation"),
        ({"amount": {"amount": 1, "currency": "cny"}}, 400, "validation"),
        ({"amount": 5}, 400, "validation"),
        ({}, 400, "validation"),
    ],
)
async def test_prices_that_make_no_sense_are_refused(client, body, status, named):
    await make_list(client)
    path = "/admin/price-lists/retail/prices/mug"
    answer = await client.put(path, json=body)
    assert (answer.status_code, slug(answer)) == (status, named)
    assert (await client.get(path)).status_code == 404


async def test_prices_come_in_pages(client):
    await make_list(client)
    for sku in ("a", "b", "c"):
        await client.put(f"/admin/price-lists/retail/prices/{sku}", json={"amount": cny(1)})
    first = (await client.get("/admin/price-lists/retail/prices?limit=2")).json()
    assert [price["sku"] for price in first["items"]] == ["a", "b"]
    rest = await client.get(
        "/admin/price-lists/retail/prices", params={"cursor": first["next_cursor"]}
    )
    assert [price["sku"] for price in rest.json()["items"]] == ["c"]
    assert (await client.get("/admin/price-lists/ghost/prices")).status_code == 404


async def test_a_tax_rate_is_made_changed_and_removed(client, pricing):
    body = {"tax_class": "standard", "country": "CN", "rate_ppm": 130_000, "name": {"zh": "增值税"}}
    made = await client.post("/admin/tax-rates", json=body)
    assert made.status_code == 201, made.text
    assert (await client.post("/admin/tax-rates", json=body)).status_code == 409
    path = f"/admin/tax-rates/{made.json()['id']}"
    change = {"rate_ppm": 90_000, "name": {"en": "VAT"}}
    assert (await client.patch(path, json=change)).status_code == 428
    seen = {"If-Match": made.headers["etag"]}
    changed = await client.patch(path, json=change, headers=seen)
    assert (changed.status_code, changed.json()["rate_ppm"]) == (200, 90_000)
    assert (await client.delete(path, headers=seen)).status_code == 412
    assert [r.rate_ppm for r in (await pricing.tax_table("CN")).of("standard")] == [90_000]
    seen = {"If-Match": changed.headers["etag"]}
    assert (await client.delete(path, headers=seen)).status_code == 204
    assert (await client.get("/admin/tax-rates")).json() == {
        "items": [],
        "next_cursor": None,
        "total": 0,
    }


@pytest.mark.parametrize(
    "wrong", [{"rate_ppm": -1}, {"rate_ppm": 1_000_001}, {"country": "cn"}, {"rate_ppm": 0.13}]
)
async def test_tax_rates_that_make_no_sense_are_refused(client, wrong):
    body = {"tax_class": "standard", "country": "CN", "rate_ppm": 130_000, **wrong}
    assert (await client.post("/admin/tax-rates", json=body)).status_code == 400
    assert (await client.get("/admin/tax-rates")).json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/price-lists"),
        ("POST", "/admin/price-lists"),
        ("PUT", "/admin/price-lists/retail/prices/mug"),
        ("DELETE", "/admin/price-lists/retail/prices/mug"),
        ("GET", "/admin/tax-rates"),
        ("POST", "/admin/tax-rates"),
    ],
)
async def test_only_staff_with_the_scope_may(client, method, path):
    body = {"amount": cny(1)} if method in {"PUT", "POST"} else None
    for token, status in (("nobody", 401), ("stranger", 403)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status
    if method != "GET":
        headers = {"Authorization": "Bearer reader"}
        assert (await client.request(method, path, json=body, headers=headers)).status_code == 403
