"""Claiming looks each key up, instead of reading the table."""

from commercekit.platform.db import sql_migration
from commercekit.platform.http.piccolo_migrations.http_2026_11_22t18_00_00_000000 import (
    _FORWARDS as _WITH_A_JOIN,
)

ID = "2026-11-22T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "keys are looked up one by one when claimed"

_FORWARDS = """
-- Claims every key that is free, in one order for everybody, and says of each: 'claimed'; 'known', when an
-- earlier try of this very work has committed; or 'taken'. A rival who is just claiming one is waited for.
-- A claim that brings a status is complete at once, any other is leased. In PL/pgSQL for its plan, which
-- is kept; that of an SQL function is made at every call before PostgreSQL 18.
CREATE OR REPLACE FUNCTION platform_claim_keys(p_claims jsonb, p_lease interval)
RETURNS TABLE (turn integer, state text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(p_claims) AS c(turn integer, scope text, subject text,
            key text, request_hash bytea, work_id uuid, step text, status integer, headers jsonb,
            body bytea)
    ), claimed AS (
        INSERT INTO platform_idempotency_key (scope, subject, key, request_hash, state, step, attempt,
            work_id, status, headers, body, lease_until, created_at)
        SELECT a.scope, a.subject, a.key, a.request_hash,
               CASE WHEN a.status IS NULL THEN 'running' ELSE 'completed' END, a.step, 1, a.work_id,
               a.status, a.headers, a.body,
               clock_timestamp() + CASE WHEN a.status IS NULL THEN p_lease ELSE interval '0' END,
               clock_timestamp()
        FROM asked a ORDER BY a.scope, a.subject, a.key
        ON CONFLICT DO NOTHING
        RETURNING scope, subject, key
    )
    -- A look-up for each key that was not free: a join would read the whole table, whose size a
    -- generic plan does not know.
    SELECT a.turn, CASE WHEN c.key IS NOT NULL THEN 'claimed'
                        WHEN (SELECT k.work_id FROM platform_idempotency_key k
                              WHERE k.scope = a.scope AND k.subject = a.subject AND k.key = a.key)
                             = a.work_id THEN 'known' ELSE 'taken' END
    FROM asked a LEFT JOIN claimed c USING (scope, subject, key);
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_http",
    forwards=_FORWARDS,
    backwards=["DROP FUNCTION platform_claim_keys(jsonb, interval);", _WITH_A_JOIN],
    description=DESCRIPTION,
)
