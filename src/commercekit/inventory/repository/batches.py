"""What ``inventory_allocate_all`` says of a batch of wishes."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from commercekit.inventory.repository.stock import MarketChange

__all__ = ["RefusedLine", "StockChange", "refused_lines", "stock_changes"]


class StockChange(Struct, frozen=True):
    """What there was of a SKU before and after one allocation; markets as in :class:`Outcome`."""

    sku: str
    available: int
    remaining: int
    tracked: bool
    markets: tuple[MarketChange, ...] | None = None


class RefusedLine(Struct, frozen=True):
    """What was wanted of a SKU, and what there was."""

    sku: str
    wanted: int
    available: int
    tracked: bool


refused_lines = msgspec.json.Decoder(tuple[RefusedLine, ...]).decode
stock_changes = msgspec.json.Decoder(tuple[StockChange, ...]).decode
