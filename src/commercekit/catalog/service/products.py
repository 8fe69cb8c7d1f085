"""Use cases of products and their variants: one transaction each, with its facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET

from commercekit.catalog import repository
from commercekit.catalog.errors import ProductNotFound, StaleVersion, VariantNotFound
from commercekit.catalog.events import ProductDeleted
from commercekit.catalog.models import (
    NewProduct,
    NewVariant,
    Product,
    ProductChange,
    ProductStatus,
    Variant,
    VariantChange,
)
from commercekit.catalog.service.costs import Costs, wanted_costs
from commercekit.catalog.service.extending import CatalogFields
from commercekit.catalog.service.saving import Saved, as_wanted, save
from commercekit.kernel import Clock, new_id
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.extensions import FieldBook, Writer

__all__ = ["ProductUseCases"]


class ProductUseCases:
    """Create, change, archive and delete products and variants."""

    def __init__(self, db: Database, clock: Clock, book: FieldBook | None = None) -> None:
        self._db = db
        self._clock = clock
        self.fields = CatalogFields(book)
        self.costs = Costs(db)

    async def create_product(
        self, new: NewProduct, *, product_id: UUID | None = None, actor: str = "system"
    ) -> Product:
        """Create a product with its variants; the same ``product_id`` twice creates one.

        Raises ``ProductRefused`` with every fault, ``SlugTaken`` or ``SkuTaken``, and what the fields of
        plugins refuse.
        """
        identifier = product_id or new_id()
        new = self.fields.filled(new)

        async def work(uow: UnitOfWork) -> Product:
            present = await repository.products.by_ids(self._db, [identifier])
            if identifier in present:
                return present[identifier]
            await save(self._db, uow, None, new, product_id=identifier, actor=actor)
            product = await self._read(identifier)
            costs = wanted_costs(new.variants, product.variants)
            await self.costs.put(uow, costs, actor=actor, new=costs)
            return product

        return await self._db.run(work)

    async def change_product(
        self,
        product_id: UUID,
        change: ProductChange,
        *,
        expected_version: int | None = None,
        actor: str = "system",
    ) -> Product:
        """Change what ``change`` names; nothing is written or told when it is like that already.

        New options must still fit every variant. Raises ``StaleVersion`` when somebody was faster.
        """

        async def work(uow: UnitOfWork) -> Product:
            await self.change_product_in(
                uow, product_id, change, expected_version=expected_version, actor=actor
            )
            return await self._read(product_id)

        return await self._db.run(work)

    async def change_product_in(
        self,
        uow: UnitOfWork,
        product_id: UUID,
        change: ProductChange,
        *,
        expected_version: int | None = None,
        actor: str = "system",
        writer: Writer = Writer.ADMIN,
    ) -> None:
        """The same as a part of ``uow``; ``writer`` says whose fields of plugins it may write."""
        current = await self._locked(uow, product_id)
        if expected_version is not None and current.version != expected_version:
            message = f"Product {current.slug!r} is at version {current.version} by now."
            raise StaleVersion(message, version=current.version)
        given = _given(change)
        if change.extensions is not UNSET:
            given["extensions"] = self.fields.merged(current, change.extensions, writer)
        wanted = msgspec.structs.replace(as_wanted(current), **given)
        if change.images is not UNSET:
            wanted = _without_lost_images(current, wanted)
        await save(self._db, uow, current, wanted, product_id=product_id, actor=actor)

    async def archive_product(self, product_id: UUID, *, actor: str = "system") -> Product:
        """Take it off sale and keep it; archiving twice changes nothing."""
        return await self.change_product(
            product_id, ProductChange(status=ProductStatus.ARCHIVED), actor=actor
        )

    async def delete_product(
        self,
        product_id: UUID,
        *,
        expected_version: int | None = None,
        actor: str = "system",
    ) -> None:
        """Remove it with its variants. Orders keep their own copy of what was bought."""

        async def work(uow: UnitOfWork) -> None:
            current = await self._locked(uow, product_id)
            if expected_version is not None and current.version != expected_version:
                message = f"Product {current.slug!r} is at version {current.version} by now."
                raise StaleVersion(message, version=current.version)
            await repository.products.delete_product(uow, product_id)
            await repository.history.add(uow, product_id, actor, current, None)
            skus = tuple(variant.sku for variant in current.variants)
            uow.publish(ProductDeleted(product_id=product_id, slug=current.slug, skus=skus))

        await self._db.run(work)

    async def add_variant(
        self, product_id: UUID, new: NewVariant, *, actor: str = "system"
    ) -> Variant:
        """Add one more combination, last in order."""
        new = self.fields.filled_variant(new)

        async def work(uow: UnitOfWork) -> Variant:
            current = await self._locked(uow, product_id)
            wanted = as_wanted(current)
            wanted = msgspec.structs.replace(wanted, variants=(*wanted.variants, new))
            await save(self._db, uow, current, wanted, product_id=product_id, actor=actor)
            added = (await self._read(product_id)).variants[-1]
            costs = wanted_costs([new], [added])
            await self.costs.put(uow, costs, actor=actor, new=costs)
            return added

        return await self._db.run(work)

    async def change_variant(
        self,
        variant_id: UUID,
        change: VariantChange,
        *,
        expected_version: int | None = None,
        actor: str = "system",
    ) -> Variant:
        """Change what ``change`` names; a new position moves it among its siblings."""

        async def work(uow: UnitOfWork) -> Variant:
            product_id = await self.change_variant_in(
                uow, variant_id, change, expected_version=expected_version, actor=actor
            )
            return await self._read_variant(product_id, variant_id)

        return await self._db.run(work)

    async def change_variant_in(
        self,
        uow: UnitOfWork,
        variant_id: UUID,
        change: VariantChange,
        *,
        expected_version: int | None = None,
        actor: str = "system",
        writer: Writer = Writer.ADMIN,
    ) -> UUID:
        """The same as a part of ``uow``; gives the id of the product."""
        current, variant = await self._locked_variant(uow, variant_id, expected_version)
        given = _given(change)
        given.pop("position", None)
        cost = given.pop("cost", UNSET)
        if given.get("image_media_id", UNSET) is None and "image_url" not in given:
            given["image_url"] = ""
        if change.extensions is not UNSET:
            given["extensions"] = self.fields.merged(variant, change.extensions, writer)
        wanted = as_wanted(current)
        index = current.variants.index(variant)
        variants = list(wanted.variants)
        changed = msgspec.structs.replace(variants.pop(index), **given)
        place = index if change.position is UNSET else change.position - 1
        variants.insert(place, changed)
        wanted = msgspec.structs.replace(wanted, variants=tuple(variants))
        await save(self._db, uow, current, wanted, product_id=current.id, actor=actor)
        if cost is not UNSET:
            await self.costs.put(uow, {variant.sku: cost}, actor=actor)
        return current.id

    async def remove_variant(
        self,
        variant_id: UUID,
        *,
        expected_version: int | None = None,
        actor: str = "system",
    ) -> None:
        """Take one combination off. The last one of an active product is refused: archive that."""

        async def work(uow: UnitOfWork) -> None:
            current, variant = await self._locked_variant(uow, variant_id, expected_version)
            wanted = as_wanted(current)
            kept = tuple(each for each in wanted.variants if each.sku != variant.sku)
            wanted = msgspec.structs.replace(wanted, variants=kept)
            await save(self._db, uow, current, wanted, product_id=current.id, actor=actor)

        await self._db.run(work)

    async def put_product(
        self,
        uow: UnitOfWork,
        current: Product | None,
        wanted: NewProduct,
        *,
        product_id: UUID | None = None,
        actor: str = "import",
    ) -> tuple[Saved, Literal["created", "changed", "unchanged"]]:
        """Make a product what an import wants it to be, inside the caller's unit of work."""
        identifier = current.id if current else product_id or new_id()
        saved = await save(self._db, uow, current, wanted, product_id=identifier, actor=actor)
        if current is None:
            return saved, "created"
        return saved, "changed" if saved.changed else "unchanged"

    async def put_extensions(
        self, slug: str, sku: str, plugin: str, values: dict[str, Any], *, actor: str = "import"
    ) -> bool:
        """Make ``values`` what ``plugin`` keeps beside a product, or beside its variant ``sku``.

        Of an enabled plugin they are checked; those of another are taken as they are. Tells whether
        anything is different now. Raises ``ProductNotFound`` and ``VariantNotFound``.
        """

        async def work(uow: UnitOfWork) -> bool:
            current = await self.lock_by_slug(uow, slug)
            if current is None:
                message = f"There is no product {slug[:99]!r}."
                raise ProductNotFound(message, product=slug)
            wanted = as_wanted(current)
            if not sku:
                kept = self.fields.imported(current, plugin, values)
                wanted = msgspec.structs.replace(wanted, extensions=dict(kept))
            else:
                own = next((each for each in current.variants if each.sku == sku), None)
                if own is None:
                    message = f"{slug[:99]!r} has no variant {sku[:99]!r}."
                    raise VariantNotFound(message, sku=sku)
                kept = self.fields.imported(own, plugin, values)
                variants = list(wanted.variants)
                index = current.variants.index(own)
                variants[index] = msgspec.structs.replace(variants[index], extensions=dict(kept))
                wanted = msgspec.structs.replace(wanted, variants=tuple(variants))
            saved = await save(self._db, uow, current, wanted, product_id=current.id, actor=actor)
            return saved.changed

        return await self._db.run(work)

    async def extended(self, *, at_once: int) -> AsyncIterator[Product]:
        """Products of which, or of whose variants, a plugin keeps something; by slug."""
        after = ""
        while ids := await repository.lookups.extended_by_slug(self._db, after, at_once):
            found = await repository.products.by_ids(self._db, list(ids.values()))
            for slug, product_id in ids.items():
                after = slug
                if product_id in found:
                    yield found[product_id]

    async def lock_by_slug(self, uow: UnitOfWork, slug: str) -> Product | None:
        """The product at ``slug``, held until the unit of work ends."""
        found = await repository.products.by_slug(self._db, slug)
        if found is None or not await repository.products.lock_product(uow, found.id):
            return None
        return await repository.products.by_slug(self._db, slug)

    async def lock_by_slugs(self, uow: UnitOfWork, slugs: Sequence[str]) -> dict[str, Product]:
        """The same for many; addresses without a product are absent."""
        ids = await repository.adding.lock_by_slugs(uow, slugs)
        found = await repository.products.by_ids(self._db, ids) if ids else {}
        return {product.slug: product for product in found.values()}

    async def _locked(self, uow: UnitOfWork, product_id: UUID) -> Product:
        await repository.products.lock_product(uow, product_id)
        return await self._read(product_id)

    async def _locked_variant(
        self, uow: UnitOfWork, variant_id: UUID, expected_version: int | None
    ) -> tuple[Product, Variant]:
        product_id = await repository.lookups.variant_product(self._db, variant_id)
        if product_id is None:
            raise VariantNotFound(variant_id=str(variant_id))
        product = await self._locked(uow, product_id)
        variant = next((each for each in product.variants if each.id == variant_id), None)
        if variant is None:
            raise VariantNotFound(variant_id=str(variant_id))
        if expected_version is not None and variant.version != expected_version:
            message = f"Variant {variant.sku!r} is at version {variant.version} by now."
            raise StaleVersion(message, version=variant.version)
        return product, variant

    async def _read(self, product_id: UUID) -> Product:
        found = await repository.products.by_ids(self._db, [product_id])
        if product_id not in found:
            raise ProductNotFound(product_id=str(product_id))
        return found[product_id]

    async def _read_variant(self, product_id: UUID, variant_id: UUID) -> Variant:
        product = await self._read(product_id)
        return next(each for each in product.variants if each.id == variant_id)


def _given(change: ProductChange | VariantChange) -> dict[str, Any]:
    """What the change names."""
    return {
        field: value
        for field in change.__struct_fields__
        if (value := getattr(change, field)) is not UNSET
    }


def _without_lost_images(current: Product, wanted: NewProduct) -> NewProduct:
    """Variants whose picture was taken away show the product's."""
    uploads = {image.media_id for image in wanted.images if image.media_id}
    urls = {image.url for image in wanted.images}
    urls |= {image.url for image in current.images if image.media_id in uploads}
    return msgspec.structs.replace(
        wanted,
        variants=tuple(
            variant if variant.image_url in urls else msgspec.structs.replace(variant, image_url="")
            for variant in wanted.variants
        ),
    )
