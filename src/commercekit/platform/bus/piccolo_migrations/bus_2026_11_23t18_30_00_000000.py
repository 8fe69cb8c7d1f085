"""Telling a thousand facts at once takes a thousand times as long as telling one, and not a million times."""

from __future__ import annotations

from commercekit.platform.bus.piccolo_migrations.bus_2026_11_23t00_15_00_000000 import (
    _TELL as _BEFORE,
)
from commercekit.platform.db import sql_migration

ID = "2026-11-23T18:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "platform_tell joins many facts"

# Tables are still asked by key, whatever the planner believes of them. Joining by nested loops as well made it
# compare every fact of a call with every other one; what is joined here are the facts themselves.
_TELL = _BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    " SET enable_hashjoin = off\nSET enable_mergejoin = off", ""
)

forwards = sql_migration(
    ID,
    app_name="commercekit_bus",
    description=DESCRIPTION,
    forwards=_TELL,
    backwards=_BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
)
