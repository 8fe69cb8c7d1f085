"""The one way a product is written: what it is now, what it shall be, and the difference as facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from commercekit.catalog import repository, rules
from commercekit.catalog.errors import SkuTaken, SlugTaken
from commercekit.catalog.events import (
    ProductArchived,
    ProductChanged,
    ProductCreated,
    VariantAdded,
    VariantChanged,
    VariantRemoved,
)
from commercekit.catalog.models import (
    Image,
    ImageStatus,
    NewImage,
    NewProduct,
    NewVariant,
    Option,
    Product,
    ProductStatus,
    Variant,
)
from commercekit.catalog.service.checks import (
    check_attributes,
    check_groups,
    complete,
    with_media,
)
from commercekit.kernel import DomainEvent, new_id
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.extensions import Values

__all__ = ["Saved", "as_product", "as_wanted", "cleaned", "save"]


class Saved(NamedTuple):
    """What came of it: ``changed`` is false when the product was like that already."""

    product_id: UUID
    changed: bool


def as_wanted(product: Product) -> NewProduct:
    """The product as the wish to keep it as it is, to be changed field by field."""
    urls = {image.id: image.url for image in product.images}
    return NewProduct(
        slug=product.slug,
        name=product.name,
        description=product.description,
        status=product.status,
        brand_id=product.brand_id,
        type=product.type,
        tags=product.tags,
        category_ids=product.category_ids,
        seo_title=product.seo_title,
        seo_description=product.seo_description,
        options=product.options,
        attributes=product.attributes,
        related_ids=product.related_ids,
        publish_at=product.publish_at,
        unpublish_at=product.unpublish_at,
        images=tuple(
            NewImage(url=image.url, alt=image.alt, media_id=image.media_id)
            for image in product.images
        ),
        variants=tuple(
            NewVariant(
                sku=variant.sku,
                options=variant.options,
                barcode=variant.barcode,
                weight_grams=variant.weight_grams,
                tax_class=variant.tax_class,
                requires_shipping=variant.requires_shipping,
                image_url=urls.get(variant.image_id, "") if variant.image_id else "",
            )
            for variant in product.variants
        ),
    )


async def save(
    db: Database,
    uow: UnitOfWork,
    current: Product | None,
    wanted: NewProduct,
    *,
    product_id: UUID,
    actor: str = "system",
) -> Saved:
    """Make the product what is ``wanted``; variants are matched by SKU, pictures by address.

    ``current`` is the product locked in this unit of work, or ``None`` to create it. Raises
    :class:`ProductRefused` with every fault, :class:`SlugTaken` or :class:`SkuTaken`.
    """
    wanted = await complete(db, await with_media(db, cleaned(wanted)), product_id)
    rules.check_product(
        name=wanted.name,
        status=wanted.status,
        options=wanted.options,
        images=wanted.images,
        variants=wanted.variants,
    )
    await check_groups(uow, current, wanted)
    now = uow.clock.now()
    product = as_product(current, wanted, product_id, now)
    fields = _different(current, product) if current else ()
    if current is None or current.slug != wanted.slug:
        await uow.lock(f"catalog.slug {wanted.slug}")
    if current is None:
        if not await repository.products.add_product(uow, product):
            message = f"Another product has the slug {wanted.slug!r}."
            raise SlugTaken(message, product=wanted.slug)
    elif "slug" in fields and await repository.products.by_slug(db, wanted.slug):
        message = f"Another product has the slug {wanted.slug!r}."
        raise SlugTaken(message, product=wanted.slug)
    await check_attributes(db, current, wanted, fields)
    facts = await _write_variants(uow, current, product, fields, now)
    if current is None:
        skus = tuple(variant.sku for variant in product.variants)
        facts = [ProductCreated(product_id=product_id, slug=product.slug, skus=skus)]
    elif fields:
        await repository.products.write_product(uow, product)
        facts[:0] = _product_facts(current, product, fields)
    if facts:
        await repository.history.add(uow, product_id, actor, current, product)
    uow.publish(*facts)
    return Saved(product_id, bool(facts))


def _product_facts(
    current: Product, product: Product, fields: tuple[str, ...]
) -> list[DomainEvent]:
    if product.status is ProductStatus.ARCHIVED and current.status is not ProductStatus.ARCHIVED:
        archived = ProductArchived(product_id=product.id, slug=product.slug)
        if fields == ("status",):
            return [archived]
        return [
            ProductChanged(product_id=product.id, slug=product.slug, fields=fields),
            archived,
        ]
    return [ProductChanged(product_id=product.id, slug=product.slug, fields=fields)]


def cleaned(wanted: NewProduct) -> NewProduct:
    """The wish as it is kept: no control characters, no markup that is not allowed, nothing twice."""
    return msgspec.structs.replace(
        wanted,
        slug=rules.clean_text(wanted.slug),
        name=rules.clean_texts(wanted.name),
        description={
            language: cleaned
            for language, html in wanted.description.items()
            if (cleaned := rules.clean_html(html))
        },
        type=rules.clean_text(wanted.type),
        tags=tuple(dict.fromkeys(t for tag in wanted.tags if (t := rules.clean_text(tag)))),
        category_ids=tuple(sorted(set(wanted.category_ids))),
        related_ids=tuple(dict.fromkeys(wanted.related_ids)),
        attributes={
            code: rules.clean_texts(value)
            if isinstance(value, dict)
            else rules.clean_text(value)
            if isinstance(value, str)
            else value
            for code, value in wanted.attributes.items()
        },
        seo_title=rules.clean_texts(wanted.seo_title),
        seo_description=rules.clean_texts(wanted.seo_description),
        options=tuple(rules.clean_option(option) for option in wanted.options),
        images=tuple(
            NewImage(
                url=rules.clean_text(image.url),
                alt=rules.clean_texts(image.alt),
                media_id=image.media_id,
            )
            for image in wanted.images
        ),
        variants=tuple(
            msgspec.structs.replace(
                variant,
                sku=rules.clean_text(variant.sku),
                options={
                    rules.clean_text(option): rules.clean_text(value)
                    for option, value in variant.options.items()
                },
                barcode=rules.clean_text(variant.barcode),
                image_url=rules.clean_text(variant.image_url),
            )
            for variant in wanted.variants
        ),
    )


def as_product(
    current: Product | None, wanted: NewProduct, product_id: UUID, now: datetime
) -> Product:
    """The product that the wish makes of ``current``; what was there keeps its ids."""
    images = _images(current, wanted.images)
    by_url = {image.url: image.id for image in images}
    return Product(
        id=product_id,
        slug=wanted.slug,
        status=wanted.status,
        name=wanted.name,
        description=wanted.description,
        brand_id=wanted.brand_id,
        type=wanted.type,
        tags=wanted.tags,
        category_ids=wanted.category_ids,
        seo_title=wanted.seo_title,
        seo_description=wanted.seo_description,
        options=wanted.options,
        images=images,
        variants=_variants(current, wanted, by_url, product_id, now),
        attributes=dict(wanted.attributes),
        related_ids=wanted.related_ids,
        publish_at=wanted.publish_at,
        unpublish_at=wanted.unpublish_at,
        extensions=_kept(current, wanted),
        version=current.version if current else 1,
        created_at=current.created_at if current else now,
        updated_at=now,
    )


def _images(current: Product | None, wanted: Sequence[NewImage]) -> tuple[Image, ...]:
    known = {image.url: image for image in current.images} if current else {}
    result = []
    for position, new in enumerate(wanted, 1):
        before = known.get(new.url)
        status = ImageStatus.UNCHECKED if new.url.startswith("http") else ImageStatus.REACHABLE
        result.append(
            Image(
                id=before.id if before else new_id(),
                url=new.url,
                alt=dict(new.alt),
                position=position,
                status=before.status if before else status,
                media_id=new.media_id or (before.media_id if before else None),
                sizes=before.sizes if before else (),
            )
        )
    return tuple(result)


def _variants(
    current: Product | None,
    wanted: NewProduct,
    image_ids: dict[str, UUID],
    product_id: UUID,
    now: datetime,
) -> tuple[Variant, ...]:
    known = {variant.sku: variant for variant in current.variants} if current else {}
    result = []
    position = 0
    for new in wanted.variants:
        before = known.get(new.sku)
        # Siblings keep their places as long as the order is the same: a gap says nothing.
        position = before.position if before and before.position > position else position + 1
        result.append(
            Variant(
                id=before.id if before else new_id(),
                product_id=product_id,
                sku=new.sku,
                options=_in_order(wanted.options, new),
                barcode=new.barcode,
                weight_grams=new.weight_grams,
                tax_class=new.tax_class,
                requires_shipping=new.requires_shipping,
                position=position,
                image_id=image_ids.get(new.image_url),
                version=before.version if before else 1,
                created_at=before.created_at if before else now,
                updated_at=now,
                extensions=_kept(before, new),
            )
        )
    return tuple(result)


def _kept(before: Product | Variant | None, new: NewProduct | NewVariant) -> Values:
    """What plugins keep; who writes it has put it together with what was there."""
    if new.extensions is UNSET:
        return before.extensions if before else {}
    return {plugin: own for plugin, own in new.extensions.items() if own}


def _in_order(options: Sequence[Option], variant: NewVariant) -> dict[str, str]:
    return {option.code: variant.options[option.code] for option in options}


def _different(before: Product | Variant, after: Product | Variant) -> tuple[str, ...]:
    ignored = {"variants", "version", "created_at", "updated_at"}
    return tuple(
        field
        for field in before.__struct_fields__
        if field not in ignored and getattr(before, field) != getattr(after, field)
    )


async def _write_variants(
    uow: UnitOfWork,
    current: Product | None,
    product: Product,
    fields: tuple[str, ...],
    now: datetime,
) -> list[DomainEvent]:
    """Write pictures, places and variants, and tell what became of variants."""
    facts: list[DomainEvent] = []
    if current is None or "images" in fields:
        known = {image.id for image in current.images} if current else set()
        kept = {image.id for image in product.images}
        await repository.products.remove_images(uow, list(known - kept))
        new = [image for image in product.images if image.id not in known]
        await repository.products.add_images(uow, product.id, new, now)
        for image in product.images:
            if current and image.id in known and image not in current.images:
                await repository.products.move_image(uow, image, now)
    if current is None or "category_ids" in fields:
        await repository.products.put_categories(uow, product.id, product.category_ids)
    before = {variant.sku: variant for variant in current.variants} if current else {}
    wanted = {variant.sku for variant in product.variants}
    for sku, variant in before.items():
        if sku not in wanted:
            await repository.products.delete_variant(uow, variant.id)
            facts.append(VariantRemoved(product_id=product.id, variant_id=variant.id, sku=sku))
    for variant in product.variants:
        old = before.get(variant.sku)
        if old is None:
            if not await repository.products.add_variant(uow, variant):
                message = f"Another variant has the SKU {variant.sku!r}."
                raise SkuTaken(message, sku=variant.sku)
            facts.append(
                VariantAdded(product_id=product.id, variant_id=variant.id, sku=variant.sku)
            )
            continue
        changed = _different(old, variant)
        reordered = tuple(old.options) != tuple(variant.options)
        if changed or reordered:
            await repository.products.write_variant(uow, variant)
            facts.append(
                VariantChanged(
                    product_id=product.id,
                    variant_id=variant.id,
                    sku=variant.sku,
                    fields=changed or ("options",),
                )
            )
    return facts
