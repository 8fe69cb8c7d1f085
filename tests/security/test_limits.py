"""Staff who are limited, domain by domain: what they see, what they do not, and what is refused to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx

from tests.limits import bearer, holder
from tests.shop import TestShop, given, refused

Limit = tuple[str, ...]
EU, SHOP = ("market", "eu"), ("market", "default")
NORTH, VIP, OWN = ("location", "north"), ("segment", "vip"), ("own",)


class Staff:
    """Whoever holds one permission within one limit."""

    def __init__(self, shop: TestShop, scope: str) -> None:
        self._shop, self._scope = shop, scope
        self._headers: dict[Limit, dict[str, str]] = {}

    async def ask(
        self, limit: Limit, method: str, path: str, body: Any = None, version: int = 1
    ) -> httpx.Response:
        if limit not in self._headers:
            kind, *codes = limit
            self._headers[limit] = bearer(await holder(self._shop, kind, self._scope, *codes))
        headers = self._headers[limit] | {
            "Idempotency-Key": str(uuid4()),
            "If-Match": f'"{version}"',
        }
        return await self._shop.client.request(method, path, json=body, headers=headers)

    async def each(self, limit: Limit, *cases: Sequence[Any]) -> None:
        """Every case is (status, slug or None, method, path, body)."""
        for status, slug, method, path, *body in cases:
            answer = await self.ask(limit, method, path, *body)
            if slug is None:
                given(answer, status)
            else:
                refused(answer, status, slug)


async def test_markets_and_their_taxes_are_for_the_people_of_the_market(shop: TestShop) -> None:
    markets, pricing = shop.shop.markets, shop.shop.pricing
    await markets.add("eu", "EUR", ["en"], countries=["DE", "FR"])
    await markets.add("uk", "GBP", ["en"], countries=["GB", "FR"])
    every = "/admin/markets"
    staff = Staff(shop, "markets:*")
    seen = given(await staff.ask(EU, "GET", every))["items"]
    assert [market["code"] for market in seen] == ["eu"]
    await staff.each(
        EU,
        (200, None, "GET", f"{every}/eu"),
        (404, "market-not-found", "GET", f"{every}/uk"),
        (404, "market-not-found", "GET", f"{every}/none"),
        (404, "market-not-found", "PATCH", f"{every}/uk", {"active": False}),
        (403, "forbidden", "POST", every, {"code": "us", "currency": "USD", "languages": ["en"]}),
        (200, None, "PATCH", f"{every}/eu", {"languages": ["en", "de"]}),
    )
    for limit in (NORTH, VIP, OWN):
        await staff.each(limit, (403, "forbidden", "GET", every))
    assert [(each.code, each.active, each.version) for each in await markets.every()] == [
        ("default", True, 1),
        ("eu", True, 2),
        ("uk", True, 1),
    ]

    rates = {
        country: await pricing.add_tax_rate("food", country, None, 70_000, {"en": "VAT"})
        for country in ("DE", "FR", "GB", "US")
    }
    before = {rate.id: rate for rate in await pricing.tax_rates()}
    every = "/admin/tax-rates"
    paths = {country: f"{every}/{rate.id}" for country, rate in rates.items()}
    staff = Staff(shop, "prices:*")
    seen = given(await staff.ask(EU, "GET", every))
    assert [rate["country"] for rate in seen["items"]] == ["DE", "FR"]
    assert seen["total"] == 2
    new = {"tax_class": "books", "rate_ppm": 1, "name": {"en": "VAT"}}
    change = {"rate_ppm": 1, "name": {"en": "X"}}
    await staff.each(
        EU,
        (200, None, "GET", paths["DE"]),
        (200, None, "GET", paths["FR"]),
        *((404, "unknown-tax-rate", "GET", paths[place]) for place in ("GB", "US")),
        (404, "unknown-tax-rate", "GET", f"{every}/{uuid4()}"),
        *((404, "unknown-tax-rate", "PATCH", paths[place], change) for place in ("GB", "US")),
        (404, "unknown-tax-rate", "DELETE", paths["GB"]),
        # France is the other market's, too.
        (403, "forbidden", "PATCH", paths["FR"], change),
        (403, "forbidden", "DELETE", paths["FR"]),
        *((403, "forbidden", "POST", every, new | {"country": at}) for at in ("FR", "GB", "US")),
    )
    assert {rate.id: rate for rate in await pricing.tax_rates()} == before
    await staff.each(
        EU,
        (201, None, "POST", every, new | {"country": "DE"}),
        (200, None, "PATCH", paths["DE"], change),
    )
    for limit in (NORTH, VIP, OWN):
        await staff.each(limit, (403, "forbidden", "GET", every))


async def test_what_is_common_to_all_is_read_within_any_limit_and_changed_within_none(
    shop: TestShop,
) -> None:
    product = {"slug": "x", "name": {"en": "X"}}
    catalog, console = Staff(shop, "catalog:*"), Staff(shop, "console:read")
    capped = Staff(shop, "purchase-limits:*")
    for limit in (EU, NORTH, VIP, OWN):
        # One's own records are no part of what is common.
        common = (403, "forbidden") if limit == OWN else (200, None)
        await catalog.each(
            limit,
            *(
                (*common, "GET", path)
                for path in (
                    "/admin/products", "/admin/variants", "/admin/categories", "/admin/brands",
                    "/admin/attributes", "/admin/media", "/admin/synonyms",
                )
            ),
            # Prices and stock of everywhere are in it.
            (403, "forbidden", "GET", "/admin/products/export"),
            (403, "forbidden", "POST", "/admin/products", product),
            (403, "forbidden", "POST", "/admin/brands", product),
            (403, "forbidden", "POST", "/admin/synonyms", {}),
        )  # fmt: skip
        await console.each(
            limit,
            (200, None, "GET", "/admin/console/pages"),
            (200, None, "GET", "/admin/console/permissions"),
            (200, None, "GET", "/admin/console/fields"),
        )
        await capped.each(limit, (403, "forbidden", "GET", "/admin/purchase-limits"))


async def test_whoever_has_only_their_own_records_has_what_they_made(shop: TestShop) -> None:
    boss, hook = "/admin/webhooks", {"url": "https://8.8.8.8/in", "events": ["order.*"]}
    foreign = given(await shop.admin("POST", boss, json=hook), 201)["endpoint"]
    staff = Staff(shop, "webhooks:*")
    mine = given(await staff.ask(OWN, "POST", boss, hook), 201)["endpoint"]
    listed = given(await staff.ask(OWN, "GET", boss))["items"]
    assert [each["id"] for each in listed] == [mine["id"]]
    hidden, gone = f"{boss}/{foreign['id']}", (404, "not-found")
    since = {"what": "all", "since": "2026-01-01T00:00:00Z"}
    await staff.each(
        OWN,
        (*gone, "GET", hidden),
        (*gone, "PATCH", hidden, {"description": "x"}),
        (*gone, "DELETE", hidden),
        *((*gone, "POST", f"{hidden}/{verb}") for verb in ("enable", "disable", "test")),
        *((*gone, "GET", f"{hidden}/{part}") for part in ("secrets", "messages", "attempts")),
        (*gone, "POST", f"{hidden}/rotate-secret", {}),
        (*gone, "GET", f"{hidden}/messages/evt_1"),
        (*gone, "POST", f"{hidden}/messages/evt_1/replay"),
        (*gone, "POST", f"{hidden}/replay", since),
        (200, None, "GET", f"{boss}/{mine['id']}/secrets"),
        (200, None, "POST", f"{boss}/{mine['id']}/disable"),
    )
    assert given(await shop.admin("GET", hidden)) == foreign
    for limit in (EU, NORTH, VIP):
        await staff.each(limit, (403, "forbidden", "GET", boss))

    path = "/admin/tokens"
    keeper = await holder(shop, "own", "tokens:*")
    actor = f"token/{keeper.token.handle}"
    theirs = await holder(shop, "market", "orders:read", "eu")
    await shop.shop.db.execute(
        "UPDATE identity_staff_token SET created_by = $1 WHERE id = $2", actor, theirs.token.id
    )
    headers = bearer(keeper)
    listed = given(await shop.client.get(path, headers=headers))["items"]
    assert [each["id"] for each in listed] == [str(theirs.token.id)]
    answer = await shop.client.delete(f"{path}/{keeper.token.id}", headers=headers)
    refused(answer, 404, "not-found")
    assert given(await shop.client.get(path, headers=headers))["items"] == listed
    answer = await shop.client.delete(f"{path}/{theirs.token.id}", headers=headers)
    assert answer.status_code == 204
    refused(await shop.client.get("/admin/orders", headers=bearer(theirs)), 401, "unauthenticated")

    own = await holder(shop, "own", "audit:*")
    reader = bearer(own)
    nothing = {"items": [], "next_cursor": None, "total": None}
    for query in ("", f"?actor={actor}"):
        assert given(await shop.client.get(f"/admin/audit{query}", headers=reader)) == nothing
    sent = await shop.client.post("/admin/audit/export", json={}, headers=reader)
    assert sent.status_code == 200
    lines = [json.loads(line) for line in sent.text.splitlines()]
    assert {line["actor"] for line in lines} == {f"token/{own.token.handle}"}
    assert "audit:export" in {line["action"] for line in lines}
    listed = given(await shop.client.get("/admin/audit", headers=reader))["items"]
    assert {each["id"] for each in listed} == {line["id"] for line in lines}
