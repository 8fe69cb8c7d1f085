"""Changes of many products at once."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from commercekit.catalog.models.products import ProductStatus
from commercekit.catalog.models.words import Tag, Word
from commercekit.kernel import Money

__all__ = [
    "BulkChanges",
    "BulkFault",
    "BulkFilter",
    "BulkPreview",
    "BulkPreviewItem",
    "BulkRequest",
    "BulkRun",
    "PriceRule",
    "PriceStep",
]

Ids = Annotated[tuple[UUID, ...], Meta(max_length=50)]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=100)]


class PriceRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How prices of the default market change: first by the share, then by the amount."""

    basis_points: Annotated[int, Meta(ge=-10_000, le=100_000)] = 0
    """Hundredths of a percent; -1000 takes a tenth off. Halves are rounded up."""
    amount: Annotated[int, Meta(ge=-(10**12), le=10**12)] = 0
    """Minor units to add; never below zero."""

    def applied(self, price: Money) -> Money:
        """The price after it."""
        shared = (price.amount * (10_000 + self.basis_points) * 2 + 10_000) // 20_000
        return Money(max(0, shared + self.amount), price.currency)


class BulkChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each of the products gets; what is absent stays."""

    status: ProductStatus | UnsetType = UNSET
    brand_id: UUID | UnsetType | None = UNSET
    type: Word | UnsetType = UNSET
    add_tags: Tags = ()
    remove_tags: Tags = ()
    add_category_ids: Ids = ()
    remove_category_ids: Ids = ()
    price: PriceRule | None = None


class BulkFilter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which products; all of them without any."""

    status: ProductStatus | None = None
    brand_id: UUID | None = None
    category_id: UUID | None = None
    q: Annotated[str, Meta(max_length=100)] = ""


class BulkRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of many; with ``preview`` it is only shown."""

    filter: BulkFilter
    changes: BulkChanges
    preview: bool = True


class PriceStep(Struct, frozen=True, kw_only=True):
    """The price of a SKU before and after."""

    sku: str
    before: Money
    after: Money


class BulkPreviewItem(Struct, frozen=True, kw_only=True):
    """What one product would become."""

    product_id: UUID
    slug: str
    fields: tuple[str, ...]
    prices: tuple[PriceStep, ...]


class BulkPreview(Struct, frozen=True, kw_only=True):
    """How many products are meant, and what the newest of them would become."""

    total: int
    items: tuple[BulkPreviewItem, ...]


class BulkFault(Struct, frozen=True, kw_only=True):
    """A product that stayed as it was, and why."""

    product_id: UUID
    slug: str
    message: str


class BulkRun(Struct, frozen=True, kw_only=True):
    """How far a change of many has come."""

    id: UUID
    status: str
    """``running``, ``done``, or ``cancelled`` with its job."""
    total: int
    changed: int
    unchanged: int
    failed: int
    errors: tuple[BulkFault, ...]
    """The first hundred."""
    actor: str
    created_at: datetime
    finished_at: datetime | None
