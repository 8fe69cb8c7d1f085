"""Stock and locations over HTTP, for staff."""

from commercekit.inventory.api.stock import AdminLocations, AdminStock

__all__ = ["AdminLocations", "AdminStock"]
