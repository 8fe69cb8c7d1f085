"""How inventory says no."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit.errors import Conflict, NotFound, Unprocessable
from commercekit.inventory.models import Shortfall

__all__ = [
    "CountIncomplete",
    "DocumentFinished",
    "GoodsAwaited",
    "NegativeStock",
    "NotAllocated",
    "NotTransferable",
    "OutOfStock",
    "UnknownAllocation",
    "UnknownLocation",
    "UnknownStock",
    "UnknownStockCount",
    "UnknownTransfer",
]


class OutOfStock(Conflict):
    """More is wanted than may be promised; nothing was allocated, not even the rest."""

    slug = "out-of-stock"
    title = "Out of stock"
    title_zh = "库存不足"

    def __init__(self, shortfalls: Sequence[Shortfall]) -> None:
        self.shortfalls = tuple(shortfalls)
        named = ", ".join(f"{s.sku} ({s.wanted} wanted, {s.available} left)" for s in shortfalls)
        super().__init__(
            f"Not enough in stock: {named}.",
            lines=[
                {"sku": s.sku, "wanted": s.wanted, "available": s.available} for s in shortfalls
            ],
        )


class NotAllocated(Conflict):
    """The reference does not hold that much: shipped, released or never promised."""

    slug = "not-allocated"
    title = "Not allocated"
    title_zh = "库存未分配"


class GoodsAwaited(NotAllocated):
    """It is promised, and not on the shelf yet, or what is there was promised to others before."""

    slug = "goods-awaited"
    title = "The goods are not here yet"
    title_zh = "货物尚未到库"


class UnknownAllocation(NotFound):
    """Nothing is promised under this id any more."""

    slug = "unknown-allocation"
    title = "No such allocation"
    title_zh = "没有此库存分配"


class NegativeStock(Unprocessable):
    """A change would leave fewer than none on the shelf."""

    slug = "negative-stock"
    title = "Stock cannot be negative"
    title_zh = "库存不能为负"


class UnknownStock(NotFound):
    """No location holds a record of this SKU."""

    slug = "unknown-stock"
    title = "No stock record"
    title_zh = "没有库存记录"


class UnknownLocation(NotFound):
    """There is no such location."""

    slug = "unknown-location"
    title = "No such location"
    title_zh = "没有此仓库"


class NotTransferable(Conflict):
    """The source has less that is promised to nobody; nothing was sent."""

    slug = "not-transferable"
    title = "Cannot be transferred"
    title_zh = "无法调拨"


class DocumentFinished(Conflict):
    """The transfer or count is past the state in which this can be done."""

    slug = "stock-document-finished"
    title = "Not possible in this state"
    title_zh = "当前状态不允许此操作"


class CountIncomplete(Conflict):
    """Some lines of the count have no number yet."""

    slug = "count-incomplete"
    title = "The count is not complete"
    title_zh = "盘点未完成"


class UnknownTransfer(NotFound):
    """There is no such transfer."""

    slug = "unknown-transfer"
    title = "No such transfer"
    title_zh = "没有此调拨单"


class UnknownStockCount(NotFound):
    """There is no such stock count."""

    slug = "unknown-stock-count"
    title = "No such stock count"
    title_zh = "没有此盘点单"
