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
    InventorySettings,
    Location,
    Movement,
    MovementKind,
    Shortfall,
    StockItem,
    StockLevel,
)
from commercekit.inventory.providers import (
    AllocationPlan,
    AllocationRequest,
    AllocationStrategy,
    Destination,
)
from commercekit.inventory.rules import MostStock, ShopOrder, strategy_by_code
from commercekit.inventory.service import InventoryService

__all__ = [
    "SHOWN_CAP",
    "Allocation",
    "AllocationPlan",
    "AllocationRequest",
    "AllocationState",
    "AllocationStrategy",
    "Availability",
    "AvailabilityChanged",
    "Demand",
    "Destination",
    "InventoryService",
    "InventorySettings",
    "Location",
    "MostStock",
    "Movement",
    "MovementKind",
    "NegativeStock",
    "NotAllocated",
    "OutOfStock",
    "ShopOrder",
    "ShortageBooked",
    "Shortfall",
    "StockItem",
    "StockLevel",
    "UnknownLocation",
    "UnknownStock",
    "strategy_by_code",
]
