"""Carts, and the quote: a priced, dated cart, which is what checkout accepts."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, field

from commercekit.kernel import Address, Money
from commercekit.orders import Adjustment, NewAdjustment, NewLine, NewShipping, Totals
from commercekit.payments import Flow
from commercekit.platform.extensions import ExtensibleEntity, Values
from commercekit.promotions import Explanation

__all__ = [
    "EXTENSIBLE",
    "MAX_COUPONS",
    "MAX_LINES",
    "MAX_QUANTITY",
    "AddWish",
    "Basis",
    "Cart",
    "CartLine",
    "CartMessage",
    "CheckoutSettings",
    "EditWish",
    "FreightWish",
    "LineWish",
    "PlaceOrder",
    "PurchaseLimit",
    "Quantity",
    "Quote",
    "QuotedLine",
    "ReachedLimit",
    "ShippingChoice",
    "Step",
    "WantedLine",
]

MAX_COUPONS = 10
MAX_LINES = 200
MAX_QUANTITY = 9_999

Quantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY)]


class CheckoutSettings(Struct, frozen=True, kw_only=True):
    """Section ``[checkout]``."""

    cart_lifetime: timedelta = timedelta(days=30)
    """A cart nobody touches is forgotten after this long."""


EXTENSIBLE = (
    ExtensibleEntity(
        "cart", "checkout_cart", carried_to="order", listed=False, shoppers_write=True
    ),
)
"""What of checkout takes fields of plugins."""


class WantedLine(Struct, frozen=True, forbid_unknown_fields=True):
    """So many of a SKU."""

    sku: Annotated[str, Meta(min_length=1, max_length=120)]
    quantity: Quantity


class CartLine(Struct, frozen=True):
    """One line of a cart; at most one for each SKU."""

    id: UUID
    sku: str
    quantity: int


class Cart(Struct, frozen=True, kw_only=True):
    """A mutable wish: it holds no stock and no prices."""

    id: UUID
    market: str
    locale: str
    lines: tuple[CartLine, ...] = ()
    address: Address | None = None
    shipping: str | None = None
    """Code of the chosen shipping option."""
    coupons: tuple[str, ...] = ()
    order_id: UUID | None = None
    """The order it became."""
    owner_id: UUID | None = None
    """The customer whose cart it is; a guest's cart has none."""
    expires_at: datetime
    version: int = 1
    extensions: Values | None = None
    """What plugins keep beside it, by their codes."""


class Basis(Struct, frozen=True, kw_only=True):
    """Everything a quote depends on besides the catalogue, the rules and the moment."""

    market: str
    languages: tuple[str, ...]
    lines: tuple[CartLine, ...]
    address: Address | None = None
    shipping: str | None = None
    coupons: tuple[str, ...] = ()
    owner_id: UUID | None = None
    """The customer whose cart it is: their segments have prices and promotions of their own."""


class CartMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something the shopper should know: a stable code and a sentence."""

    code: str
    text: str
    line_id: UUID | None = None
    sku: str | None = None
    available: int | None = None
    coupon: str | None = None
    limit: int | None = None
    """How many one customer may have."""
    days: int | None = None


class QuotedLine(Struct, frozen=True, kw_only=True):
    """One line with its price."""

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
    """What the shopper pays for it, tax included."""
    image_url: str | None


class ShippingChoice(Struct, frozen=True, kw_only=True):
    """The chosen way of shipping."""

    code: str
    label: str
    amount: Money


class Step(Struct, frozen=True, kw_only=True):
    """One step on the way from list prices to the total."""

    step: str
    """``list-price``, ``promotion``, ``shipping``, ``tax`` or ``total``."""
    source: str
    label: str
    amount: Money
    line_id: UUID | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Quote(Struct, frozen=True, kw_only=True):
    """What it would cost, now: complete when it could be ordered as it is."""

    currency: str
    prices_include_tax: bool
    quoted_at: datetime
    lines: list[QuotedLine]
    adjustments: list[Adjustment]
    shipping: ShippingChoice | None
    totals: Totals
    messages: list[CartMessage]
    steps: list[Step]
    new_lines: list[NewLine]
    new_adjustments: list[NewAdjustment]
    new_shipping: NewShipping | None
    promotions: list[Explanation]
    """Why each promotion counts or does not; only when asked for."""
    weight_grams: int
    requires_shipping: bool


class PlaceOrder(Struct, frozen=True, kw_only=True):
    """What the shopper agrees to."""

    basis: Basis
    email: str
    customer_id: UUID | None = None
    """The account that orders; prices are those of ``basis``, which the shopper was shown."""
    payment_method: str | None
    expected_total: Money | None = None
    flow: Flow | None = None
    return_url: str | None = None
    note: str = ""
    locale: str = "en"
    customer_ip: str | None = None
    payer_ref: str | None = None
    """Who the shopper is at the payment provider, where the flow asks for it."""
    cart_id: UUID | None = None
    cart_version: int | None = None
    extensions: Values = {}
    """What plugins keep beside the cart; the order takes it over."""


class LineWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one line of a placed order shall stand; what is left out stays.

    More units than there are become a line of their own, at today's price. A ``unit_price`` is for all
    units that have not left.
    """

    line_id: UUID
    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)] | None = None
    unit_price: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a price below nothing."""
        _check_price(self.unit_price)


class AddWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many more of a SKU, at today's price or at one that staff name."""

    sku: Annotated[str, Meta(min_length=1, max_length=120)]
    quantity: Quantity
    unit_price: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a price below nothing."""
        _check_price(self.unit_price)


class FreightWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Freight anew: what its carrier asks now for what will stand, or an ``amount`` that staff name."""

    code: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    """Another way to have it sent; without one it travels as was agreed."""
    amount: Money | None = None

    def __post_init__(self) -> None:
        """Refuse a price below nothing."""
        _check_price(self.amount)


class EditWish(Struct, frozen=True, kw_only=True):
    """What staff want of a placed order."""

    lines: tuple[LineWish, ...] = ()
    add: tuple[AddWish, ...] = ()
    address: Address | None = None
    freight: FreightWish | None = None
    """Without one freight stays as it was agreed."""
    reason: str = ""


def _check_price(price: Money | None) -> None:
    if price is not None and price.amount < 0:
        message = "a price must not be below nothing"
        raise ValueError(message)


class PurchaseLimit(Struct, frozen=True, kw_only=True):
    """At most so many for one customer, within so many days or ever.

    A guest is whom the order's e-mail address names, and so is an account, which besides is itself under
    whatever address. What was ordered before the limit was set does not count; what was cancelled does
    not either.
    """

    id: UUID
    sku: str | None
    """The variant that is limited, or ``None`` when all variants of a product together are."""
    variant_id: UUID | None
    product_id: UUID | None
    quantity: int
    days: int | None
    created_at: datetime
    version: int = 1


class ReachedLimit(Struct, frozen=True, kw_only=True):
    """A limit that an order asks more of than is left."""

    skus: list[str]
    """What of the order it limits."""
    wanted: int
    left: int
    quantity: int
    days: int | None
