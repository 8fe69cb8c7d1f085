"""Keys claimed by the batch, for work that is one transaction."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "claiming many idempotency keys at once"

_FORWARDS = """
-- Claims every key that is free, in one order for everybody, and says of each: 'claimed'; 'known', when an
-- earlier try of this very work has committed; or 'taken'. A rival who is just claiming one is waited for.
-- A claim that brings a status is complete at once, any other is leased.
CREATE FUNCTION platform_claim_keys(p_claims jsonb, p_lease interval)
RETURNS TABLE (turn integer, state text)
LANGUAGE sql SET plan_cache_mode = force_generic_plan AS $$
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
    SELECT a.turn, CASE WHEN c.key IS NOT NULL THEN 'claimed'
                        WHEN k.work_id = a.work_id THEN 'known' ELSE 'taken' END
    FROM asked a
    LEFT JOIN claimed c USING (scope, subject, key)
    LEFT JOIN platform_idempotency_key k USING (scope, subject, key)
$$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_http",
    forwards=_FORWARDS,
    backwards="DROP FUNCTION platform_claim_keys(jsonb, interval);",
    description=DESCRIPTION,
)
