"""What shoppers read: lists, product pages, categories, brands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from commercekit.catalog import (
    EXTENSIBLE,
    BrandNotFound,
    CatalogService,
    Category,
    ProductNotFound,
)
from commercekit.kernel import Money, pick
from commercekit.markets import Market, MarketService
from commercekit.platform.db import Database
from commercekit.platform.extensions import FieldBook
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.promotions import BasketLine, PromotionService
from commercekit.storefront import repository
from commercekit.storefront.models import (
    AttributeView,
    BrandEntry,
    CategoryEntry,
    CategoryRef,
    Facet,
    Facets,
    ListQuery,
    PriceRange,
    ProductDetail,
    ProductItem,
    PromotionNote,
    Seo,
    Sort,
    Suggestion,
)
from commercekit.storefront.rules.rows import SEARCH_VERSION
from commercekit.storefront.rules.words import units
from commercekit.storefront.service.absent import Absent
from commercekit.storefront.service.feeds import URLS_PER_SITEMAP, Feeds
from commercekit.storefront.service.looking import Search, found_by, search_for, widened
from commercekit.storefront.service.projection import Projection
from commercekit.storefront.service.rebuilding import Rebuild
from commercekit.storefront.service.shelves import Shelves
from commercekit.storefront.service.surroundings import Surroundings
from commercekit.storefront.service.views import (
    PAGE,
    TEXTS,
    VARIANTS,
    PageText,
    VariantRow,
    attribute_from,
    image_from,
    items_from,
    note_of,
    option_from,
    shown_in,
    sort_of,
    text_in,
    variant_from,
)
from commercekit.storefront.service.vocabulary import Vocabulary

__all__ = ["Listed", "StorefrontService"]

_TEND = "storefront.tend-search"


class Listed(NamedTuple):
    """A page of a list: its items, the place to go on from, and what was counted."""

    items: list[ProductItem]
    after: tuple[str, ...] | None
    total: int | None
    facets: Facets | None


class StorefrontService:
    """Reads the read models, and rebuilds them."""

    def __init__(
        self,
        db: Database,
        markets: MarketService,
        catalog: CatalogService,
        projection: Projection,
        promotions: PromotionService | None = None,
        book: FieldBook | None = None,
    ) -> None:
        """``book`` has the fields that plugins add."""
        book = book or FieldBook(EXTENSIBLE)
        self._of_products = book.of("product")
        self._of_variants = book.of("variant")
        self._db = db
        self._markets = markets
        self._catalog = catalog
        self.vocabulary: Vocabulary = projection.vocabulary
        self.rebuild = Rebuild(db, markets, catalog, projection)
        self.surroundings = Surroundings(db, catalog, promotions, projection.freshness)
        self._absent = Absent(projection.freshness)
        self.shelves = Shelves(db, catalog, self.surroundings)
        self.feeds = Feeds(db, catalog, per_sitemap=URLS_PER_SITEMAP)

    async def market(self, code: str | None) -> Market:
        """The market a request names, the default one if it names none; closed ones are refused."""
        return await self._markets.for_shopper(code)

    async def products(
        self,
        market: Market,
        language: str,
        query: ListQuery,
        *,
        after: Sequence[str] | None = None,
        limit: int = 20,
    ) -> Listed:
        """One page of what ``query`` asks for, in a language of the market.

        Raises ``CategoryNotFound`` or ``BrandNotFound`` for filters that name none. Counts and facets
        are those of the whole list, not of the page. Of more than :data:`~.repository.COUNTED` products
        that a search finds, the newest so many are ranked and shown.
        """
        below = None
        if query.category:
            below = (await self.surroundings.tree()).at(query.category).id
        for brand in query.brands:
            if await self._catalog.brand_by_slug(brand) is None:
                message = f"There is no brand {brand!r}."
                raise BrandNotFound(message, brand=brand)
        search = await search_for(self.vocabulary, market, query.q)
        search = await search.by_the_shorter_way(self._db, market.id, query, below)
        sort = sort_of(query, search.ranked)

        def place(search: Search) -> repository.Selection:
            return search.where(market.id, query, below)

        async def read(search: Search) -> list[Any]:
            return await repository.page(
                self._db,
                place(search),
                sort=sort,
                language=language,
                after=after,
                limit=limit + 1,
                ranked=search.ranked,
            )

        rows, search = await found_by(self._db, search, sort, place, read)
        if not rows and search.wider is not None:
            alone = after is None and place(search) == search.where(market.id, ListQuery(), None)
            wider = await widened(self._db, market, search, found_none=alone)
            if wider is not search:
                rows, search = await found_by(self._db, wider, sort, place, read)
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            last = shown[-1]
            identifier = str(last["product_id"])
            key = last["sort_key"]
            following = (identifier,) if sort is Sort.NEWEST else (str(key), identifier)
        if rows:
            total = rows[0]["total"]
        else:
            total = 0 if after is None else await repository.count_up_to(self._db, place(search))
        return Listed(
            items=items_from(shown, market.currency, language, self._db.clock.now()),
            after=following,
            total=total if total <= repository.COUNTED else None,
            facets=await self._facets(market, language, place(search)) if query.facets else None,
        )

    async def suggestions(
        self, market: Market, language: str, text: str, *, limit: int = 8
    ) -> list[Suggestion]:
        """What a shopper who typed this much may mean: categories, brands and products, in this order."""
        begun = [unit.text for unit in units(text)]
        if not begun:
            return []
        whole = "".join(begun)

        def fits(name: str) -> bool:
            words = [unit.text for unit in units(name)]
            return any("".join(words[n:]).startswith(whole) for n in range(len(words)))

        shelves = [
            Suggestion(kind="category", text=pick(shelf.name, (language,)), slug=shelf.slug)
            for shelf in (await self.surroundings.tree()).categories
            if any(fits(name) for name in shelf.name.values())
        ]
        brands = await self._brands_that(fits, market, language)
        listed = await self.products(market, language, ListQuery(q=text), limit=limit)
        found = [*shelves[:2], *brands[:2]]
        found += [
            Suggestion(kind="product", text=item.name, slug=item.slug, image_url=item.image_url)
            for item in listed.items
        ]
        return found[:limit]

    async def _brands_that(
        self, fits: Callable[[str], bool], market: Market, language: str
    ) -> list[Suggestion]:
        """Brands with names that fit, those with most products first."""
        slugs = [
            row["brand_slug"]
            for row in await repository.brands_on_sale(self._db, market.id)
            if any(fits(name) for name in TEXTS.decode(row["brand_name"]).values())
        ]
        if not slugs:
            return []
        where = repository.Selection.of(market.id, ListQuery(brands=tuple(slugs)), None)
        return [
            Suggestion(
                kind="brand",
                text=pick(TEXTS.decode(row["brand_name"]), (language,)),
                slug=row["brand_slug"],
            )
            for row in await repository.brand_counts(self._db, where)
        ]

    async def tend(self) -> None:
        """Count the words of each market, and write rows whose terms were made in an older way anew."""
        old = await self._db.fetch(
            "SELECT DISTINCT product_id FROM storefront_product WHERE search_version < $1",
            SEARCH_VERSION,
        )
        await self.rebuild.some([row["product_id"] for row in old])
        for market in await self._markets.every():
            await self.vocabulary.recount(market.id)

    def job_kinds(self) -> list[JobKind]:
        """What is done for search from time to time."""

        async def tend(_context: JobContext) -> None:
            await self.tend()

        return [JobKind(_TEND, tend)]

    @staticmethod
    def schedules() -> list[Schedule]:
        """How often."""
        return [Schedule(_TEND, every=timedelta(hours=1), job=_TEND)]

    async def product(self, market: Market, language: str, slug: str) -> ProductDetail:
        """The product at an address; ``ProductNotFound`` unless it is published and has a price."""
        row = None
        if not self._absent.has(market.id, slug):
            begun = self._absent.round
            row = await repository.product(self._db, market.id, slug)
            if row is None:
                self._absent.note(market.id, slug, begun)
        if row is None:
            message = f"There is no product {slug!r}."
            raise ProductNotFound(message, product=slug)
        currency = market.currency
        (item,) = items_from([row], currency, language, self._db.clock.now())
        page = PAGE.decode(row["page"])
        variants = VARIANTS.decode(row["variants"])
        cheapest = min(variants, key=lambda each: each.price)
        return ProductDetail(
            id=item.id,
            slug=item.slug,
            name=item.name,
            description=text_in(page.description, language),
            brand=item.brand,
            type=page.type,
            tags=page.tags,
            categories=await self._shelves_of(page, language),
            price=item.price,
            price_max=item.price_max,
            compare_at=item.compare_at,
            lowest_30d=None
            if cheapest.lowest_30d is None
            else Money(cheapest.lowest_30d, currency),
            in_stock=item.in_stock,
            badges=item.badges,
            image_url=item.image_url,
            images=[image_from(each, language, item.name) for each in page.images],
            attributes=await self._attributes_of(page, language),
            options=[option_from(each, language) for each in page.options],
            variants=[
                variant_from(
                    each,
                    currency,
                    language,
                    item.image_url,
                    shown_in(self._of_variants, page.of_variants.get(each.sku)),
                )
                for each in variants
            ],
            promotions=await self._touching(row, page, variants, market, language),
            seo=Seo(
                title=text_in(page.seo_title, language) or item.name,
                description=text_in(page.seo_description, language),
            ),
            extensions=shown_in(self._of_products, page.extensions),
        )

    async def _shelves_of(self, page: PageText, language: str) -> list[CategoryRef]:
        if not page.category_ids:
            return []
        tree = await self.surroundings.tree()
        shelves = [tree.by_id[each] for each in page.category_ids if each in tree.by_id]
        shelves.sort(key=lambda shelf: tree.place[shelf.id])
        return [
            CategoryRef(shelf.id, shelf.slug, text_in(shelf.name, language)) for shelf in shelves
        ]

    async def _attributes_of(self, page: PageText, language: str) -> list[AttributeView]:
        if not page.attributes:
            return []
        return [
            attribute_from(attribute, page.attributes[code], language)
            for code, attribute in (await self.surroundings.attributes(page.type)).items()
            if code in page.attributes
        ]

    async def related(
        self, market: Market, language: str, slug: str, *, limit: int = 8
    ) -> list[ProductItem]:
        """What goes with a product; ``ProductNotFound`` unless it is on sale."""
        rows = await self.shelves.related(market, slug, limit=limit)
        return items_from(rows, market.currency, language, self._db.clock.now())

    async def categories(self, market: Market, language: str) -> list[CategoryEntry]:
        """The whole tree, with how many products each category and those below it have."""
        tree = await self.surroundings.tree()
        where = repository.Selection.of(market.id, ListQuery(), None)
        counts = await repository.category_counts(self._db, where)
        children: dict[UUID | None, list[Category]] = {}
        for category in tree.categories:
            children.setdefault(category.parent_id, []).append(category)

        def below(parent_id: UUID | None) -> list[CategoryEntry]:
            return [
                CategoryEntry(
                    id=category.id,
                    slug=category.slug,
                    name=pick(category.name, (language,)),
                    product_count=counts.get(category.id, 0),
                    children=below(category.id),
                )
                for category in children.get(parent_id, [])
            ]

        return below(None)

    async def brands(self, market: Market, language: str) -> list[BrandEntry]:
        """Brands that have products on sale, by name."""
        where = repository.Selection.of(market.id, ListQuery(), None)
        entries = [
            BrandEntry(
                id=row["brand_id"],
                slug=row["brand_slug"],
                name=pick(TEXTS.decode(row["brand_name"]), (language,)),
                product_count=row["count"],
            )
            for row in await repository.brand_counts(self._db, where)
        ]
        return sorted(entries, key=lambda entry: (entry.name.casefold(), entry.slug))

    async def promotions(self, market: Market, language: str) -> list[PromotionNote]:
        """What is on now in a market, for everybody, in the order in which it applies."""
        return [
            note_of(each, language)
            for each in await self.surroundings.running()
            if each.scope.is_in(market.code)
        ]

    async def _facets(self, market: Market, language: str, where: repository.Selection) -> Facets:
        tree = await self.surroundings.tree()
        found = await repository.facets(self._db, where)
        price = None
        if found.lowest is not None and found.highest is not None:
            price = PriceRange(
                Money(found.lowest, market.currency), Money(found.highest, market.currency)
            )
        return Facets(
            categories=[
                Facet(
                    category.slug, pick(category.name, (language,)), found.categories[category.id]
                )
                for category in tree.categories
                if category.id in found.categories
            ],
            brands=[
                Facet(slug, pick(TEXTS.decode(names), (language,)), count)
                for slug, names, count in found.brands
            ],
            in_stock=found.in_stock,
            price=price,
        )

    async def _touching(
        self,
        row: Any,
        page: PageText,
        variants: Sequence[VariantRow],
        market: Market,
        language: str,
    ) -> list[PromotionNote]:
        """Running promotions that have one of the product's variants in scope."""
        on = await self.surroundings.running()
        if not on:
            return []
        lines = [
            BasketLine(
                id=variant.sku,
                sku=variant.sku,
                product_id=row["product_id"],
                quantity=1,
                unit_price=Money(variant.price, market.currency),
                categories=frozenset(str(category) for category in row["category_ids"]),
                brand=str(row["brand_id"]) if row["brand_id"] else None,
                tags=frozenset(page.tags),
            )
            for variant in variants
        ]
        return [
            note_of(running, language)
            for running in on
            if running.scope.is_in(market.code) and any(running.scope.has(line) for line in lines)
        ]
