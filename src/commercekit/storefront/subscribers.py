"""Projectors: the read models change in the transaction of the fact they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from commercekit.catalog import (
    AttributeChanged,
    BrandChanged,
    BrandCreated,
    BrandDeleted,
    CatalogService,
    CategoryChanged,
    CategoryCreated,
    CategoryDeleted,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    VariantAdded,
    VariantChanged,
    VariantRemoved,
)
from commercekit.inventory import AvailabilityChanged
from commercekit.kernel import DomainEvent
from commercekit.platform.bus import EventMeta, Subscription
from commercekit.platform.db import UnitOfWork
from commercekit.pricing import PriceChanged
from commercekit.promotions import PromotionChanged
from commercekit.storefront.service.projection import Projection, ShownPrice, ShownStock

__all__ = ["projectors"]

_PRODUCT_FACTS = (
    ProductCreated,
    ProductChanged,
    ProductArchived,
    ProductDeleted,
    VariantAdded,
    VariantChanged,
    VariantRemoved,
)
_NAMES_ONLY = (BrandCreated, BrandDeleted, CategoryCreated, AttributeChanged, PromotionChanged)
_ON_EVERY_PAGE = (*_NAMES_ONLY, BrandChanged, CategoryChanged)


def projectors(projection: Projection, catalog: CatalogService) -> Sequence[Subscription]:
    """What keeps list and detail true; all run inside the writer's unit of work.

    Facts that one flush tells together, such as those of an import or of a batch of orders, are shown
    together: a product that several of them touch is written once.
    """

    async def one(uow: UnitOfWork, fact: DomainEvent, meta: EventMeta) -> None:
        await together(uow, [(fact, meta)])

    async def together(uow: UnitOfWork, told: Sequence[tuple[Any, EventMeta]]) -> None:
        facts = [fact for fact, _ in told]
        for fact in facts:
            if isinstance(fact, CategoryDeleted):
                await projection.without_category(uow, fact.category_id)
        # What is written anew takes prices and stock from where they are now: facts of these say
        # nothing more about it.
        written = await projection.refresh(uow, await _products(facts, catalog))
        priced = [f for f in facts if isinstance(f, PriceChanged) and f.sku not in written]
        counted = [f for f in facts if isinstance(f, AvailabilityChanged) and f.sku not in written]
        if priced or counted:
            await projection.show(
                uow, [_price(fact) for fact in priced], [_stock(fact) for fact in counted]
            )
        if any(isinstance(fact, _ON_EVERY_PAGE) for fact in facts):
            await projection.all_pages(uow)

    return [
        Subscription(
            consumer="storefront.read-models",
            event=event,
            react=one,
            projector=True,
            together=together,
        )
        for event in (
            *_PRODUCT_FACTS,
            *_NAMES_ONLY,
            PriceChanged,
            AvailabilityChanged,
            BrandChanged,
            CategoryChanged,
            CategoryDeleted,
        )
    ]


async def _products(facts: Sequence[DomainEvent], catalog: CatalogService) -> list[UUID]:
    """Whose rows these facts make old, each once; a name is among the words that find a product."""
    found: dict[UUID, None] = {}
    for fact in facts:
        if isinstance(fact, _PRODUCT_FACTS):
            found[fact.product_id] = None
        elif isinstance(fact, BrandChanged):
            found |= dict.fromkeys(await catalog.product_ids_of_brand(fact.brand_id))
        elif isinstance(fact, CategoryChanged):
            found |= dict.fromkeys(await catalog.product_ids_of_category(fact.category_id))
    return sorted(found)


def _price(fact: PriceChanged) -> ShownPrice:
    return ShownPrice(
        fact.market_id,
        fact.sku,
        # Nothing is a price: it is another thing than none.
        None if fact.amount is None else fact.amount.amount,
        None if fact.compare_at is None else fact.compare_at.amount,
    )


def _stock(fact: AvailabilityChanged) -> ShownStock:
    return ShownStock(fact.sku, fact.shown, fact.market, fact.elsewhere)
