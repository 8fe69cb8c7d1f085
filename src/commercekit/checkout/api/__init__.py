"""Carts and checkout over HTTP."""

from commercekit.checkout.api.carts import StoreCarts
from commercekit.checkout.api.checkout import StoreCheckout

__all__ = ["StoreCarts", "StoreCheckout"]
