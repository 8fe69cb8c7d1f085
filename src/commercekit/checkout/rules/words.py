"""What is said to shoppers about their carts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from commercekit.checkout.models import CartLine, CartMessage, PurchaseLimit
from commercekit.inventory import Availability
from commercekit.kernel import pick

__all__ = ["limit_message", "message", "stock_messages"]

_MESSAGES = {
    "quantity-reduced": {
        "en": "Only {available} of {sku} are available; the quantity was reduced.",
        "zh": "{sku} 仅剩 {available} 件，已调整数量。",
    },
    "insufficient-stock": {
        "en": "Only {available} of {sku} are available.",
        "zh": "{sku} 仅剩 {available} 件。",
    },
    "not-for-sale": {
        "en": "{sku} is not for sale any more and was left out.",
        "zh": "{sku} 已下架，未计入。",
    },
    "lines-left-out": {
        "en": "The cart is full; {sku} was left out.",
        "zh": "购物车已满，{sku} 未能加入。",
    },
    "purchase-limit": {
        "en": "At most {limit} of {sku} per customer{period}.",
        "zh": "{sku} 每位顾客{period}限购 {limit} 件。",
    },
    "purchase-limit-exceeded": {
        "en": "At most {limit} of {sku} per customer{period}; take {over} out to order.",
        "zh": "{sku} 每位顾客{period}限购 {limit} 件，请减少 {over} 件后再下单。",
    },
    "shipping-unavailable": {
        "en": "The chosen shipping is not available to this address; choose again.",
        "zh": "所选配送方式不适用于该地址，请重新选择。",
    },
}


_PERIOD = {"en": " within {days} days", "zh": "每 {days} 天"}


def message(
    code: str,
    languages: Sequence[str],
    *,
    line_id: UUID | None = None,
    sku: str | None = None,
    available: int | None = None,
) -> CartMessage:
    """A message in the reader's language."""
    text = pick(_MESSAGES[code], languages).format(sku=sku, available=available)
    return CartMessage(code=code, text=text, line_id=line_id, sku=sku, available=available)


def limit_message(
    limit: PurchaseLimit, skus: str, wanted: int, languages: Sequence[str]
) -> CartMessage:
    """How many one customer may have, and how many are too many already."""
    over = max(0, wanted - limit.quantity)
    code = "purchase-limit-exceeded" if over else "purchase-limit"
    period = pick(_PERIOD, languages).format(days=limit.days) if limit.days else ""
    text = pick(_MESSAGES[code], languages).format(
        sku=skus, limit=limit.quantity, period=period, over=over
    )
    return CartMessage(code=code, text=text, sku=limit.sku, limit=limit.quantity, days=limit.days)


def stock_messages(
    lines: Sequence[CartLine],
    availability: Mapping[str, Availability],
    languages: Sequence[str],
) -> list[CartMessage]:
    """What the shopper should know before trying to order more than there is."""
    messages: list[CartMessage] = []
    for line in lines:
        stock = availability.get(line.sku)
        if stock is not None and stock.tracked and line.quantity > stock.available:
            messages.append(
                message(
                    "insufficient-stock",
                    languages,
                    line_id=line.id,
                    sku=line.sku,
                    # The true number stays inside: shoppers see what every page shows.
                    available=min(stock.available, stock.shown),
                )
            )
    return messages
