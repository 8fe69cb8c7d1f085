"""The catalogue's use cases, and what other domains ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from commercekit.catalog import repository
from commercekit.catalog.errors import ProductNotFound, VariantNotFound
from commercekit.catalog.models import (
    Product,
    ProductDocument,
    ProductFilter,
    SellableVariant,
    Variant,
)
from commercekit.catalog.service.attributes import AttributeUseCases
from commercekit.catalog.service.groups import GroupUseCases
from commercekit.catalog.service.media import MediaLibrary
from commercekit.kernel import Clock
from commercekit.platform.db import Database
from commercekit.platform.extensions import FieldBook, FieldCondition
from commercekit.platform.storage import PictureReader, Storage

__all__ = ["CatalogService"]


class CatalogService(AttributeUseCases, GroupUseCases):
    """Products, variants, brands and categories; uploaded pictures are in ``media``."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        storage: Storage | None = None,
        *,
        reader: PictureReader | None = None,
        book: FieldBook | None = None,
    ) -> None:
        """Without ``storage`` there is no place for uploads, and everything else works.

        ``book`` has the fields that plugins add.
        """
        super().__init__(db, clock, book)
        self.media = MediaLibrary(db, clock, storage, reader)

    async def product(self, product_id: UUID) -> Product:
        """The product of that id; ``ProductNotFound`` otherwise."""
        return await self._read(product_id)

    async def product_by_slug(self, slug: str) -> Product:
        """The product at that address, whatever its status; ``ProductNotFound`` otherwise."""
        found = await repository.products.by_slug(self._db, slug)
        if found is None:
            message = f"There is no product {slug!r}."
            raise ProductNotFound(message, product=slug)
        return found

    async def products(
        self, where: ProductFilter | None = None, *, after: UUID | None = None, limit: int = 20
    ) -> list[Product]:
        """Products for staff, newest first, after the one named."""
        ids = await repository.products.list_ids(
            self._db, where or ProductFilter(), after=after, limit=limit
        )
        found = await repository.products.by_ids(self._db, ids)
        return [found[product_id] for product_id in ids if product_id in found]

    async def variant(self, variant_id: UUID) -> Variant:
        """The variant of that id; ``VariantNotFound`` otherwise."""
        product_id = await repository.lookups.variant_product(self._db, variant_id)
        if product_id is None:
            raise VariantNotFound(variant_id=str(variant_id))
        return await self._read_variant(product_id, variant_id)

    async def variants(
        self,
        *,
        sku: str | None = None,
        product_id: UUID | None = None,
        after: str | None = None,
        limit: int = 20,
        extensions: Sequence[FieldCondition] = (),
    ) -> list[Variant]:
        """Variants by SKU, after the one named; ``extensions`` are values that they must have."""
        keys = await repository.lookups.variants_page(
            self._db,
            sku=sku,
            product_id=product_id,
            after=after,
            limit=limit,
            extensions=extensions,
        )
        products = await repository.products.by_ids(self._db, list({key[1] for key in keys}))
        by_id = {v.id: v for product in products.values() for v in product.variants}
        return [by_id[variant_id] for variant_id, _, _ in keys if variant_id in by_id]

    async def variants_by_sku(self, skus: Sequence[str]) -> dict[str, SellableVariant]:
        """What carts, prices and parcels need of these SKUs; unknown ones are absent.

        Joins the unit of work of the calling task. Variants of products that are not active are given
        too: look at ``for_sale``.
        """
        return await repository.lookups.sellable_by_sku(self._db, skus)

    async def skus_for_sale(self, *, after: str, limit: int) -> list[str]:
        """SKUs of products that are for sale, in the order of the SKUs, after the one named."""
        return await repository.lookups.skus_for_sale(self._db, after=after, limit=limit)

    async def documents(self, product_ids: Sequence[UUID]) -> list[ProductDocument]:
        """These products with the names around them, for read models; missing ones are absent."""
        products = await repository.products.by_ids(self._db, product_ids)
        brand_ids = {p.brand_id for p in products.values() if p.brand_id}
        brands = await repository.groups.brands_by_ids(self._db, list(brand_ids))
        shelves = {c for p in products.values() for c in p.category_ids}
        above = await repository.lookups.ancestry(self._db, list(shelves)) if shelves else {}
        documents = []
        for product_id in dict.fromkeys(product_ids):
            product = products.get(product_id)
            if product is None:
                continue
            shelved = (a for c in product.category_ids for a in above.get(c, [c]))
            documents.append(
                ProductDocument(
                    product=product,
                    brand=brands.get(product.brand_id) if product.brand_id else None,
                    category_ids=tuple(dict.fromkeys(shelved)),
                )
            )
        return documents

    async def product_ids(self, *, after: UUID | None = None, limit: int = 500) -> list[UUID]:
        """Ids of all products, oldest first, after the one named: to walk through all of them."""
        return await repository.lookups.product_ids(self._db, after=after, limit=limit)

    async def variant_ids(self, product_ids: Sequence[UUID]) -> set[UUID]:
        """All variants of these products."""
        return await repository.lookups.variant_ids(self._db, product_ids)

    async def prune_imports(self, *, keep: timedelta = timedelta(days=30)) -> int:
        """Forget where imports were cut off that nobody went on with for so long; gives how many."""
        return await repository.lookups.prune_imports(self._db, self._clock.now() - keep)

    async def product_ids_of_brand(self, brand_id: UUID) -> list[UUID]:
        """Products of one brand."""
        return await repository.lookups.product_ids_of_brand(self._db, brand_id)

    async def product_ids_of_category(self, category_id: UUID) -> list[UUID]:
        """Products on a category or below it."""
        return await repository.lookups.product_ids_of_categories(self._db, category_id)

    async def product_ids_of_skus(self, skus: Sequence[str]) -> dict[str, UUID]:
        """Which product each SKU belongs to; unknown ones are absent."""
        return await repository.lookups.product_ids_of_skus(self._db, skus)
