"""What pricing tells."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent, Money

__all__ = ["PriceChanged"]


class PriceChanged(DomainEvent, frozen=True, kw_only=True):
    """A SKU costs something else in a market's default list, or (``amount`` is none) nothing now."""

    aggregate: ClassVar[str] = "price"
    id_field: ClassVar[str] = "sku"

    sku: str
    market_id: UUID
    amount: Money | None
    compare_at: Money | None
