"""The table of checkout."""

from piccolo.columns import JSONB, UUID, Array, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["CartTable", "PurchaseLimitTable", "PurchaseTable"]


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
    extensions = JSONB(null=True, default=None)


class PurchaseLimitTable(Table, db=ENGINE, tablename="checkout_purchase_limit"):
    """At most so many for one customer."""

    id = UUID(primary_key=True, default=None)
    subject = Text()
    subject_id = UUID()
    sku = Text(null=True, default=None)
    quantity = Integer()
    days = Integer(null=True, default=None)
    created_at = Timestamptz()
    version = Integer()


class PurchaseTable(Table, db=ENGINE, tablename="checkout_purchase"):
    """What an order took of a limit."""

    limit_id = UUID(primary_key=True, default=None)
    buyer = Bytea()
    order_id = UUID()
    quantity = Integer()
    given_back = Integer()
    allowed = Integer()
    at = Timestamptz()
