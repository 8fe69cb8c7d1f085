"""Carts and checkout over HTTP."""

from commercekit.checkout.api.carts import StoreCarts
from commercekit.checkout.api.checkout import CHECKOUT, StoreCheckout, resumer_of
from commercekit.checkout.api.lanes import lanes_of
from commercekit.checkout.api.limits import AdminPurchaseLimits
from commercekit.checkout.api.order_edits import AdminOrderEdits

__all__ = [
    "CHECKOUT",
    "AdminOrderEdits",
    "AdminPurchaseLimits",
    "StoreCarts",
    "StoreCheckout",
    "lanes_of",
    "resumer_of",
]
