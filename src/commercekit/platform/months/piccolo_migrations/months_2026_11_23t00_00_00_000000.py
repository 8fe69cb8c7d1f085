"""Which months are out of the shop."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "months that are over"

_FORWARDS = """
CREATE TABLE platform_month (
    month date PRIMARY KEY CHECK (extract(day FROM month) = 1),
    low uuid NOT NULL,
    high uuid NOT NULL CHECK (high > low),
    state text NOT NULL CHECK (state IN ('detaching', 'detached', 'archived', 'attaching')),
    folder text,
    digest text,
    detached_at timestamptz NOT NULL,
    archived_at timestamptz,
    CHECK (state <> 'archived' OR (folder IS NOT NULL AND digest IS NOT NULL
                                   AND archived_at IS NOT NULL))
);
-- What was told of something whose month was archived: nothing acted on it, and it is not lost.
CREATE TABLE platform_late (
    id uuid PRIMARY KEY,
    family text NOT NULL,
    subject_id uuid NOT NULL,
    key text NOT NULL,
    told jsonb NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (family, subject_id, key)
);
-- Whether what has this id was taken out of the shop's tables with its month.
CREATE FUNCTION platform_is_over(p_id uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM platform_month m WHERE p_id >= m.low AND p_id < m.high)
$$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_months",
    forwards=_FORWARDS,
    backwards="DROP FUNCTION platform_is_over(uuid); DROP TABLE platform_late, platform_month;",
    description=DESCRIPTION,
)
