"""Facts can be told by a function, so that a set-based writer tells them in the statement that writes."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "platform_tell"

_TELL = """
-- Writes facts to the outbox, in their order: [{id, aggregate, aggregate_id, type, version, payload}].
-- The upsert takes the aggregates' rows in sorted order and holds them until COMMIT: writers of one
-- aggregate queue up, numbers have no gaps, and a fact is visible only together with all before it.
CREATE FUNCTION platform_tell(p_facts jsonb, p_at timestamptz)
RETURNS TABLE (id uuid, sequence bigint)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH told AS MATERIALIZED (
        SELECT t.*, row_number() OVER (PARTITION BY t.aggregate, t.aggregate_id ORDER BY t.ord) AS place
        FROM ROWS FROM (
            jsonb_to_recordset(p_facts) AS (id uuid, aggregate text, aggregate_id text, type text,
                                            version integer, payload jsonb)
        ) WITH ORDINALITY AS t(id, aggregate, aggregate_id, type, version, payload, ord)
    ), counted AS (
        SELECT aggregate, aggregate_id, max(place) AS n FROM told GROUP BY aggregate, aggregate_id
    ), numbered AS (
        INSERT INTO platform_event_sequence AS s (aggregate, aggregate_id, last_sequence)
        SELECT aggregate, aggregate_id, n FROM counted ORDER BY aggregate, aggregate_id
        ON CONFLICT (aggregate, aggregate_id)
            DO UPDATE SET last_sequence = s.last_sequence + excluded.last_sequence
        RETURNING aggregate, aggregate_id, last_sequence
    )
    INSERT INTO platform_outbox AS o
        (id, aggregate, aggregate_id, sequence, type, version, payload, occurred_at)
    SELECT t.id, t.aggregate, t.aggregate_id, n.last_sequence - c.n + t.place, t.type, t.version,
           t.payload, p_at
    FROM told t
    JOIN counted c USING (aggregate, aggregate_id)
    JOIN numbered n USING (aggregate, aggregate_id)
    ORDER BY t.ord
    RETURNING o.id, o.sequence;
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_bus",
    description=DESCRIPTION,
    forwards=_TELL,
    backwards="DROP FUNCTION platform_tell(jsonb, timestamptz);",
)
