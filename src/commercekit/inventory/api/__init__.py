"""Stock, locations, transfers and counts over HTTP, for staff."""

from commercekit.inventory.api.documents import (
    AdminStockCounts,
    AdminStockMovements,
    AdminStockTransfers,
)
from commercekit.inventory.api.stock import AdminLocations, AdminStock, AdminStockAllocations

__all__ = [
    "AdminLocations",
    "AdminStock",
    "AdminStockAllocations",
    "AdminStockCounts",
    "AdminStockMovements",
    "AdminStockTransfers",
]
