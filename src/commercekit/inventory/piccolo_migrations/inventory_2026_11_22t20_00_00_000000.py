"""Promises of one batch are told apart by who came first."""

from commercekit.inventory.piccolo_migrations.inventory_2026_11_22t18_00_00_000000 import (
    _FORWARDS as _AT_ONCE,
)
from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "promises of one batch in the order in which they were asked for"

# The shelf serves whoever came first, and the moment of the promise is how it knows: a microsecond for
# each turn keeps the order of a batch, which is written at one moment.
_LATER = " + make_interval(secs => {}.turn * 0.000001)"
_FORWARDS = _AT_ONCE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
for _moment, _turn in (
    ("t.quantity::integer, w.expires_at, p_at", "t"),
    ("v_wish.expires_at, p_at", "v_wish"),
):
    if _FORWARDS.count(_moment) != 1:
        message = "the function of the earlier migration is not the one that was meant"
        raise RuntimeError(message)
    _FORWARDS = _FORWARDS.replace(_moment, _moment + _LATER.format(_turn))

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    forwards=_FORWARDS,
    backwards=_AT_ONCE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
    description=DESCRIPTION,
)
