"""Who keeps what a product file says besides products."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from commercekit.kernel import Money
from commercekit.platform.db import UnitOfWork

__all__ = ["FileOffer", "ImportSink"]


class FileOffer(NamedTuple):
    """What a file says of one SKU."""

    sku: str
    price: Money | None
    """``None``: it has none, and says so."""
    compare_at: Money | None
    quantity: int | None
    """``None``: not counted, always to be had."""
    allow_backorder: bool
    new: bool
    """Whether the SKU came with this import.

    The number in a file is older than what was sold since: a sink should leave the stock of a known SKU
    alone unless asked otherwise.
    """


class ImportSink(Protocol):
    """Who keeps prices and stock. Called inside the unit of work of the products, with many at once.

    Products and what is sold of them come in together or not at all: a refusal undoes the batch, which
    is then tried product by product.
    """

    async def take(self, uow: UnitOfWork, offers: Sequence[FileOffer]) -> Collection[str]:
        """Make these prices and numbers what holds; gives the SKUs of which anything changed."""
        ...
