"""Whether an allocation changes what shoppers see can be asked where it is made."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "inventory_change_shows"

_SHOWS = """
-- Which SKUs, of the "changes" that inventory_allocate_all gives, may now be shown with another number:
-- those of which fewer are left than p_cap, the most that is shown. Null when it is none.
CREATE FUNCTION inventory_change_shows(p_changes jsonb, p_cap integer) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
    SELECT jsonb_agg(change -> 'sku') FROM jsonb_array_elements(p_changes) AS change
    WHERE jsonb_path_exists(
        change, '$.** ? (@.tracked == true && (@.remaining < $cap || @.after < $cap))',
        jsonb_build_object('cap', p_cap))
$$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    description=DESCRIPTION,
    forwards=_SHOWS,
    backwards="DROP FUNCTION inventory_change_shows(jsonb, integer);",
)
