"""What pricing tells."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent, Money

__all__ = ["ListedPriceChanged", "PriceChanged", "PriceListChanged", "TaxRatesChanged"]


class ListedPriceChanged(DomainEvent, frozen=True, kw_only=True):
    """A price was written or removed that is not what shoppers at large see, such as from ten on."""

    aggregate: ClassVar[str] = "price"
    id_field: ClassVar[str] = "sku"

    sku: str
    market_id: UUID
    price_list: str


class PriceListChanged(DomainEvent, frozen=True, kw_only=True):
    """Who a list is for, when it holds or what it outranks is another; any price may be."""

    aggregate: ClassVar[str] = "price-list"
    id_field: ClassVar[str] = "price_list_id"

    price_list_id: UUID
    market_id: UUID


class TaxRatesChanged(DomainEvent, frozen=True, kw_only=True):
    """A country taxes otherwise now."""

    aggregate: ClassVar[str] = "tax"
    id_field: ClassVar[str] = "country"

    country: str


class PriceChanged(DomainEvent, frozen=True, kw_only=True):
    """A SKU costs something else in a market's default list, or (``amount`` is none) nothing now."""

    aggregate: ClassVar[str] = "price"
    id_field: ClassVar[str] = "sku"

    sku: str
    market_id: UUID
    amount: Money | None
    compare_at: Money | None
