"""What a wish for a product must meet that only the database knows: SKUs, groups, uploads, attributes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from commercekit.catalog import repository, rules
from commercekit.catalog.errors import ProductRefused
from commercekit.catalog.models import NewImage, NewProduct, NewVariant, Product, ProductStatus
from commercekit.errors import FieldError
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["check_attributes", "check_groups", "complete", "time_errors", "with_media"]


async def with_media(db: Database, wanted: NewProduct) -> NewProduct:
    """Give pictures that name an upload its address, and hold the uploads until the end."""
    named = {i.media_id for i in wanted.images if i.media_id}
    named |= {v.image_media_id for v in wanted.variants if v.image_media_id}
    if not named:
        missing = [i for i, image in enumerate(wanted.images) if not image.url]
        _refuse_media(missing, [])
        return wanted
    found = await repository.media.by_ids(db, list(named), hold=True)
    _refuse_media(
        [
            index
            for index, image in enumerate(wanted.images)
            if (image.media_id is not None and image.media_id not in found)
            or (image.media_id is None and not image.url)
        ],
        [
            index
            for index, variant in enumerate(wanted.variants)
            if variant.image_media_id is not None and variant.image_media_id not in found
        ],
    )
    return msgspec.structs.replace(
        wanted,
        images=tuple(
            NewImage(url=found[image.media_id].url, alt=image.alt, media_id=image.media_id)
            if image.media_id
            else image
            for image in wanted.images
        ),
        variants=tuple(
            msgspec.structs.replace(variant, image_url=found[variant.image_media_id].url)
            if variant.image_media_id
            else variant
            for variant in wanted.variants
        ),
    )


def _refuse_media(images: Sequence[int], variants: Sequence[int]) -> None:
    message = "There is no such uploaded picture."
    places = [f"/images/{index}/media_id" for index in images]
    places += [f"/variants/{index}/image_media_id" for index in variants]
    if places:
        errors = tuple(FieldError(place, "unknown-media", message) for place in places)
        raise ProductRefused(message, errors=errors)


async def complete(db: Database, wanted: NewProduct, product_id: UUID) -> NewProduct:
    """Give variants without a SKU the one made of slug and values that nobody else has."""
    if all(variant.sku for variant in wanted.variants):
        return wanted
    elsewhere: set[str] = set()
    while True:
        used = {variant.sku for variant in wanted.variants} | elsewhere
        completed: list[NewVariant] = []
        invented: list[str] = []
        for variant in wanted.variants:
            if variant.sku:
                completed.append(variant)
                continue
            values = rules.combination(wanted.options, variant.options) or ()
            sku = rules.made_up_sku(wanted.slug, values, used)
            used.add(sku)
            invented.append(sku)
            completed.append(msgspec.structs.replace(variant, sku=sku))
        taken = await repository.lookups.skus_taken(db, invented, beside=product_id)
        if not taken:
            return msgspec.structs.replace(wanted, variants=tuple(completed))
        elsewhere |= taken


async def check_groups(uow: UnitOfWork, current: Product | None, wanted: NewProduct) -> None:
    """Brand, categories and related products exist, and the times are in order."""
    errors = []
    if wanted.brand_id and (current is None or current.brand_id != wanted.brand_id):
        known = await uow.fetchval(
            "SELECT true FROM catalog_brand WHERE id = $1 FOR KEY SHARE", wanted.brand_id
        )
        if not known:
            errors.append(FieldError("/brand_id", "unknown-brand", "There is no such brand."))
    if wanted.category_ids and (current is None or current.category_ids != wanted.category_ids):
        rows = await uow.fetch(
            "SELECT id FROM catalog_category WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE",
            list(wanted.category_ids),
        )
        found = {row["id"] for row in rows}
        errors += [
            FieldError(f"/category_ids/{index}", "unknown-category", "There is no such category.")
            for index, category_id in enumerate(wanted.category_ids)
            if category_id not in found
        ]
    if wanted.related_ids and (current is None or current.related_ids != wanted.related_ids):
        found = {
            row["id"]
            for row in await uow.fetch(
                "SELECT id FROM catalog_product WHERE id = ANY ($1)", list(wanted.related_ids)
            )
        }
        errors += [
            FieldError(f"/related_ids/{index}", "unknown-product", "There is no such product.")
            for index, related in enumerate(wanted.related_ids)
            if related not in found or (current is not None and related == current.id)
        ]
    errors += time_errors(wanted)
    if errors:
        raise ProductRefused(errors[0].message, errors=tuple(errors))


def time_errors(wanted: NewProduct) -> list[FieldError]:
    """What is wrong with when it appears and disappears."""
    if wanted.publish_at and wanted.unpublish_at and wanted.unpublish_at <= wanted.publish_at:
        message = "A product disappears after it appears."
        return [FieldError("/unpublish_at", "before-publish", message)]
    return []


async def check_attributes(
    db: Database, current: Product | None, wanted: NewProduct, fields: tuple[str, ...]
) -> None:
    """Values fit the definitions of the type; what is there unchanged is not judged again."""
    if current is not None and not {"attributes", "type", "status"} & set(fields):
        return
    defined = await repository.attributes.of_type(db, wanted.type) if wanted.type else []
    errors = rules.attribute_errors(
        defined, wanted.attributes, active=wanted.status is ProductStatus.ACTIVE
    )
    if errors:
        raise ProductRefused(errors[0].message, errors=tuple(errors))
