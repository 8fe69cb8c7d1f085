"""Every query of checkout; addresses are sealed here and nowhere above."""

from commercekit.checkout.repository.carts import (
    TABLE,
    Addition,
    CartRepository,
    StockShows,
    Turn,
    place_all,
)
from commercekit.checkout.repository.limits import HeldPurchase, LimitRepository
from commercekit.checkout.repository.owned import OwnedCarts

__all__ = [
    "TABLE",
    "Addition",
    "CartRepository",
    "HeldPurchase",
    "LimitRepository",
    "OwnedCarts",
    "StockShows",
    "Turn",
    "place_all",
]
