"""The tables, as Piccolo sees them; the migrations say what PostgreSQL enforces."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["Price", "PriceHistory", "PriceList", "TaxRate"]


class PriceList(Table, db=ENGINE, tablename="pricing_price_list"):
    """Prices in one currency for one market."""

    id = UUID(primary_key=True)
    code = Text(unique=True)
    market_id = UUID()
    currency = Varchar(length=3)
    name = JSONB()
    is_default = Boolean(default=False)
    version = Integer(default=1)
    segment = Text(null=True, default=None)
    priority = Integer(default=0)
    starts_at = Timestamptz(null=True, default=None)
    ends_at = Timestamptz(null=True, default=None)
    active = Boolean(default=True)
    in_force = Boolean(default=True)


class Price(Table, db=ENGINE, tablename="pricing_price"):
    """What one of a SKU costs in a list; the key is (price_list_id, sku, min_quantity)."""

    price_list_id = UUID(primary_key=True)
    sku = Text()
    amount = BigInt()
    compare_at = BigInt(null=True, default=None)
    version = Integer(default=1)
    changed_at = Timestamptz()
    min_quantity = Integer(default=1)


class PriceHistory(Table, db=ENGINE, tablename="pricing_price_history"):
    """What a price was from ``at`` on, with the period of its list; append-only."""

    id = BigInt(primary_key=True)
    price_list_id = UUID()
    sku = Text()
    min_quantity = Integer()
    amount = BigInt(null=True, default=None)
    starts_at = Timestamptz(null=True, default=None)
    ends_at = Timestamptz(null=True, default=None)
    at = Timestamptz()


class TaxRate(Table, db=ENGINE, tablename="pricing_tax_rate"):
    """The rate of a class of goods at a destination."""

    id = UUID(primary_key=True)
    tax_class = Text()
    country = Varchar(length=2)
    region = Text(null=True, default=None)
    rate_ppm = Integer()
    name = JSONB()
    version = Integer(default=1)
    code = Text(default="tax")
    position = Integer(default=0)
    compound = Boolean(default=False)
