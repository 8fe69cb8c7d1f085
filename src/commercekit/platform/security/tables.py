"""The table of wrapped keys as Piccolo sees it; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import UUID, Boolean, Bytea, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["DataKey"]


class DataKey(Table, db=ENGINE, tablename="platform_data_key"):
    """A key for the sealed fields of one table, wrapped by the master key."""

    id = UUID(primary_key=True, default=None)
    kid = Bytea()
    table_name = Text()
    master_id = Text()
    wrapped = Bytea()
    is_current = Boolean(default=True)
    created_at = Timestamptz(default=None)
