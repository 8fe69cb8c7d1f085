"""Projectors: what a change makes old of what quotes keep, and what is not bought after all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from commercekit.catalog import (
    CategoryChanged,
    CategoryDeleted,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    ProductPublished,
    ProductUnpublished,
    VariantAdded,
    VariantChanged,
    VariantRemoved,
)
from commercekit.checkout.service.limits import PurchaseLimits
from commercekit.checkout.service.shelf import Shelf, Stale
from commercekit.inventory import AvailabilityChanged
from commercekit.kernel import DomainEvent
from commercekit.orders import (
    OrderCancelled,
    OrderEdited,
    OrderLinesCancelled,
    RefundApproved,
)
from commercekit.platform.bus import EventMeta, Subscription
from commercekit.platform.db import UnitOfWork
from commercekit.pricing import (
    ListedPriceChanged,
    PriceChanged,
    PriceListChanged,
    TaxRatesChanged,
)
from commercekit.promotions import PromotionChanged

__all__ = ["give_backs", "projectors"]

_OF: dict[type[DomainEvent], Callable[[Any], Stale]] = {
    **dict.fromkeys(
        (
            ProductCreated,
            ProductChanged,
            ProductArchived,
            ProductPublished,
            ProductUnpublished,
            ProductDeleted,
            VariantAdded,
            VariantChanged,
            VariantRemoved,
        ),
        lambda fact: Stale(products=(fact.product_id,)),
    ),
    # Which products stand on a shelf, and on those above it, is part of what promotions look at.
    CategoryChanged: lambda fact: Stale(all_goods=fact.moved),
    CategoryDeleted: lambda _fact: Stale(all_goods=True),
    PriceChanged: lambda fact: Stale(prices=(fact.sku,)),
    ListedPriceChanged: lambda fact: Stale(prices=(fact.sku,)),
    PriceListChanged: lambda _fact: Stale(all_prices=True),
    AvailabilityChanged: lambda fact: Stale(stock=(fact.sku,)),
    TaxRatesChanged: lambda _fact: Stale(taxes=True),
    PromotionChanged: lambda _fact: Stale(promotions=True),
}


def projectors(shelf: Shelf) -> Sequence[Subscription]:
    """What keeps quotes true; all run inside the writer's unit of work."""

    def forgetting(
        old: Callable[[Any], Stale],
    ) -> Callable[[UnitOfWork, Any, EventMeta], Awaitable[None]]:
        async def react(uow: UnitOfWork, fact: Any, _meta: EventMeta) -> None:
            await shelf.tell(uow, old(fact))

        return react

    async def together(uow: UnitOfWork, told: Sequence[tuple[Any, EventMeta]]) -> None:
        await shelf.tell(uow, _joined([_OF[type(fact)](fact) for fact, _ in told]))

    return [
        Subscription(
            consumer="checkout.shelf",
            event=event,
            react=forgetting(old),
            projector=True,
            together=together,
        )
        for event, old in _OF.items()
    ]


def give_backs(limits: PurchaseLimits) -> Sequence[Subscription]:
    """What an order will not take after all counts against no limit, from the same transaction on."""

    async def react(uow: UnitOfWork, fact: Any, _meta: EventMeta) -> None:
        await limits.give_back(uow, fact.order_id)

    return [
        Subscription(consumer="checkout.limits", event=event, react=react, projector=True)
        for event in (OrderCancelled, OrderLinesCancelled, OrderEdited, RefundApproved)
    ]


def _joined(parts: Sequence[Stale]) -> Stale:
    return Stale(
        products=tuple(dict.fromkeys(each for part in parts for each in part.products)),
        prices=tuple(dict.fromkeys(each for part in parts for each in part.prices)),
        stock=tuple(dict.fromkeys(each for part in parts for each in part.stock)),
        all_goods=any(part.all_goods for part in parts),
        all_prices=any(part.all_prices for part in parts),
        taxes=any(part.taxes for part in parts),
        promotions=any(part.promotions for part in parts),
    )
