"""Many new products at once: judged in one pass, then written set by set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

import msgspec

from commercekit.catalog import repository, rules
from commercekit.catalog.errors import ProductRefused, SkuTaken, SlugTaken
from commercekit.catalog.events import ProductCreated
from commercekit.catalog.models import Attribute, NewProduct, ProductStatus
from commercekit.catalog.service.checks import time_errors
from commercekit.catalog.service.saving import as_product, cleaned
from commercekit.errors import Refused
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Judged", "add_products", "judged"]

Judged: TypeAlias = NewProduct | Refused | None
"""Fit to be added; what keeps it out; or ``None`` for one that has to be looked at by itself."""


async def judged(
    db: Database,
    wishes: Sequence[NewProduct],
    defined: Mapping[str, Sequence[Attribute]],
) -> list[Judged]:
    """What becomes of each wish for a new product, with one question to the database.

    Blank SKUs are made up so that no two of the batch have the same; a made-up one that somebody else
    has makes its product one to be looked at by itself, and so do pictures that name an upload.
    """
    fit = [cleaned(each) for each in wishes]
    used = {variant.sku for each in fit for variant in each.variants if variant.sku}
    given = frozenset(used)
    fit = [_complete(each, used) for each in fit]
    taken = await repository.lookups.skus_taken(db, list(used), beside=None) if used else set()
    return [_verdict(each, defined, taken, given) for each in fit]


def _complete(wanted: NewProduct, used: set[str]) -> NewProduct:
    if all(variant.sku for variant in wanted.variants):
        return wanted
    variants = []
    for variant in wanted.variants:
        sku = variant.sku
        if not sku:
            values = rules.combination(wanted.options, variant.options) or ()
            sku = rules.made_up_sku(wanted.slug, values, used)
            used.add(sku)
        variants.append(msgspec.structs.replace(variant, sku=sku))
    return msgspec.structs.replace(wanted, variants=tuple(variants))


def _verdict(
    wanted: NewProduct,
    defined: Mapping[str, Sequence[Attribute]],
    taken: set[str],
    given: frozenset[str],
) -> Judged:
    if any(image.media_id or not image.url for image in wanted.images):
        return None
    try:
        rules.check_product(
            name=wanted.name,
            status=wanted.status,
            options=wanted.options,
            images=wanted.images,
            variants=wanted.variants,
        )
        errors = time_errors(wanted) + rules.attribute_errors(
            defined.get(wanted.type, ()),
            wanted.attributes,
            active=wanted.status is ProductStatus.ACTIVE,
        )
        if errors:
            raise ProductRefused(errors[0].message, errors=tuple(errors))
        for variant in wanted.variants:
            if variant.sku in taken:
                if variant.sku not in given:
                    return None
                message = f"Another variant has the SKU {variant.sku!r}."
                raise SkuTaken(message, sku=variant.sku)
    except Refused as refused:
        return refused
    return wanted


async def add_products(
    uow: UnitOfWork, wanted: Sequence[tuple[UUID, NewProduct]], *, actor: str
) -> None:
    """Write products that were judged fit, under these ids, with their facts.

    Raises :class:`SlugTaken` or :class:`SkuTaken` when somebody was faster since; the unit of work is to
    be rolled back then.
    """
    if not wanted:
        return
    now = uow.clock.now()
    products = [as_product(None, each, product_id, now) for product_id, each in wanted]
    await uow.lock_all(f"catalog.slug {product.slug}" for product in products)
    slugs, skus = await repository.adding.add_products(uow, products, actor)
    for slug in slugs:
        message = f"Another product has the slug {slug!r}."
        raise SlugTaken(message, product=slug)
    for sku in skus:
        message = f"Another variant has the SKU {sku!r}."
        raise SkuTaken(message, sku=sku)
    uow.publish(
        *(
            ProductCreated(
                product_id=product.id,
                slug=product.slug,
                skus=tuple(variant.sku for variant in product.variants),
            )
            for product in products
        )
    )
