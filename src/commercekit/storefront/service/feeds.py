"""For machines that send shoppers: sitemaps and a product feed, written as they are read."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urljoin
from uuid import UUID
from xml.sax.saxutils import escape

import msgspec

from commercekit.catalog import CatalogService
from commercekit.errors import NotFound
from commercekit.kernel import Money, pick
from commercekit.storefront import repository
from commercekit.storefront.models import ListQuery
from commercekit.storefront.rules.words import plain

if TYPE_CHECKING:
    from commercekit.markets import Market
    from commercekit.platform.db import Database

__all__ = ["URLS_PER_SITEMAP", "Feeds"]

URLS_PER_SITEMAP: Final = 50_000
"""The protocol allows no more in one file."""
_AT_ONCE: Final = 1000
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_GOOGLE: Final = "http://base.google.com/ns/1.0"
_UNSAYABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_TITLE: Final = 150
_MAX_DESCRIPTION: Final = 5000

_texts = msgspec.json.Decoder(dict[str, str])


class Feeds:
    """Writes XML piece by piece, so that a million products need no more memory than a thousand.

    ``base`` is the address of the shop that shoppers see; products stand on ``/products/{slug}``,
    categories on ``/categories/{slug}``, brands on ``/brands/{slug}`` below it.
    """

    def __init__(self, db: Database, catalog: CatalogService, *, per_sitemap: int) -> None:
        self._db = db
        self._catalog = catalog
        self._per_sitemap = per_sitemap

    async def sitemap_index(self, market: Market, base: str) -> AsyncIterator[str]:
        """The sitemaps there are: one of categories and brands, the others of products."""
        count = await repository.count(self._db, self._on_sale(market))
        yield f'{_HEAD}<sitemapindex xmlns="{_SITEMAP}">\n'
        yield _location("sitemap", f"{base}/store/sitemaps/shelves.xml")
        for number in range(1, -(-count // self._per_sitemap) + 1):
            yield _location("sitemap", f"{base}/store/sitemaps/products-{number}.xml")
        yield "</sitemapindex>\n"

    async def shelves_sitemap(self, market: Market, base: str) -> AsyncIterator[str]:
        """Categories, and brands on sale."""
        yield f'{_HEAD}<urlset xmlns="{_SITEMAP}">\n'
        for shelf in await self._catalog.categories():
            yield _location("url", f"{base}/categories/{quote(shelf.slug)}")
        for row in await repository.brand_counts(self._db, self._on_sale(market)):
            yield _location("url", f"{base}/brands/{quote(row['brand_slug'])}")
        yield "</urlset>\n"

    async def products_sitemap(self, market: Market, base: str, number: int) -> AsyncIterator[str]:
        """The sitemap of that number; ``NotFound`` if there are not so many products."""
        skipped = (number - 1) * self._per_sitemap
        first = await repository.nth_product_id(self._db, market.id, skipped)
        if first is None:
            message = f"There is no sitemap {number}."
            raise NotFound(message)
        return self._products(market, base, first)

    async def _products(self, market: Market, base: str, first: UUID) -> AsyncIterator[str]:
        yield f'{_HEAD}<urlset xmlns="{_SITEMAP}">\n'
        left, after = self._per_sitemap, None
        while left > 0:
            rows = await repository.on_sale(
                self._db, market.id, first=first, after=after, limit=min(left, _AT_ONCE)
            )
            yield "".join(
                _location("url", f"{base}/products/{quote(row['slug'])}", row["updated_at"])
                for row in rows
            )
            if len(rows) < min(left, _AT_ONCE):
                break
            left -= len(rows)
            after = rows[-1]["product_id"]
        yield "</urlset>\n"

    async def google(
        self, market: Market, language: str, base: str, title: str
    ) -> AsyncIterator[str]:
        """Every variant on sale, as Google's Merchant Center reads them (RSS 2.0)."""
        yield (
            f'{_HEAD}<rss version="2.0" xmlns:g="{_GOOGLE}">\n<channel>\n'
            f"<title>{_said(title)}</title>\n<link>{_said(base)}</link>\n"
            f"<description>{_said(title)}</description>\n"
        )
        after = None
        while True:
            rows = await repository.on_sale(
                self._db, market.id, first=None, after=after, limit=_AT_ONCE
            )
            variants: dict[UUID, list[Any]] = {}
            ids = [row["product_id"] for row in rows]
            for variant in await repository.variants_of(self._db, market.id, ids):
                variants.setdefault(variant["product_id"], []).append(variant)
            yield "".join(
                _google_item(row, variant, market.currency, language, base)
                for row in rows
                for variant in variants.get(row["product_id"], ())
            )
            if len(rows) < _AT_ONCE:
                break
            after = rows[-1]["product_id"]
        yield "</channel>\n</rss>\n"

    @staticmethod
    def _on_sale(market: Market) -> repository.Selection:
        return repository.Selection.of(market.id, ListQuery(), None)


def _said(text: str) -> str:
    """Text as XML may hold it; characters that it may not are left out."""
    return escape(_UNSAYABLE.sub("", text))


def _location(tag: str, address: str, changed: Any = None) -> str:
    when = f"<lastmod>{changed.date().isoformat()}</lastmod>" if changed else ""
    return f"<{tag}><loc>{_said(address)}</loc>{when}</{tag}>\n"


def _price(amount: int, currency: str) -> str:
    return f"{Money(amount, currency).to_decimal()} {currency}"


def _google_item(row: Any, variant: Any, currency: str, language: str, base: str) -> str:
    page = msgspec.json.decode(row["page"])
    name = pick(_texts.decode(row["name"]), (language,))
    options = [pick(each["label"], (language,)) for each in msgspec.json.decode(variant["options"])]
    words = " ".join(plain(pick(page["description"], (language,))).split())
    before = variant["compare_at"]
    fields: list[tuple[str, str | None]] = [
        ("id", variant["sku"]),
        ("title", " ".join([name, *filter(None, options)])[:_MAX_TITLE]),
        ("description", (words or name)[:_MAX_DESCRIPTION]),
        ("link", f"{base}/products/{quote(row['slug'])}"),
        ("item_group_id", row["slug"]),
        ("condition", "new"),
        ("availability", "in_stock" if variant["available"] > 0 else "out_of_stock"),
        ("price", _price(before or variant["price"], currency)),
        ("sale_price", _price(variant["price"], currency) if before else None),
    ]
    picture = variant["image_url"] or row["image_url"]
    fields.append(("image_link", urljoin(base + "/", picture) if picture else None))
    if row["brand_name"] is not None:
        fields.append(("brand", pick(_texts.decode(row["brand_name"]), (language,))))
    if page["type"]:
        fields.append(("product_type", page["type"]))
    inner = "".join(f"<g:{key}>{_said(text)}</g:{key}>" for key, text in fields if text)
    return f"<item>{inner}</item>\n"
