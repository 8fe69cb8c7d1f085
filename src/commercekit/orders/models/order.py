"""An order on its three axes, its lines and its history."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

from commercekit.kernel import Address, Money, StateTable
from commercekit.platform.extensions import Values

__all__ = [
    "CUSTOMER_CANCELLED",
    "ORDER_STATES",
    "Actor",
    "Adjustment",
    "FulfilmentStatus",
    "HistoryEntry",
    "NewShipping",
    "Order",
    "OrderLine",
    "OrderStatus",
    "OrderSummary",
    "OrdersSettings",
    "PayerRef",
    "PaymentStatus",
    "Totals",
    "WebAddress",
]

CUSTOMER_CANCELLED = "cancelled by the customer"
"""The reason of a cancellation for which the shopper gave none."""

WebAddress = Annotated[str, Meta(pattern=r"^https?://[^\s]+$(?!\n)", max_length=2000)]
"""Where a shopper may be sent back to; `$` alone would let a line break through."""

PayerRef = Annotated[str, Meta(pattern=r"^[!-~]+$(?!\n)", max_length=128)]
"""Who the shopper is at the payment provider, where a way to pay asks for it: an openid, say."""


class OrderStatus(StrEnum):
    """The life cycle: the one axis that is commanded."""

    PLACED = "placed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """Derived from the order's payments and refunds."""

    UNPAID = "unpaid"
    PENDING = "pending"
    AUTHORISED = "authorised"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class FulfilmentStatus(StrEnum):
    """Derived from the order's shipments."""

    UNFULFILLED = "unfulfilled"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    PARTIALLY_DELIVERED = "partially_delivered"
    DELIVERED = "delivered"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"


ORDER_STATES: StateTable[OrderStatus] = StateTable(
    "order",
    {OrderStatus.PLACED: {OrderStatus.COMPLETED, OrderStatus.CANCELLED}},
)


class OrdersSettings(Struct, frozen=True, kw_only=True):
    """Section ``[orders]``."""

    pay_within: timedelta = timedelta(minutes=30)
    """An unpaid order is closed and its stock given back after this long."""
    refund_rules: Annotated[
        tuple[str, ...],
        Meta(
            description="Codes of refund rules in the order in which they are asked; others follow."
        ),
    ] = ()
    restocking_basis_points: Annotated[
        Annotated[int, Meta(ge=0, le=10_000)],
        Meta(
            description="Kept of what goods cost that come back without fault of the shop, in "
            "hundredths of a per cent; staff may agree otherwise."
        ),
    ] = 0
    return_shipping: Annotated[
        dict[str, Annotated[int, Meta(ge=0)]],
        Meta(
            description="By currency, in minor units: taken off the refund for the way back, where the "
            "shopper pays it and the shop lays it out."
        ),
    ] = field(default_factory=dict)
    refund_without_step_up: Annotated[
        dict[str, Annotated[int, Meta(ge=0)]],
        Meta(
            description="By currency, in minor units: up to here a refund is agreed to without proving "
            "a second factor again. A currency that is not named: never."
        ),
    ] = field(default_factory=dict)


class Actor(Struct, frozen=True):
    """Who did it, for the history: a kind and an opaque id, never a name."""

    kind: str
    """``customer``, ``staff`` or ``system``."""
    id: str = ""


class Totals(Struct, frozen=True, kw_only=True):
    """How the total comes about: items − discount + shipping (+ tax where prices exclude it)."""

    items: Money
    discount: Money
    """What all price adjustments took off, as a positive amount."""
    shipping: Money
    tax: Money
    """Included in the total in any case; added to it only where prices exclude tax."""
    total: Money


class NewShipping(Struct, frozen=True, kw_only=True):
    """How it travels and what that costs; ``payable`` includes tax."""

    code: str
    label: dict[str, str]
    carrier: str
    service: str
    amount: int
    tax: int
    payable: int


class OrderLine(Struct, frozen=True, kw_only=True):
    """SKU times quantity at the agreed price; never changes, only its counters do.

    An edit adds lines and takes units off others, so that what was agreed when stays readable.
    """

    id: UUID
    sku: str
    name: str
    options: dict[str, str]
    quantity: int
    unit_price: Money
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    """What the shopper pays for the line, tax included."""
    cancelled: int
    refunded: int
    shipped: int
    weight_grams: int
    requires_shipping: bool
    image_url: str | None = None
    claimed: int = 0
    """Units that refund requests and returns ask for or got; a unit is claimed once."""
    claimed_amount: int = 0
    """What those claims are worth, in minor units; never more than ``total``."""
    claimed_tax: int = 0
    """Of ``claimed_amount``."""
    returned: int = 0
    """Units that came back and were received; never more than were shipped."""
    variant_id: UUID | None = None
    product_id: UUID | None = None
    withdrawn: int = 0
    """Units taken off the order before shipping; part of ``cancelled`` and of ``claimed``."""
    withdrawn_amount: int = 0
    """What those units cost, in minor units; not owed any more."""
    withdrawn_tax: int = 0

    @property
    def open(self) -> int:
        """Units that may still be shipped, or handed out where nothing travels."""
        return self.quantity - self.cancelled - self.shipped

    @property
    def away(self) -> int:
        """Units that left and that no refund has paid back."""
        return self.shipped - (self.refunded - (self.cancelled - self.withdrawn))


class Adjustment(Struct, frozen=True, kw_only=True):
    """One signed change of the price, as the shopper sees it."""

    kind: str
    source: str
    label: str
    amount: Money
    line_id: UUID | None = None


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened, who did it, and why."""

    at: datetime
    actor: Actor
    event: str
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Order(Struct, frozen=True, kw_only=True):
    """The contract with the shopper, unsealed: for services and pages, never for logs."""

    id: UUID
    number: str
    market: str
    currency: str
    locale: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    placed_at: datetime
    expires_at: datetime | None
    email: str
    address: Address
    note: str
    lines: list[OrderLine]
    adjustments: list[Adjustment]
    totals: Totals
    shipping: NewShipping | None
    payment_method: str
    collects_later: bool
    version: int
    prices_include_tax: bool = True
    withdrawn: int = 0
    """Minor units of the agreed total that units taken off the order no longer cost."""
    given_back: int = 0
    """Minor units sent back because more was paid than the order costs, whatever became of them."""
    extensions: Values = {}
    """What plugins keep beside it, by their codes."""

    @property
    def due(self) -> Money:
        """What the order costs now: what was agreed, less what was taken off it since."""
        return Money(self.totals.total.amount - self.withdrawn, self.currency)

    @property
    def current_totals(self) -> Totals:
        """How :attr:`due` comes about; the same as :attr:`totals` while nothing was taken off."""
        items = sum(
            line.unit_price.amount * (line.quantity - line.withdrawn) for line in self.lines
        )
        tax = self.totals.tax.amount - sum(line.withdrawn_tax for line in self.lines)
        added = 0 if self.prices_include_tax else tax
        return Totals(
            items=Money(items, self.currency),
            discount=Money(
                items + self.totals.shipping.amount + added - self.due.amount, self.currency
            ),
            shipping=self.totals.shipping,
            tax=Money(tax, self.currency),
            total=self.due,
        )

    @property
    def reference(self) -> str:
        """What payments, fulfilment and inventory know the order by."""
        return str(self.id)


class OrderSummary(Struct, frozen=True, kw_only=True):
    """One row of staff's list; no personal data."""

    id: UUID
    number: str
    status: OrderStatus
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    placed_at: datetime
    total: Money
    """What the order costs now."""
    market: str
    tags: list[str] = []
