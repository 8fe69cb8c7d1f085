"""Orders are placed and told of by one statement, which is a transaction of its own."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T00:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "checkout_place_and_tell"

_PLACE_AND_TELL = """
-- As checkout_place, and tells the facts that each wish carries as "facts" (as platform_tell takes them)
-- of those that were placed. Where a number that shoppers see changes, read models must change with it:
-- then nothing is done, and the one row is (-1, 'shows', the SKUs); p_cap is the most that is shown.
CREATE FUNCTION checkout_place_and_tell(
    p_wishes jsonb, p_at timestamptz, p_lease interval, p_cap integer)
RETURNS TABLE (turn integer, outcome text, detail jsonb)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_turns    integer[] := '{}';
    v_outcomes text[] := '{}';
    v_details  jsonb[] := '{}';
    v_placed   integer[] := '{}';
    v_facts    jsonb;
    v_shown    jsonb;
    v_row      record;
BEGIN
    BEGIN
        FOR v_row IN SELECT * FROM checkout_place(p_wishes, p_at, p_lease) LOOP
            IF v_row.turn < 0 THEN
                v_shown := inventory_change_shows(v_row.detail, p_cap);
                IF v_shown IS NOT NULL THEN
                    RAISE EXCEPTION 'what shoppers see changes' USING ERRCODE = 'CK001';
                END IF;
                CONTINUE;
            END IF;
            IF v_row.outcome = 'placed' THEN
                v_placed := v_placed || v_row.turn;
            END IF;
            v_turns := v_turns || v_row.turn;
            v_outcomes := v_outcomes || v_row.outcome;
            v_details := v_details || v_row.detail;
        END LOOP;
    EXCEPTION WHEN SQLSTATE 'CK001' THEN
        RETURN QUERY SELECT -1, 'shows', v_shown;
        RETURN;
    END;

    SELECT jsonb_agg(f.fact ORDER BY e.place, f.place) INTO v_facts
    FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place),
         LATERAL jsonb_array_elements(e.wish -> 'facts') WITH ORDINALITY AS f(fact, place)
    WHERE (e.place - 1)::integer = ANY (v_placed);
    IF v_facts IS NOT NULL THEN
        PERFORM platform_tell(v_facts, p_at);
    END IF;

    RETURN QUERY SELECT t.turn, t.outcome, t.detail
        FROM unnest(v_turns, v_outcomes, v_details) AS t(turn, outcome, detail);
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    description=DESCRIPTION,
    forwards=_PLACE_AND_TELL,
    backwards=("DROP FUNCTION checkout_place_and_tell(jsonb, timestamptz, interval, integer);"),
)
