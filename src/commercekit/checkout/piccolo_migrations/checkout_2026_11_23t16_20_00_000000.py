"""Limits per customer know the account that orders."""

from __future__ import annotations

from commercekit.checkout.piccolo_migrations.checkout_2026_11_22t18_40_00_000000 import (
    _DECIDE as _BEFORE,
)
from commercekit.platform.db import sql_migration

ID = "2026-11-23T16:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "limits of accounts"

_DECIDE = """
-- Which turns of p_wishes (as checkout_place takes them; only those without an outcome yet) ask for more
-- than a limit leaves to their buyer. A guest is whom the e-mail address names; an account is itself and
-- whom the address names, and may have what is left to both. Who buys for one limit and one buyer waits
-- for whoever does so now, until that transaction is over. NULL when nothing is limited; otherwise
-- {"wants": [{turn, limit_id, buyer, order_id, wanted, allowed}],
--  "refused": {turn: [{skus, wanted, left, quantity, days}]}}.
CREATE OR REPLACE FUNCTION checkout_check_limits(p_wishes jsonb, p_outcomes text[], p_at timestamptz)
RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_wants   jsonb;
    v_served  integer[];
    v_refused jsonb;
BEGIN
    SELECT jsonb_agg(to_jsonb(w)) INTO v_wants
    FROM (SELECT (e.place - 1)::integer AS turn, m.id AS limit_id,
                 b.buyer,
                 (e.wish -> 'order' ->> 'id')::uuid AS order_id,
                 sum(l.quantity)::bigint AS wanted, array_agg(DISTINCT l.sku) AS skus
          FROM jsonb_array_elements(p_wishes) WITH ORDINALITY AS e(wish, place)
          CROSS JOIN LATERAL jsonb_to_recordset(e.wish -> 'order' -> 'lines')
              AS l(sku text, variant_id uuid, product_id uuid, quantity integer)
          JOIN checkout_purchase_limit m ON m.subject_id IN (l.variant_id, l.product_id)
          CROSS JOIN LATERAL (VALUES (e.wish -> 'order' ->> 'email_index'),
              ('\\x' || replace(e.wish -> 'order' ->> 'customer_id', '-', ''))) AS b(buyer)
          WHERE p_outcomes[e.place] IS NULL AND b.buyer IS NOT NULL
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

    -- A limit is named once, with the least that is left of it.
    SELECT jsonb_object_agg(r.turn, r.limits) INTO v_refused
    FROM (SELECT n.turn, jsonb_agg(jsonb_build_object('skus', n.skus, 'wanted', n.wanted,
              'left', greatest(0, n.left_now), 'quantity', n.allowed, 'days', n.days)
              ORDER BY n.place) FILTER (WHERE n.wanted > n.left_now) AS limits
          FROM (SELECT w.turn, w.skus, w.wanted, w.allowed, w.days, min(w.counter) AS place,
                       min(w.free - coalesce(f.gone, 0)) AS left_now
                FROM jsonb_to_recordset(v_wants) AS w(turn integer, counter integer, limit_id uuid,
                    wanted bigint, skus jsonb, free bigint, allowed integer, days integer)
                CROSS JOIN LATERAL (
                    SELECT sum(e.wanted) AS gone
                    FROM jsonb_to_recordset(v_wants)
                        AS e(turn integer, counter integer, wanted bigint)
                    WHERE e.counter = w.counter AND e.turn < w.turn
                      AND e.turn = ANY (v_served)) f
                WHERE w.turn <> ALL (v_served)
                GROUP BY w.turn, w.limit_id, w.skus, w.wanted, w.allowed, w.days) n
          GROUP BY n.turn) r;
    RETURN jsonb_build_object('wants', coalesce(v_wants, '[]'), 'refused', coalesce(v_refused, '{}'));
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    description=DESCRIPTION,
    forwards=_DECIDE,
    backwards=[
        "DROP FUNCTION checkout_check_limits(jsonb, text[], timestamptz);",
        _BEFORE,
    ],
)
