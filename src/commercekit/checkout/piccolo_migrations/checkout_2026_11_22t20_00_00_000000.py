"""Placing reads by key only, whatever the planner believed when it met an empty table."""

from commercekit.checkout.piccolo_migrations.checkout_2026_11_22t18_40_00_000000 import (
    _PLACE as _BEFORE,
)
from commercekit.platform.db import sql_migration

ID = "2026-11-22T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "placing reads by key only"

_PLACE = """
-- Places each order wholly or not at all, in the order of p_wishes, and says of each turn (from 0):
-- 'placed'; 'known', when an earlier try of this very order has committed; 'taken', when its key belongs to
-- another work; 'cart-changed'; 'cart-ordered'; 'limit-reached', with the limits as detail; 'out-of-stock',
-- with the lines as detail; 'again', when its limit was used up by an earlier turn that then found no
-- stock. The row of turn -1 says what changed in stock. A wish is {claim, cart: {id, version}, allocation, order, payment}, where
-- claim, cart and payment may be null and no two wishes share a key, a cart or an id; the parts are as platform_claim_keys, inventory_allocate_all,
-- orders_write and payments_write take them. Everybody locks in this order: key, cart, limits, stock items.
CREATE OR REPLACE FUNCTION checkout_place(p_wishes jsonb, p_at timestamptz, p_lease interval)
RETURNS TABLE (turn integer, outcome text, detail jsonb)
LANGUAGE plpgsql
-- Plans are made once in a connection's life, perhaps while a table, or the partition of a month that is
-- just beginning, is still empty and reading the whole of it seems cheapest; the checks of foreign keys
-- are planned here as well. Whatever is asked for here is asked for by key.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_outcomes text[] := array_fill(NULL::text, ARRAY[jsonb_array_length(p_wishes)]);
    v_limits   jsonb;
    v_refused  jsonb;
    v_stock    jsonb;
    v_orders   jsonb;
    v_payments jsonb;
    v_row      record;
BEGIN
    FOR v_row IN
        SELECT k.turn, k.state FROM platform_claim_keys((
            SELECT coalesce(jsonb_agg(w.claim || jsonb_build_object('turn', w.place - 1)), '[]')
            FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place),
                 LATERAL (SELECT e.wish -> 'claim' AS claim, e.place) w
            WHERE w.claim <> 'null'), p_lease) k
        WHERE k.state <> 'claimed'
    LOOP
        v_outcomes[v_row.turn + 1] := v_row.state;
    END LOOP;

    -- An order that was placed without a key is found by its id.
    FOR v_row IN
        SELECT e.place FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
        JOIN orders_order o ON o.id = (e.wish -> 'order' ->> 'id')::uuid
        WHERE e.wish -> 'claim' = 'null'
    LOOP
        v_outcomes[v_row.place] := 'known';
    END LOOP;

    FOR v_row IN
        WITH wanted AS (
            SELECT e.place, (e.wish -> 'cart' ->> 'id')::uuid AS id,
                   (e.wish -> 'cart' ->> 'version')::integer AS version
            FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
            WHERE e.wish -> 'cart' <> 'null' AND v_outcomes[e.place] IS NULL
        ), locked AS MATERIALIZED (
            SELECT c.id, c.version, c.order_id FROM checkout_cart c
            WHERE c.id IN (SELECT id FROM wanted) AND c.expires_at > p_at
            ORDER BY c.id FOR UPDATE
        )
        SELECT w.place, CASE WHEN c.order_id IS NOT NULL THEN 'cart-ordered' ELSE 'cart-changed' END
            AS state
        FROM wanted w LEFT JOIN locked c ON c.id = w.id
        WHERE c.order_id IS NOT NULL OR c.version IS DISTINCT FROM w.version
    LOOP
        v_outcomes[v_row.place] := v_row.state;
    END LOOP;

    IF EXISTS (SELECT FROM checkout_purchase_limit) THEN
        v_limits := checkout_check_limits(p_wishes, v_outcomes, p_at);
        FOR v_row IN SELECT r.turn::integer AS turn FROM jsonb_object_keys(v_limits -> 'refused') AS r(turn)
        LOOP
            v_outcomes[v_row.turn + 1] := 'limit-reached';
        END LOOP;
    END IF;

    v_stock := inventory_allocate_all((
        SELECT coalesce(jsonb_agg(e.wish -> 'allocation' || jsonb_build_object('turn', e.place - 1)
                                  ORDER BY e.place), '[]')
        FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
        WHERE v_outcomes[e.place] IS NULL), p_at);
    v_refused := v_stock -> 'refused';

    IF v_limits IS NOT NULL THEN
        INSERT INTO checkout_purchase (limit_id, buyer, order_id, quantity, allowed, at)
        SELECT w.limit_id, w.buyer::bytea, w.order_id, w.wanted, w.allowed, p_at
        FROM jsonb_to_recordset(v_limits -> 'wants') AS w(turn integer, limit_id uuid, buyer text,
            order_id uuid, wanted integer, allowed integer)
        WHERE v_outcomes[w.turn + 1] IS NULL AND NOT v_refused ? w.turn::text;

        FOR v_row IN
            SELECT DISTINCT w.turn
            FROM jsonb_to_recordset(v_limits -> 'wants') AS w(turn integer, counter integer)
            JOIN jsonb_to_recordset(v_limits -> 'wants') AS e(turn integer, counter integer)
              ON e.counter = w.counter AND e.turn < w.turn
            WHERE v_outcomes[w.turn + 1] = 'limit-reached' AND v_refused ? e.turn::text
        LOOP
            v_outcomes[v_row.turn + 1] := 'again';
        END LOOP;
    END IF;

    SELECT coalesce(jsonb_agg(e.wish -> 'order'), '[]'),
           coalesce(jsonb_agg(e.wish -> 'payment') FILTER (WHERE e.wish -> 'payment' <> 'null'), '[]')
    INTO v_orders, v_payments
    FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
    WHERE v_outcomes[e.place] IS NULL AND NOT v_refused ? (e.place - 1)::text;

    PERFORM orders_write(v_orders);
    PERFORM payments_write(v_payments);

    UPDATE checkout_cart c SET order_id = (e.wish -> 'order' ->> 'id')::uuid, version = c.version + 1
    FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
    WHERE c.id = (e.wish -> 'cart' ->> 'id')::uuid
      AND v_outcomes[e.place] IS NULL AND NOT v_refused ? (e.place - 1)::text;

    -- What was refused has done nothing: its key may be used again.
    IF v_refused <> '{}' OR v_outcomes && ARRAY['cart-changed', 'cart-ordered', 'limit-reached', 'again']
    THEN
        DELETE FROM platform_idempotency_key k
        USING jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
        WHERE k.scope = e.wish -> 'claim' ->> 'scope' AND k.subject = e.wish -> 'claim' ->> 'subject'
          AND k.key = e.wish -> 'claim' ->> 'key' AND k.work_id = (e.wish -> 'claim' ->> 'work_id')::uuid
          AND (v_outcomes[e.place] IN ('cart-changed', 'cart-ordered', 'limit-reached', 'again')
               OR v_refused ? (e.place - 1)::text);
    END IF;

    RETURN QUERY
        SELECT (e.place - 1)::integer,
               coalesce(v_outcomes[e.place],
                        CASE WHEN v_refused ? (e.place - 1)::text THEN 'out-of-stock'
                             ELSE 'placed' END),
               coalesce(v_refused -> (e.place - 1)::text,
                        v_limits -> 'refused' -> (e.place - 1)::text)
        FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
        UNION ALL SELECT -1, 'stock', v_stock -> 'changes';
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    forwards=_PLACE,
    backwards=["DROP FUNCTION checkout_place(jsonb, timestamptz, interval);", _BEFORE],
    description=DESCRIPTION,
)
