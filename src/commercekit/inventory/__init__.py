"""How much there is of each SKU and where, who was promised some of it, and every change as a record."""

from commercekit.inventory.errors import (
    NegativeStock,
    NotAllocated,
    OutOfStock,
    UnknownLocation,
    UnknownStock,
)
from commercekit.inventory.events import AvailabilityChanged, ShortageBooked
from commercekit.inventory.models import (
    SHOWN_CAP,
    Allocation,
    AllocationState,
    Availability,
    Demand,
    Location,
    Movement,
    MovementKind,
    Shortfall,
    StockItem,
    StockLevel,
)
from commercekit.inventory.service import InventoryService

__all__ = [
    "SHOWN_CAP",
    "Allocation",
    "AllocationState",
    "Availability",
    "AvailabilityChanged",
    "Demand",
    "InventoryService",
    "Location",
    "Movement",
    "MovementKind",
    "NegativeStock",
    "NotAllocated",
    "OutOfStock",
    "ShortageBooked",
    "Shortfall",
    "StockItem",
    "StockLevel",
    "UnknownLocation",
    "UnknownStock",
]
