"""The statements behind jobs; every lease is on the database's clock."""

from __future__ import annotations

__all__ = [
    "CANCEL",
    "CLAIM",
    "END",
    "ENQUEUE",
    "EXPIRED",
    "KINDS",
    "LIST",
    "LOOK",
    "PAUSE",
    "PRUNE",
    "RENEW",
    "RETRY",
    "RUN_SCHEDULE",
    "SCHEDULES",
    "TICK",
    "VIEW",
]

ENQUEUE = """
INSERT INTO platform_job (id, kind, payload, unique_key, due_at, created_at, priority)
VALUES ($1, $2, $3::text::jsonb, $4, $5, $6, $7)
ON CONFLICT (kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL
    DO UPDATE SET due_at = least(platform_job.due_at, excluded.due_at),
        priority = CASE WHEN 'high' IN (platform_job.priority, excluded.priority) THEN 'high'
                        WHEN 'normal' IN (platform_job.priority, excluded.priority) THEN 'normal'
                        ELSE 'low' END
RETURNING id
"""
# A key is unique among waiting jobs only: work asked for while the same work runs may concern what the
# run has read already, so it waits, and starts when the run is over.
#
# The heads of each priority's line are merged by due time and head start, so that a claim costs the same
# however long the lines are and whoever is late enough overtakes. Then the first that nobody else is
# just taking is taken. The paused are taken out of the kinds and not of the jobs, and each is looked up by
# its id: what the planner believed of other conditions made it sort a line of 20,000 for each claim.
CLAIM = """
WITH head AS (
    SELECT c.id, c.place
    FROM unnest($6::text[], $7::interval[]) AS p(priority, head_start)
    CROSS JOIN LATERAL (
        SELECT j.id, j.due_at - p.head_start AS place FROM platform_job j
        WHERE j.state = 'waiting' AND j.priority = p.priority AND j.due_at <= $2
          AND j.kind = ANY(ARRAY(SELECT unnest($1::text[])
                                 EXCEPT SELECT k.kind FROM platform_job_kind k WHERE k.paused))
          AND (j.unique_key IS NULL OR NOT EXISTS (
              SELECT 1 FROM platform_job r
              WHERE r.kind = j.kind AND r.unique_key = j.unique_key AND r.state = 'running'))
        ORDER BY j.due_at, j.id LIMIT 32
    ) c
    ORDER BY c.place, c.id LIMIT 32
), due AS (
    SELECT j.id FROM (SELECT id FROM head ORDER BY place, id) h
    CROSS JOIN LATERAL (
        SELECT id FROM platform_job WHERE id = h.id AND state = 'waiting' FOR UPDATE SKIP LOCKED
    ) j
    LIMIT $3
)
UPDATE platform_job j
SET state = 'running', attempts = attempts + 1, lease_token = $4, started_at = clock_timestamp(),
    lease_until = clock_timestamp() + $5::interval
FROM due WHERE j.id = due.id
RETURNING j.id, j.kind, j.payload, j.attempts, j.due_at
"""
EXPIRED = """
SELECT id, kind, payload, attempts, unique_key FROM platform_job
WHERE state = 'running' AND lease_until < clock_timestamp()
ORDER BY lease_until LIMIT 50
FOR UPDATE SKIP LOCKED
"""
RENEW = """
UPDATE platform_job
SET lease_until = CASE WHEN $3::interval IS NULL THEN lease_until
                       ELSE clock_timestamp() + $3::interval END,
    progress_done = coalesce($4, progress_done), progress_total = coalesce($5, progress_total),
    progress_note = coalesce($6, progress_note)
WHERE id = $1 AND lease_token = $2 AND state = 'running'
RETURNING cancel_requested_at IS NOT NULL
"""
LOOK = """
SELECT cancel_requested_at IS NOT NULL FROM platform_job
WHERE id = $1 AND lease_token = $2 AND state = 'running'
"""
# What was cancelled in the meantime neither waits nor is parked. A job that goes back to waiting gives
# way to one that was enqueued under its key in the meantime.
END = """
WITH ending AS (
    SELECT id, CASE
        WHEN $3 IN ('waiting', 'parked') AND cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN $3 = 'waiting' AND EXISTS (
            SELECT 1 FROM platform_job w
            WHERE w.kind = j.kind AND w.unique_key = j.unique_key AND w.state = 'waiting')
        THEN 'done' ELSE $3 END AS state
    FROM platform_job j
    WHERE id = $1 AND ($2::uuid IS NULL OR lease_token = $2) AND state = 'running'
    FOR UPDATE
)
UPDATE platform_job j
SET state = ending.state,
    finished_at = CASE WHEN ending.state IN ('done', 'cancelled') THEN now() END,
    lease_token = NULL, lease_until = NULL, error = $4, due_at = coalesce($5, due_at),
    attempts = attempts - $6,
    failures = CASE WHEN $7::text IS NULL THEN failures
        ELSE jsonb_path_query_array(failures || $7::text::jsonb, '$[last - 4 to last]') END,
    progress_done = coalesce($8, progress_done), progress_total = coalesce($9, progress_total),
    progress_note = coalesce($10, progress_note)
FROM ending WHERE j.id = ending.id
RETURNING j.state
"""
RETRY = """
UPDATE platform_job j
SET state = 'waiting', attempts = 0, error = NULL, finished_at = NULL, due_at = $2,
    cancel_requested_at = NULL
WHERE id = $1 AND state IN ('parked', 'cancelled', 'waiting') AND NOT EXISTS (
    SELECT 1 FROM platform_job w WHERE w.kind = j.kind AND w.unique_key = j.unique_key
    AND w.state = 'waiting' AND w.id <> j.id)
RETURNING id
"""
CANCEL = """
UPDATE platform_job
SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
    finished_at = CASE WHEN state = 'running' THEN NULL ELSE now() END,
    cancel_requested_at = coalesce(cancel_requested_at, now())
WHERE id = $1 AND state IN ('waiting', 'parked', 'running')
RETURNING kind, payload, state
"""
# The last run of each schedule stays, so that its outcome can be seen.
PRUNE = """
WITH gone AS (DELETE FROM platform_job
              WHERE finished_at < now() - $1::interval AND state IN ('done', 'cancelled')
                AND id <> ALL(ARRAY(SELECT last_job_id FROM platform_schedule
                                    WHERE last_job_id IS NOT NULL))
              RETURNING 1)
SELECT count(*) FROM gone
"""
TICK = """
UPDATE platform_schedule SET next_at = $2, last_at = $3
WHERE name = $1 AND next_at <= $3 RETURNING name
"""
RUN_SCHEDULE = """
INSERT INTO platform_schedule (name, next_at, last_job_id) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET last_job_id = excluded.last_job_id
"""
SCHEDULES = """
SELECT s.name, s.next_at, s.last_at, s.last_job_id, j.state, j.finished_at, j.error
FROM platform_schedule s LEFT JOIN platform_job j ON j.id = s.last_job_id
WHERE s.name = ANY($1::text[])
"""
KINDS = """
SELECT coalesce(k.kind, j.kind) AS kind, coalesce(k.paused, false) AS paused, k.reason,
       k.changed_by, k.changed_at, coalesce(k.version, 0) AS version,
       coalesce(j.waiting, 0) AS waiting, coalesce(j.running, 0) AS running,
       coalesce(j.parked, 0) AS parked
FROM (
    SELECT kind, count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'running') AS running,
           count(*) FILTER (WHERE state = 'parked') AS parked
    FROM platform_job WHERE state IN ('waiting', 'running', 'parked') GROUP BY kind
) j FULL JOIN platform_job_kind k ON k.kind = j.kind
WHERE $1::text IS NULL OR coalesce(k.kind, j.kind) = $1
"""
PAUSE = """
INSERT INTO platform_job_kind AS k (kind, paused, reason, changed_by, changed_at, version)
SELECT $1, $2, $3, $4, now(), 1 WHERE coalesce($5, 0) = 0
    OR EXISTS (SELECT 1 FROM platform_job_kind WHERE kind = $1)
ON CONFLICT (kind) DO UPDATE
    SET paused = excluded.paused, reason = excluded.reason, changed_by = excluded.changed_by,
        changed_at = excluded.changed_at, version = k.version + 1
    WHERE $5::int IS NULL OR k.version = $5
RETURNING version
"""
VIEW = """
id, kind, state, priority, attempts, due_at, created_at, started_at, finished_at, unique_key, error,
failures, progress_done, progress_total, progress_note, cancel_requested_at
"""
LIST = f"""
SELECT {VIEW} FROM platform_job
WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
  AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""  # noqa: S608 - built from constants of this module
