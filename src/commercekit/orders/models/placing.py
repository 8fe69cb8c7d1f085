"""What checkout hands over to be written as an order."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from commercekit.kernel import Address, DomainEvent
from commercekit.orders.models.order import (
    Actor,
    HistoryEntry,
    NewShipping,
    PaymentStatus,
    Totals,
)
from commercekit.platform.extensions import Values

__all__ = ["DraftedOrder", "NewAdjustment", "NewLine", "NewOrder"]


class NewLine(Struct, frozen=True, kw_only=True):
    """One line as checkout priced it."""

    id: UUID
    sku: str
    variant_id: UUID
    product_id: UUID
    name: str
    options: dict[str, str]
    quantity: int
    unit_price: int
    discount: int
    """Minor units that adjustments took off this line, order discounts' share included; positive."""
    tax: int
    payable: int
    """What the shopper pays for the line in the end, tax included: the ceiling of its refunds."""
    weight_grams: int = 0
    requires_shipping: bool = True
    image_url: str | None = None


class NewAdjustment(Struct, frozen=True, kw_only=True):
    """One signed change of the price, and which rule made it."""

    kind: str
    source: str
    label: dict[str, str]
    amount: int
    line_id: UUID | None = None
    rule: str = ""
    rule_version: str = ""


class NewOrder(Struct, frozen=True, kw_only=True):
    """Everything placing needs; amounts in minor units of ``currency``."""

    id: UUID
    number: str
    market: str
    currency: str
    prices_include_tax: bool
    locale: str
    email: str
    address: Address
    lines: list[NewLine]
    adjustments: list[NewAdjustment]
    shipping: NewShipping | None
    totals: Totals
    payment_method: str
    collects_later: bool
    placed_at: datetime
    expires_at: datetime | None
    note: str = ""
    customer_id: UUID | None = None
    """Whose account it is placed with; nobody's for a guest."""
    extensions: Values = {}
    """What plugins kept beside the cart."""
    actor: Actor = field(default_factory=lambda: Actor("customer"))


class DraftedOrder(Struct, frozen=True, kw_only=True):
    """A new order ready to be written with the rest of its transaction."""

    new: NewOrder
    row: dict[str, Any]
    """As the SQL function ``orders_write`` takes it, personal fields sealed."""
    facts: tuple[DomainEvent, ...]
    """To be published with it."""
    payment_status: PaymentStatus
    history: tuple[HistoryEntry, ...]
