"""The table of wrapped keys as Piccolo sees it; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["DataKey", "KeyEpoch", "ReencryptionPlace"]


class DataKey(Table, db=ENGINE, tablename="platform_data_key"):
    """A key for the sealed fields of one table, wrapped by the master key."""

    id = UUID(primary_key=True, default=None)
    kid = Bytea()
    table_name = Text()
    master_id = Text()
    wrapped = Bytea()
    is_current = Boolean(default=True)
    created_at = Timestamptz(default=None)
    replaced_at = Timestamptz(null=True, default=None)


class KeyEpoch(Table, db=ENGINE, tablename="platform_key_epoch"):
    """How often keys have changed; one row."""

    single = Boolean(primary_key=True, default=True)
    epoch = Integer(default=None)


class ReencryptionPlace(Table, db=ENGINE, tablename="platform_reencryption"):
    """How far the sealing anew of one table is."""

    table_name = Text(primary_key=True)
    kid = Bytea()
    place = JSONB(null=True, default=None)
    done = BigInt(default=None)
    total = BigInt(default=None)
    started_at = Timestamptz(default=None)
    finished_at = Timestamptz(null=True, default=None)
