"""The counts as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Text
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["Rate"]


class Rate(Table, db=ENGINE, tablename="platform_rate"):
    """One key: when it would be even again, in microseconds since 1970 by the database's clock."""

    key = Text(primary_key=True)
    tat = BigInt()
    fits = Boolean(default=True)
