"""The table of checkout."""

from piccolo.columns import JSONB, UUID, Array, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["CartTable"]


class CartTable(Table, db=ENGINE, tablename="checkout_cart"):
    """One cart, one row: its lines are read and written together."""

    id = UUID(primary_key=True, default=None)
    market = Text()
    locale = Text()
    lines = JSONB()
    address = Bytea(null=True, default=None)
    shipping = Text(null=True, default=None)
    coupons = Array(base_column=Text())
    order_id = UUID(null=True, default=None)
    owner_id = UUID(null=True, default=None)
    expires_at = Timestamptz()
    version = Integer()
