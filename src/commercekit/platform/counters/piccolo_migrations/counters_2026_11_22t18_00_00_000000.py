"""Who is served, when there is not enough for all."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "first come, first served over any counters"

_FORWARDS = """
-- The turns that are served, in ascending order. p_turns, p_counters and p_wanted are parallel and sorted
-- by turn; p_counters are places in p_left, counted from 1, where NULL never runs out; a turn names each
-- counter once. A turn is served wholly or not at all, and one that is refused takes nothing.
CREATE FUNCTION platform_first_come(
    p_turns integer[], p_counters integer[], p_wanted bigint[], p_left bigint[])
RETURNS integer[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_left   bigint[] := p_left;
    v_served integer[] := '{}';
    v_count  integer := coalesce(cardinality(p_turns), 0);
    v_from   integer := 1;
    v_next   integer;
    v_fits   boolean;
BEGIN
    -- The usual case, without a loop: there is enough for everybody.
    IF NOT EXISTS (
        SELECT FROM unnest(p_counters, p_wanted) AS w(counter, wanted)
        GROUP BY w.counter HAVING sum(w.wanted) > p_left[w.counter]
    ) THEN
        RETURN ARRAY(SELECT DISTINCT t.turn FROM unnest(p_turns) AS t(turn) ORDER BY t.turn);
    END IF;
    WHILE v_from <= v_count LOOP
        v_fits := true;
        v_next := v_from;
        WHILE v_next <= v_count AND p_turns[v_next] = p_turns[v_from] LOOP
            IF p_wanted[v_next] > v_left[p_counters[v_next]] THEN
                v_fits := false;
            END IF;
            v_next := v_next + 1;
        END LOOP;
        IF v_fits THEN
            FOR v_at IN v_from .. v_next - 1 LOOP
                v_left[p_counters[v_at]] := v_left[p_counters[v_at]] - p_wanted[v_at];
            END LOOP;
            v_served := v_served || p_turns[v_from];
        END IF;
        v_from := v_next;
    END LOOP;
    RETURN v_served;
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_counters",
    forwards=_FORWARDS,
    backwards="DROP FUNCTION platform_first_come(integer[], integer[], bigint[], bigint[]);",
    description=DESCRIPTION,
)
