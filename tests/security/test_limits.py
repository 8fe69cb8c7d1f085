"""Staff who are limited, domain by domain: what they see, what they do not, and what is refused to them."""

from __future__ import annotations

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
