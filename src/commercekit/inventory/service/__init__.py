"""The use cases of inventory: promising stock, and keeping it."""

from commercekit.inventory.service.keeping import InventoryService

__all__ = ["InventoryService"]
