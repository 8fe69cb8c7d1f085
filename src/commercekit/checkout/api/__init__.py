"""Carts and checkout over HTTP."""

from commercekit.checkout.api.carts import StoreCarts
from commercekit.checkout.api.checkout import CHECKOUT, StoreCheckout, resumer_of

__all__ = ["CHECKOUT", "StoreCarts", "StoreCheckout", "resumer_of"]
