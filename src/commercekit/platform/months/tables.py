"""Months that are out of the shop, as Piccolo sees them."""

from __future__ import annotations

from piccolo.columns import UUID, Date, Text, Timestamptz
from piccolo.columns.column_types import JSONB
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["Late", "Month"]


class Month(Table, db=ENGINE, tablename="platform_month"):
    """One month before the boundary: where it is now, and how its archive is recognised."""

    month = Date(primary_key=True)
    low = UUID(default=None)
    high = UUID(default=None)
    state = Text()
    folder = Text(null=True, default=None)
    digest = Text(null=True, default=None)
    detached_at = Timestamptz(default=None)
    archived_at = Timestamptz(null=True, default=None)


class Late(Table, db=ENGINE, tablename="platform_late"):
    """What was told of something whose month was archived."""

    id = UUID(primary_key=True)
    family = Text()
    subject_id = UUID(default=None)
    key = Text()
    told = JSONB()
    at = Timestamptz(default=None)
