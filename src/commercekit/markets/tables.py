"""The market's row; its truth is the migration, a test compares the two."""

from __future__ import annotations

from piccolo.columns import UUID, Array, Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["MarketRow"]


class MarketRow(Table, db=ENGINE, tablename="markets_market"):
    """One market."""

    id = UUID(primary_key=True)
    code = Text(unique=True)
    currency = Varchar(length=3)
    languages = Array(base_column=Text())
    countries = Array(base_column=Text())
    prices_include_tax = Boolean()
    is_default = Boolean()
    hosts = Array(base_column=Text(), default=list)
    path_prefix = Text(null=True, default=None)
    rounding = Text(default="line")
    active = Boolean(default=True)
    version = Integer()
    created_at = Timestamptz()
    updated_at = Timestamptz()
