"""Why a month stays where it is, and what is said of one that went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.errors import Conflict, Gone, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ArchiveDamaged", "Archived", "MonthHeld", "MonthsBusy", "MonthsRefused"]


class Archived(Gone):
    """What was asked for is of a month that was taken out of the shop; staff can bring it back."""

    slug = "archived"
    title = "Archived"
    title_zh = "已归档"


class MonthsRefused(Conflict):
    """Months that cannot be moved like this: not over yet, or not there."""

    slug = "months-refused"
    title = "These months cannot be moved"
    title_zh = "无法移动这些月份"


class MonthHeld(MonthsRefused):
    """Something in a month is still open; ``holds`` says what, with examples."""

    slug = "month-held"
    title = "Something in this month is still open"
    title_zh = "该月份仍有未完结的记录"

    def __init__(self, detail: str, holds: Sequence[Any]) -> None:
        super().__init__(detail, holds=list(holds))
        self.holds = tuple(holds)


class ArchiveDamaged(Conflict):
    """The files are not what was written, or not of this shop's month."""

    slug = "archive-damaged"
    title = "The archive is not as it was written"
    title_zh = "归档文件与写入时不一致"


class MonthsBusy(Unavailable):
    """The tables did not come free in time, or another process is moving months; nothing was done."""

    slug = "months-busy"
    title = "The tables are in use"
    title_zh = "数据表正在使用中"
