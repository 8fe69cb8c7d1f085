"""The plugin's own tables, for Piccolo; the migrations are the truth."""

from __future__ import annotations

from piccolo.columns import UUID, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["PaperRow", "WrapRow"]


class PaperRow(Table, db=ENGINE, tablename="gift_wrap_paper"):
    """A paper, and how many sheets of it there are."""

    code = Text(primary_key=True)
    sheets = Integer()


class WrapRow(Table, db=ENGINE, tablename="gift_wrap_wrap"):
    """An order that is to be wrapped, or was."""

    order_id = UUID(primary_key=True, default=None)
    number = Text()
    paper = Text()
    asked_at = Timestamptz()
    wrapped_at = Timestamptz(null=True, default=None)
