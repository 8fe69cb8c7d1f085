"""Carts and quotes as clients see them."""

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from commercekit.checkout.models import CartMessage, QuotedLine, ShippingChoice, Step
from commercekit.checkout.service import PricedCart
from commercekit.kernel import Address, Money
from commercekit.orders import Adjustment, Totals
from commercekit.platform.extensions import Audience, Fields, Values
from commercekit.promotions import Explanation

__all__ = [
    "CartView",
    "ExplanationView",
    "PaymentMethodView",
    "ShippingOptionView",
    "cart_view",
]


class CartView(Struct, frozen=True, kw_only=True):
    """The cart, priced now; ``token`` is told once, when it is made."""

    id: UUID
    market: str
    currency: str
    lines: list[QuotedLine]
    adjustments: list[Adjustment]
    coupons: tuple[str, ...]
    address: Address | None
    shipping: ShippingChoice | None
    totals: Totals
    messages: list[CartMessage]
    order_id: UUID | None
    extensions: Values | UnsetType = UNSET
    """What plugins keep beside it; absent where none adds fields to carts."""
    token: str | UnsetType = UNSET


class ShippingOptionView(Struct, frozen=True, kw_only=True):
    """A way to have it sent."""

    code: str
    label: str
    amount: Money
    min_days: int | None
    max_days: int | None


class PaymentMethodView(Struct, frozen=True, kw_only=True):
    """A way to pay."""

    code: str
    label: str
    collects_later: bool


class ExplanationView(Struct, frozen=True, kw_only=True):
    """How the price came about, step by step, and what became of every promotion."""

    steps: list[Step]
    totals: Totals
    promotions: list[Explanation]


def cart_view(
    priced: PricedCart, *, fields: Fields | None = None, token: str | UnsetType = UNSET
) -> CartView:
    """The cart for a client."""
    cart, quote = priced.cart, priced.quote
    return CartView(
        id=cart.id,
        market=cart.market,
        currency=quote.currency,
        lines=quote.lines,
        adjustments=quote.adjustments,
        coupons=cart.coupons,
        address=cart.address,
        shipping=quote.shipping,
        totals=quote.totals,
        messages=quote.messages,
        order_id=cart.order_id,
        extensions=fields.shown(cart.extensions or {}, Audience.STORE) if fields else UNSET,
        token=token,
    )
