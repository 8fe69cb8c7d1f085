"""Limits per customer, decided in the transaction that places."""

from commercekit.checkout.piccolo_migrations.checkout_2026_11_22t18_00_00_000000 import (
    _FORWARDS as _WITHOUT_LIMITS,
)
from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "limits per customer"

_TABLES = """
-- At most so many of a variant, or of all variants of a product, for one customer; within so many days,
-- or ever.
CREATE TABLE checkout_purchase_limit (
    id         uuid PRIMARY KEY,
    subject    text NOT NULL CHECK (subject IN ('variant', 'product')),
    subject_id uuid NOT NULL,
    sku        text CHECK ((sku IS NULL) = (subject = 'product')),
    quantity   integer NOT NULL CHECK (quantity > 0),
    days       integer CHECK (days > 0),
    created_at timestamptz NOT NULL,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE NULLS NOT DISTINCT (subject_id, days)
);

-- What an order took of a limit. "allowed" is the limit as it was then.
CREATE TABLE checkout_purchase (
    limit_id   uuid NOT NULL REFERENCES checkout_purchase_limit (id) ON DELETE CASCADE,
    buyer      bytea NOT NULL,
    order_id   uuid NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    given_back integer NOT NULL DEFAULT 0 CHECK (given_back BETWEEN 0 AND quantity),
    allowed    integer NOT NULL CHECK (quantity <= allowed),
    at         timestamptz NOT NULL,
    PRIMARY KEY (limit_id, buyer, order_id)
);
CREATE INDEX checkout_purchase_of_order ON checkout_purchase (order_id);
"""

_DECIDE = """
-- Which turns of p_wishes (as checkout_place takes them; only those without an outcome yet) ask for more
-- than a limit leaves to their buyer. Who buys for one limit and one buyer waits for whoever does so now,
-- until that transaction is over. NULL when nothing is limited; otherwise
-- {"wants": [{turn, limit_id, buyer, order_id, wanted, allowed}],
--  "refused": {turn: [{skus, wanted, left, quantity, days}]}}.
CREATE FUNCTION checkout_check_limits(p_wishes jsonb, p_outcomes text[], p_at timestamptz)
RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_wants   jsonb;
    v_served  integer[];
    v_refused jsonb;
BEGIN
    SELECT jsonb_agg(to_jsonb(w)) INTO v_wants
    FROM (SELECT (e.place - 1)::integer AS turn, m.id AS limit_id,
                 e.wish -> 'order' ->> 'email_index' AS buyer,
                 (e.wish -> 'order' ->> 'id')::uuid AS order_id,
                 sum(l.quantity)::bigint AS wanted, array_agg(DISTINCT l.sku) AS skus
          FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
          CROSS JOIN LATERAL jsonb_to_recordset(e.wish -> 'order' -> 'lines')
              AS l(sku text, variant_id uuid, product_id uuid, quantity integer)
          JOIN checkout_purchase_limit m ON m.subject_id IN (l.variant_id, l.product_id)
          WHERE p_outcomes[e.place] IS NULL
          GROUP BY 1, 2, 3, 4) w;
    IF v_wants IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM pg_advisory_xact_lock(hashtext('checkout_purchase'), k.name)
    FROM (SELECT DISTINCT hashtext(w.limit_id::text || w.buyer) AS name
          FROM jsonb_to_recordset(v_wants) AS w(limit_id uuid, buyer text) ORDER BY 1) k;

    -- What those who were waited for have bought is seen from here on.
    SELECT jsonb_agg(to_jsonb(w)) INTO v_wants
    FROM (SELECT w.*, m.quantity AS allowed, m.days, m.quantity - b.bought AS free,
                 dense_rank() OVER (ORDER BY w.limit_id, w.buyer) AS counter
          FROM jsonb_to_recordset(v_wants) AS w(turn integer, limit_id uuid, buyer text,
              order_id uuid, wanted bigint, skus text[])
          JOIN checkout_purchase_limit m ON m.id = w.limit_id
          CROSS JOIN LATERAL (
              SELECT coalesce(sum(p.quantity - p.given_back), 0)::bigint AS bought
              FROM checkout_purchase p
              WHERE p.limit_id = w.limit_id AND p.buyer = w.buyer::bytea
                AND (m.days IS NULL OR p.at > p_at - make_interval(days => m.days))) b) w;

    SELECT platform_first_come(
               array_agg(w.turn ORDER BY w.turn, w.counter),
               array_agg(w.counter ORDER BY w.turn, w.counter),
               array_agg(w.wanted ORDER BY w.turn, w.counter),
               (SELECT array_agg(c.free ORDER BY c.counter)
                FROM (SELECT DISTINCT d.counter, d.free
                      FROM jsonb_to_recordset(v_wants) AS d(counter integer, free bigint)) c))
    INTO v_served
    FROM jsonb_to_recordset(v_wants) AS w(turn integer, counter integer, wanted bigint);

    SELECT jsonb_object_agg(r.turn, r.limits) INTO v_refused
    FROM (SELECT w.turn, jsonb_agg(jsonb_build_object('skus', w.skus, 'wanted', w.wanted,
              'left', greatest(0, f.left_now), 'quantity', w.allowed, 'days', w.days)
              ORDER BY w.counter) FILTER (WHERE w.wanted > f.left_now) AS limits
          FROM jsonb_to_recordset(v_wants) AS w(turn integer, counter integer, wanted bigint,
              skus jsonb, free bigint, allowed integer, days integer)
          CROSS JOIN LATERAL (
              SELECT w.free - coalesce(sum(e.wanted), 0) AS left_now
              FROM jsonb_to_recordset(v_wants) AS e(turn integer, counter integer, wanted bigint)
              WHERE e.counter = w.counter AND e.turn < w.turn AND e.turn = ANY (v_served)) f
          WHERE w.turn <> ALL (v_served) GROUP BY w.turn) r;
    RETURN jsonb_build_object('wants', coalesce(v_wants, '[]'), 'refused', coalesce(v_refused, '{}'));
END $$;
"""

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
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
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
    DELETE FROM platform_idempotency_key k
    USING jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
    WHERE k.scope = e.wish -> 'claim' ->> 'scope' AND k.subject = e.wish -> 'claim' ->> 'subject'
      AND k.key = e.wish -> 'claim' ->> 'key' AND k.work_id = (e.wish -> 'claim' ->> 'work_id')::uuid
      AND (v_outcomes[e.place] IN ('cart-changed', 'cart-ordered', 'limit-reached', 'again')
           OR v_refused ? (e.place - 1)::text);

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
    forwards=[_TABLES, _DECIDE, _PLACE],
    backwards=[
        "DROP FUNCTION checkout_place(jsonb, timestamptz, interval);",
        _WITHOUT_LIMITS,
        "DROP FUNCTION checkout_check_limits(jsonb, text[], timestamptz);",
        "DROP TABLE checkout_purchase, checkout_purchase_limit;",
    ],
    description=DESCRIPTION,
)
