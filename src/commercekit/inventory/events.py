"""What inventory tells."""

from typing import ClassVar

from commercekit.kernel import DomainEvent

__all__ = ["AvailabilityChanged", "PromisesServed", "ShortageBooked"]


class AvailabilityChanged(DomainEvent, frozen=True, kw_only=True):
    """The number shoppers see for a SKU changed; silent while it stays at the cap.

    A shop whose locations serve every market hears of each change once, without a ``market``. Where a
    market has locations of its own, it hears of its number by itself, and ``elsewhere`` says which
    markets the general number does not speak of.
    """

    aggregate: ClassVar[str] = "stock"
    id_field: ClassVar[str] = "sku"

    sku: str
    shown: int
    previous: int
    market: str | None = None
    elsewhere: tuple[str, ...] = ()


class PromisesServed(DomainEvent, frozen=True, kw_only=True):
    """Goods came in, and what these references wait for lies on the shelf now, first come first served."""

    aggregate: ClassVar[str] = "stock"
    id_field: ClassVar[str] = "sku"

    sku: str
    location: str
    references: tuple[str, ...]


class ShortageBooked(DomainEvent, frozen=True, kw_only=True):
    """Less is on the shelf than was promised: somebody must buy, move or tell a shopper."""

    aggregate: ClassVar[str] = "stock"
    id_field: ClassVar[str] = "sku"

    sku: str
    location: str
    shortage: int
