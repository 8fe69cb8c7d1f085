"""What plugins brought, for Piccolo; the migration is the truth."""

from __future__ import annotations

from piccolo.columns import JSONB, Text, Timestamptz
from piccolo.table import Table

from commercekit.platform.db import ENGINE

__all__ = ["PluginRow"]


class PluginRow(Table, db=ENGINE, tablename="platform_plugin"):
    """One plugin that was enabled here at some time."""

    code = Text(primary_key=True)
    distribution = Text()
    version = Text()
    brought = JSONB()
    first_seen_at = Timestamptz()
    changed_at = Timestamptz()
