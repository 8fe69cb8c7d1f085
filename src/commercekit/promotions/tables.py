"""The tables, as Piccolo sees them; the migrations say what PostgreSQL enforces."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["Edition", "Promotion"]


class Promotion(Table, db=ENGINE, tablename="promotions_promotion"):
    """A rule with its settings, scope, period and place in the sequence."""

    id = UUID(primary_key=True)
    code = Text(unique=True)
    name = JSONB()
    rule = Text()
    config = JSONB()
    priority = Integer(default=0)
    lane = Integer(default=200)
    exclusive = Boolean(default=False)
    active = Boolean(default=True)
    starts_at = Timestamptz(null=True, default=None)
    ends_at = Timestamptz(null=True, default=None)
    coupons = Array(base_column=Text())
    scope = JSONB()
    version = Integer(default=1)


class Edition(Table, db=ENGINE, tablename="promotions_edition"):
    """One row that says which edition of all promotions is current."""

    id = Boolean(primary_key=True, default=True)
    number = BigInt()
