"""Checkout: carts, the quote, and placing.

The quote runs list price → promotions → shipping → tax → total and can explain every step. Placing is
one transaction over inventory, orders and payments; providers are called before and after it.
"""

from commercekit.checkout.api import (
    CHECKOUT,
    AdminOrderEdits,
    AdminPurchaseLimits,
    StoreCarts,
    StoreCheckout,
    lanes_of,
    resumer_of,
)
from commercekit.checkout.errors import (
    CartChanged,
    CartEmpty,
    CartLineNotFound,
    CartNotFound,
    CartOrdered,
    PaymentMethodNeeded,
    PriceChanged,
    PurchaseLimitExists,
    PurchaseLimitNotFound,
    PurchaseLimitReached,
    ShippingNotAvailable,
    TooManyLines,
    UnknownSku,
)
from commercekit.checkout.models import (
    EXTENSIBLE,
    Basis,
    Cart,
    CartLine,
    CartMessage,
    CheckoutSettings,
    PlaceOrder,
    PurchaseLimit,
    Quote,
    QuotedLine,
    Step,
)
from commercekit.checkout.repository import TABLE
from commercekit.checkout.service import CheckoutService, Placed, PricedCart
from commercekit.checkout.subscribers import give_backs, projectors
from commercekit.platform.security import SealedTable

SEALED = (SealedTable(TABLE, ("address",)),)
"""Tables with personal fields, for which the sealer keeps a data key."""

__all__ = [
    "CHECKOUT",
    "EXTENSIBLE",
    "SEALED",
    "AdminOrderEdits",
    "AdminPurchaseLimits",
    "Basis",
    "Cart",
    "CartChanged",
    "CartEmpty",
    "CartLine",
    "CartLineNotFound",
    "CartMessage",
    "CartNotFound",
    "CartOrdered",
    "CheckoutService",
    "CheckoutSettings",
    "PaymentMethodNeeded",
    "PlaceOrder",
    "Placed",
    "PriceChanged",
    "PricedCart",
    "PurchaseLimit",
    "PurchaseLimitExists",
    "PurchaseLimitNotFound",
    "PurchaseLimitReached",
    "Quote",
    "QuotedLine",
    "ShippingNotAvailable",
    "Step",
    "StoreCarts",
    "StoreCheckout",
    "TooManyLines",
    "UnknownSku",
    "give_backs",
    "lanes_of",
    "projectors",
    "resumer_of",
]
