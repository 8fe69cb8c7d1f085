"""What inventory tells."""

from typing import ClassVar

from commercekit.kernel import DomainEvent

__all__ = ["AvailabilityChanged", "ShortageBooked"]


class AvailabilityChanged(DomainEvent, frozen=True, kw_only=True):
    """The number shoppers see for a SKU changed; silent while it stays at the cap."""

    aggregate: ClassVar[str] = "stock"
    id_field: ClassVar[str] = "sku"

    sku: str
    shown: int
    previous: int


class ShortageBooked(DomainEvent, frozen=True, kw_only=True):
    """Less is on the shelf than was promised: somebody must buy, move or tell a shopper."""

    aggregate: ClassVar[str] = "stock"
    id_field: ClassVar[str] = "sku"

    sku: str
    location: str
    shortage: int
