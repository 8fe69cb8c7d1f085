"""Projectors: the read models change in the transaction of the fact they show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from commercekit.catalog import (
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
from commercekit.storefront.service.many import take_together
from commercekit.storefront.service.projection import Projection

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
_React = Callable[[UnitOfWork, Any, EventMeta], Awaitable[None]]
_NAMES_ONLY = (BrandCreated, BrandDeleted, CategoryCreated)


def projectors(projection: Projection, catalog: CatalogService) -> Sequence[Subscription]:
    """What keeps list and detail true; all run inside the writer's unit of work."""

    async def product(uow: UnitOfWork, fact: Any, _meta: EventMeta) -> None:
        await projection.refresh(uow, [fact.product_id])

    async def price(uow: UnitOfWork, fact: PriceChanged, _meta: EventMeta) -> None:
        amount = None if fact.amount is None else fact.amount.amount
        compare_at = None if fact.compare_at is None else fact.compare_at.amount
        await projection.price(uow, fact.market_id, fact.sku, amount, compare_at)

    async def availability(uow: UnitOfWork, fact: AvailabilityChanged, _meta: EventMeta) -> None:
        await projection.availability(
            uow, fact.sku, fact.shown, market=fact.market, elsewhere=fact.elsewhere
        )

    async def brand(uow: UnitOfWork, fact: BrandChanged, _meta: EventMeta) -> None:
        await projection.refresh(uow, await catalog.product_ids_of_brand(fact.brand_id))
        await projection.all_pages(uow)

    async def category(uow: UnitOfWork, fact: CategoryChanged, _meta: EventMeta) -> None:
        # Its name is among the words that find its products.
        await projection.refresh(uow, await catalog.product_ids_of_category(fact.category_id))
        await projection.all_pages(uow)

    async def category_gone(uow: UnitOfWork, fact: CategoryDeleted, _meta: EventMeta) -> None:
        await projection.without_category(uow, fact.category_id)

    async def names(uow: UnitOfWork, _fact: Any, _meta: EventMeta) -> None:
        await projection.all_pages(uow)

    async def many(uow: UnitOfWork, told: Sequence[tuple[Any, EventMeta]]) -> None:
        await take_together(projection, uow, [fact for fact, _ in told])

    reactions: list[tuple[type[DomainEvent], _React]] = [
        *((event, product) for event in _PRODUCT_FACTS),
        *((event, names) for event in _NAMES_ONLY),
        (PriceChanged, price),
        (AvailabilityChanged, availability),
        (BrandChanged, brand),
        (CategoryChanged, category),
        (CategoryDeleted, category_gone),
        (PromotionChanged, names),
    ]
    # Facts of one change belong together as often as not: a product with its prices and its stock.
    taken_together = (*_PRODUCT_FACTS, PriceChanged, AvailabilityChanged)
    return [
        Subscription(
            consumer="storefront.read-models",
            event=event,
            react=react,
            projector=True,
            together=many if event in taken_together else None,
        )
        for event, react in reactions
    ]
