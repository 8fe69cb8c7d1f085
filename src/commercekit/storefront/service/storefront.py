"""What shoppers read: lists, product pages, categories, brands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from commercekit.catalog import (
    BrandNotFound,
    CatalogService,
    Category,
    ProductNotFound,
)
from commercekit.kernel import Money, pick
from commercekit.markets import Market, MarketService
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.promotions import BasketLine, PromotionService
from commercekit.storefront import repository
from commercekit.storefront.models import (
    BrandEntry,
    CategoryEntry,
    CategoryRef,
    Facet,
    Facets,
    ImageView,
    ListQuery,
    OptionView,
    PriceRange,
    ProductDetail,
    ProductItem,
    PromotionNote,
    Seo,
    Sort,
    Suggestion,
)
from commercekit.storefront.rules.searching import TIERS
from commercekit.storefront.rules.words import units
from commercekit.storefront.service.feeds import URLS_PER_SITEMAP, Feeds
from commercekit.storefront.service.projection import SEARCH_VERSION, Projection
from commercekit.storefront.service.shelves import Shelves
from commercekit.storefront.service.views import (
    PAGE,
    TEXTS,
    PageText,
    item_from,
    note_of,
    sort_of,
    variant_from,
    with_all_below,
)
from commercekit.storefront.service.vocabulary import Vocabulary

__all__ = ["Listed", "StorefrontService"]

_REBUILT_AT_ONCE = 500
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
    ) -> None:
        self._db = db
        self._promotions = promotions
        self._markets = markets
        self._catalog = catalog
        self._projection = projection
        self.vocabulary: Vocabulary = projection.vocabulary
        self.shelves = Shelves(db, catalog)
        self.feeds = Feeds(db, catalog, per_sitemap=URLS_PER_SITEMAP)

    async def market(self, code: str | None) -> Market:
        """The market a request names, the default one if it names none."""
        return await self._markets.by_code(code) if code else await self._markets.default()

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
        are those of the whole list, not of the page.
        """
        tree = await self._catalog.categories() if query.category or query.facets else []
        below = with_all_below(tree, query.category) if query.category else None
        for brand in query.brands:
            if await self._catalog.brand_by_slug(brand) is None:
                message = f"There is no brand {brand!r}."
                raise BrandNotFound(message, brand=brand)
        searched, ranked = await self._searched(market, query.q)
        where = repository.Selection.of(market.id, query, below, searched)
        sort = sort_of(query, ranked)
        rows = await repository.page(
            self._db,
            where,
            sort=sort,
            language=language,
            after=after,
            limit=limit + 1,
            ranked=ranked,
        )
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            last = shown[-1]
            identifier = str(last["product_id"])
            key = last["sort_key"]
            following = (identifier,) if sort is Sort.NEWEST else (str(key), identifier)
        return Listed(
            items=[
                item_from(row, market.currency, language, self._db.clock.now()) for row in shown
            ],
            after=following,
            total=await repository.count_up_to(self._db, where),
            facets=await self._facets(market, language, query, below, searched, tree)
            if query.facets
            else None,
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
            for shelf in await self._catalog.categories()
            if any(fits(name) for name in shelf.name.values())
        ]
        where = repository.Selection.of(market.id, ListQuery(), None)
        brands = [
            Suggestion(
                kind="brand",
                text=pick(TEXTS.decode(row["brand_name"]), (language,)),
                slug=row["brand_slug"],
            )
            for row in await repository.brand_counts(self._db, where)
            if any(fits(name) for name in TEXTS.decode(row["brand_name"]).values())
        ]
        listed = await self.products(market, language, ListQuery(q=text), limit=limit)
        found = [*shelves[:2], *brands[:2]]
        found += [
            Suggestion(kind="product", text=item.name, slug=item.slug, image_url=item.image_url)
            for item in listed.items
        ]
        return found[:limit]

    async def _searched(
        self, market: Market, text: str
    ) -> tuple[str | None, repository.Ranking | None]:
        """What to match and how to rank; nothing when nothing was typed, no row for mere signs.

        When no product of the market has all that is asked for, those that have some of it are shown.
        """
        if not text.strip():
            return None, None
        plan = await self.vocabulary.plan(market.id, text)
        if not plan.concepts:
            return "", None
        searched = plan.strict
        if plan.can_widen:
            there = repository.Selection.of(market.id, ListQuery(), None, searched)
            if not await repository.has_any(self._db, there):
                searched = plan.wide
        return searched, repository.Ranking(
            queries=[query for concept in plan.concepts for query in concept.tiers()],
            values=[value for concept in plan.concepts for value in concept.values()],
            per_group=TIERS,
        )

    async def tend(self) -> None:
        """Count the words of each market, and write rows whose terms were made in an older way anew."""
        old = await self._db.fetch(
            "SELECT DISTINCT product_id FROM storefront_product WHERE search_version < $1",
            SEARCH_VERSION,
        )
        await self.rebuild([row["product_id"] for row in old])
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
        row = await repository.product(self._db, market.id, slug)
        if row is None:
            message = f"There is no product {slug!r}."
            raise ProductNotFound(message, product=slug)
        item = item_from(row, market.currency, language, self._db.clock.now())
        page = PAGE.decode(row["page"])
        variants = await repository.variants(self._db, market.id, item.id)
        shelves = await self._catalog.categories() if page.category_ids else []
        wanted = set(page.category_ids)
        return ProductDetail(
            id=item.id,
            slug=item.slug,
            name=item.name,
            description=pick(page.description, (language,)),
            brand=item.brand,
            type=page.type,
            tags=page.tags,
            categories=[
                CategoryRef(shelf.id, shelf.slug, pick(shelf.name, (language,)))
                for shelf in shelves
                if shelf.id in wanted
            ],
            price=item.price,
            price_max=item.price_max,
            compare_at=item.compare_at,
            in_stock=item.in_stock,
            badges=item.badges,
            image_url=item.image_url,
            images=[
                ImageView(image["url"], pick(image["alt"], (language,)) or item.name)
                for image in page.images
            ],
            options=[
                OptionView(
                    pick(option.name, (language,)) or option.code,
                    [pick(value.label, (language,)) or value.code for value in option.values],
                )
                for option in page.options
            ],
            variants=[
                variant_from(each, market.currency, language, item.image_url) for each in variants
            ],
            promotions=await self._touching(row, page, variants, market, language),
            seo=Seo(
                title=pick(page.seo_title, (language,)) or item.name,
                description=pick(page.seo_description, (language,)),
            ),
        )

    async def related(
        self, market: Market, language: str, slug: str, *, limit: int = 8
    ) -> list[ProductItem]:
        """What goes with a product; ``ProductNotFound`` unless it is on sale."""
        now = self._db.clock.now()
        return [
            item_from(row, market.currency, language, now)
            for row in await self.shelves.related(market, slug, limit=limit)
        ]

    async def categories(self, market: Market, language: str) -> list[CategoryEntry]:
        """The whole tree, with how many products each category and those below it have."""
        tree = await self._catalog.categories()
        where = repository.Selection.of(market.id, ListQuery(), None)
        counts = await repository.category_counts(self._db, where)
        children: dict[UUID | None, list[Category]] = {}
        for category in tree:
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

    async def promotions(self, language: str) -> list[PromotionNote]:
        """What is on now, for everybody, in the order in which it applies."""
        if self._promotions is None:
            return []
        running = await self._promotions.running(self._db.clock.now())
        return [note_of(each, language) for each in running]

    async def rebuild(
        self,
        product_ids: Sequence[UUID] | None = None,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write the read models of these products, or of all, anew; tells how many.

        Changes nothing that is right already for shoppers, and may run while the shop sells. Rows of
        products that are gone are removed when all are rebuilt.
        """
        done = 0
        if product_ids is not None:
            for start in range(0, len(product_ids), _REBUILT_AT_ONCE):
                done += await self._rebuild_some(product_ids[start : start + _REBUILT_AT_ONCE])
            return done
        after: UUID | None = None
        while True:
            ids = await self._catalog.product_ids(after=after, limit=_REBUILT_AT_ONCE)
            if not ids:
                break
            after = ids[-1]
            done += await self._rebuild_some(ids)
            if progress is not None:
                progress(done)
        await self._rebuild_orphans()
        return done

    async def _rebuild_some(self, product_ids: Sequence[UUID]) -> int:
        async def work(uow: UnitOfWork) -> None:
            await self._projection.refresh(uow, product_ids)

        await self._db.run(work)
        return len(product_ids)

    async def _rebuild_orphans(self) -> None:
        shown = await self._db.fetch("SELECT DISTINCT product_id FROM storefront_product")
        ids = [row["product_id"] for row in shown]
        for start in range(0, len(ids), _REBUILT_AT_ONCE):
            some = ids[start : start + _REBUILT_AT_ONCE]
            kept = {document.product.id for document in await self._catalog.documents(some)}
            gone = [product_id for product_id in some if product_id not in kept]
            if gone:
                await self._rebuild_some(gone)

    async def _facets(
        self,
        market: Market,
        language: str,
        query: ListQuery,
        below: Sequence[UUID] | None,
        searched: str | None,
        tree: Sequence[Category],
    ) -> Facets:
        """Each under all filters but its own: who filters by a brand still sees the others to choose."""

        def without(category_ids: Sequence[UUID] | None = below, **own: Any) -> Any:
            asked = msgspec.structs.replace(query, **own)
            return repository.Selection.of(market.id, asked, category_ids, searched)

        counts = await repository.category_counts(self._db, without(None))
        prices = await repository.summary(self._db, without(min_price=None, max_price=None))
        stock = await repository.summary(self._db, without(in_stock=None))
        price = None
        if prices["lowest"] is not None:
            price = PriceRange(
                Money(prices["lowest"], market.currency), Money(prices["highest"], market.currency)
            )
        return Facets(
            categories=[
                Facet(category.slug, pick(category.name, (language,)), counts[category.id])
                for category in tree
                if category.id in counts
            ],
            brands=[
                Facet(
                    row["brand_slug"],
                    pick(TEXTS.decode(row["brand_name"]), (language,)),
                    row["count"],
                )
                for row in await repository.brand_counts(self._db, without(brands=()))
            ],
            in_stock=stock["in_stock"],
            price=price,
        )

    async def _touching(
        self, row: Any, page: PageText, variants: Sequence[Any], market: Market, language: str
    ) -> list[PromotionNote]:
        """Running promotions that have one of the product's variants in scope."""
        if self._promotions is None:
            return []
        lines = [
            BasketLine(
                id=variant["sku"],
                sku=variant["sku"],
                product_id=row["product_id"],
                quantity=1,
                unit_price=Money(variant["price"], market.currency),
                categories=frozenset(str(category) for category in row["category_ids"]),
                brand=str(row["brand_id"]) if row["brand_id"] else None,
                tags=frozenset(page.tags),
            )
            for variant in variants
        ]
        return [
            note_of(running, language)
            for running in await self._promotions.running(self._db.clock.now())
            if any(running.scope.has(line) for line in lines)
        ]
