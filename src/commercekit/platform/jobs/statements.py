"""The statements behind jobs; every lease is on the database's clock."""

from __future__ import annotations

__all__ = [
    "CLAIM",
    "END",
    "ENQUEUE",
    "EXPIRED",
    "LIST",
    "RENEW",
    "TICK",
    "VIEW",
]

ENQUEUE = """
INSERT INTO platform_job (id, kind, payload, unique_key, due_at, created_at)
VALUES ($1, $2, $3::text::jsonb, $4, $5, $6)
ON CONFLICT (kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL
    DO UPDATE SET due_at = least(platform_job.due_at, excluded.due_at)
RETURNING id
"""
# A key is unique among waiting jobs only: work asked for while the same work runs may concern what the
# run has read already, so it waits, and starts when the run is over.
CLAIM = """
WITH due AS (
    SELECT id FROM platform_job j
    WHERE kind = ANY($1::text[]) AND state = 'waiting' AND due_at <= $2
      AND (unique_key IS NULL OR NOT EXISTS (
          SELECT 1 FROM platform_job r
          WHERE r.kind = j.kind AND r.unique_key = j.unique_key AND r.state = 'running'))
    ORDER BY due_at, id LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE platform_job j
SET state = 'running', attempts = attempts + 1, lease_token = $4,
    lease_until = clock_timestamp() + $5::interval
FROM due WHERE j.id = due.id
RETURNING j.id, j.kind, j.payload, j.attempts, j.due_at
"""
EXPIRED = """
SELECT id, kind, attempts, unique_key FROM platform_job
WHERE state = 'running' AND lease_until < clock_timestamp()
ORDER BY lease_until LIMIT 50
FOR UPDATE SKIP LOCKED
"""
RENEW = """
UPDATE platform_job SET lease_until = clock_timestamp() + $3::interval
WHERE id = $1 AND lease_token = $2 AND state = 'running' RETURNING id
"""
# A job that goes back to waiting gives way to one that was enqueued under its key in the meantime.
END = """
WITH ending AS (
    SELECT id, CASE WHEN $3 = 'waiting' AND EXISTS (
        SELECT 1 FROM platform_job w
        WHERE w.kind = j.kind AND w.unique_key = j.unique_key AND w.state = 'waiting')
    THEN 'done' ELSE $3 END AS state
    FROM platform_job j
    WHERE id = $1 AND ($2::uuid IS NULL OR lease_token = $2) AND state = 'running'
    FOR UPDATE
)
UPDATE platform_job j
SET state = ending.state, finished_at = CASE WHEN ending.state = 'done' THEN now() END,
    lease_token = NULL, lease_until = NULL, error = $4, due_at = coalesce($5, due_at),
    attempts = attempts - $6
FROM ending WHERE j.id = ending.id
RETURNING j.id
"""
TICK = """
UPDATE platform_schedule SET next_at = $2, last_at = $3
WHERE name = $1 AND next_at <= $3 RETURNING name
"""
VIEW = "id, kind, state, attempts, due_at, created_at, finished_at, unique_key, error"
LIST = f"""
SELECT {VIEW} FROM platform_job
WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
  AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""  # noqa: S608 - built from constants of this module
