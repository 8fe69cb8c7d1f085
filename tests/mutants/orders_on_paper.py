"""An order that nobody stored: two lines and freight, for the rules of orders alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from commercekit.kernel import Address, Money
from commercekit.orders import NewShipping, Order, OrderLine, Totals
from commercekit.orders.models import FulfilmentStatus, OrderStatus, PaymentStatus

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
A, B, NOWHERE = UUID(int=1), UUID(int=2), UUID(int=3)
FREIGHT = NewShipping(
    code="post", label={"en": "Post"}, carrier="table", service="standard", amount=700, tax=81,
    payable=700,
)  # fmt: skip


def cny(amount: int) -> Money:
    return Money(amount, "CNY")


def line(line_id: UUID, sku: str, pieces: int, total: int, tax: int, **more: Any) -> OrderLine:
    fields: dict[str, Any] = {
        "id": line_id, "sku": sku, "name": sku, "options": {}, "quantity": pieces,
        "unit_price": cny(0), "subtotal": cny(total), "discount": cny(0), "tax": cny(tax),
        "total": cny(total), "cancelled": 0, "refunded": 0, "shipped": 0, "weight_grams": 0,
        "requires_shipping": True,
    }  # fmt: skip
    return OrderLine(**fields | more)


def order(
    *,
    one: dict[str, Any] | None = None,
    shipping: NewShipping | None = FREIGHT,
    status: OrderStatus = OrderStatus.PLACED,
) -> Order:
    """Three of ONE for 10.00 with 1.15 tax in it, and a TWO for 5.00 with 0.28."""
    return Order(
        id=UUID(int=9), number="CK-1", market="cn", currency="CNY", locale="en", status=status,
        payment_status=PaymentStatus.PAID, fulfilment_status=FulfilmentStatus.UNFULFILLED,
        placed_at=NOW, expires_at=None, email="ada@example.com", note="",
        address=Address(name="Ada", phone="+8613800000000", country="CN", city="X", line1="1"),
        lines=[line(A, "ONE", 3, 1000, 115, **one or {}), line(B, "TWO", 1, 500, 28)],
        adjustments=[],
        totals=Totals(
            items=cny(1500), discount=cny(0), shipping=cny(700), tax=cny(224), total=cny(2200)
        ),
        shipping=shipping, payment_method="card", collects_later=False, version=1,
    )  # fmt: skip
