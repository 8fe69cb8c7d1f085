"""Customers' tables as Piccolo sees them; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["AddressRow", "MembershipRow", "SegmentRow"]


class AddressRow(Table, db=ENGINE, tablename="customers_address"):
    """An address in somebody's book, sealed."""

    id = UUID(primary_key=True, default=None)
    customer_id = UUID(default=None)
    address = Bytea()
    is_default = Boolean()
    created_at = Timestamptz(default=None)


class SegmentRow(Table, db=ENGINE, tablename="customers_segment"):
    """Customers who are treated alike."""

    id = UUID(primary_key=True, default=None)
    code = Text(unique=True)
    name = JSONB()
    created_at = Timestamptz(default=None)
    version = BigInt(default=1)


class MembershipRow(Table, db=ENGINE, tablename="customers_membership"):
    """Who is in which segment."""

    customer_id = UUID(primary_key=True, default=None)
    segment_id = UUID(primary_key=True, default=None)
    source = Text()
    added_at = Timestamptz(default=None)
