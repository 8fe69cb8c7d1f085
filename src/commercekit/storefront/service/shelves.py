"""What stands around products: the page of a category or brand, and what goes with a product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.catalog import BrandNotFound, CatalogService, ProductNotFound
from commercekit.kernel import pick
from commercekit.storefront import repository
from commercekit.storefront.models import BrandPage, CategoryPage, Crumb, ListQuery
from commercekit.storefront.service.views import PAGE

if TYPE_CHECKING:
    from commercekit.catalog import Category
    from commercekit.markets import Market
    from commercekit.platform.db import Database
    from commercekit.storefront.service.surroundings import Surroundings

__all__ = ["Shelves"]


class Shelves:
    """Reads what is around products."""

    def __init__(self, db: Database, catalog: CatalogService, surroundings: Surroundings) -> None:
        self._db = db
        self._catalog = catalog
        self._surroundings = surroundings

    async def category(self, market: Market, language: str, slug: str) -> CategoryPage:
        """A category with the way to it and what is right below; ``CategoryNotFound`` otherwise."""
        known = await self._surroundings.tree()
        shelf, tree = known.at(slug), known.by_id
        below = [each for each in tree.values() if each.parent_id == shelf.id]
        counts = await repository.shelf_counts(
            self._db, market.id, [shelf.id, *(each.id for each in below)]
        )
        way: list[Category] = []
        above = shelf.parent_id
        while above is not None and above in tree:
            way.append(tree[above])
            above = tree[above].parent_id
        return CategoryPage(
            id=shelf.id,
            slug=shelf.slug,
            name=pick(shelf.name, (language,)),
            product_count=counts.get(shelf.id, 0),
            above=[_crumb(each, language, None) for each in reversed(way)],
            children=[_crumb(each, language, counts.get(each.id, 0)) for each in below],
        )

    async def brand(self, market: Market, language: str, slug: str) -> BrandPage:
        """A brand with the categories it has products in; ``BrandNotFound`` otherwise."""
        brand = await self._catalog.brand_by_slug(slug)
        if brand is None:
            message = f"There is no brand {slug!r}."
            raise BrandNotFound(message, brand=slug)
        where = repository.Selection.of(market.id, ListQuery(brands=(slug,)), None)
        counts = await repository.category_counts(self._db, where)
        return BrandPage(
            id=brand.id,
            slug=brand.slug,
            name=pick(brand.name, (language,)),
            product_count=await repository.count(self._db, where),
            categories=[
                _crumb(each, language, counts[each.id])
                for each in (await self._surroundings.tree()).categories
                if each.id in counts
            ],
        )

    async def related(self, market: Market, slug: str, *, limit: int) -> list[Any]:
        """Rows of what goes with a product on sale.

        First what the merchant chose, in that order, then what shares most categories, tags and the
        brand with it.
        """
        row = await repository.product(self._db, market.id, slug)
        if row is None:
            message = f"There is no product {slug!r}."
            raise ProductNotFound(message, product=slug)
        page = PAGE.decode(row["page"])
        chosen: list[Any] = []
        if page.related_ids:
            chosen = await repository.chosen_related(self._db, market.id, page.related_ids, limit)
        if len(chosen) == limit:
            return chosen
        known = {each["product_id"] for each in chosen}
        alike = await repository.related(
            self._db,
            market.id,
            product_id=row["product_id"],
            category_ids=row["category_ids"],
            brand=row["brand_slug"],
            tags=page.tags,
            limit=limit + len(chosen),
        )
        return [*chosen, *(each for each in alike if each["product_id"] not in known)][:limit]


def _crumb(shelf: Category, language: str, count: int | None) -> Crumb:
    return Crumb(slug=shelf.slug, name=pick(shelf.name, (language,)), product_count=count)
