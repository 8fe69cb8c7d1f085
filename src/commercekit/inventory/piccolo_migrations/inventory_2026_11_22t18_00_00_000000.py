"""Promising stock to many at once."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "allocation of a whole batch, first come first served"

_FORWARDS = """
-- Promises to each wish all that it wants, or nothing of it, in the order of their turns. A wish is
-- {turn, reference, expires_at, market, locations, most_stock, split, lines: [{sku, quantity}]}, each SKU
-- once. Every item anybody wants is locked first, in the order of ids. Gives
-- {"refused": {turn: [{sku, wanted, available, tracked}]},
--  "changes": [{sku, available, remaining, tracked, markets}]}, where "changes" says what there was of a
-- SKU before and after; a SKU may have several, one after the other.
CREATE FUNCTION inventory_allocate_all(p_wishes jsonb, p_at timestamptz)
RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_skus    text[];
    v_ids     uuid[];
    v_held    text[];
    v_free    bigint[];
    v_tracked boolean[];
    v_simple  boolean;
    v_turns   integer[];
    v_items   integer[];
    v_wanted  bigint[];
    v_served  integer[];
    v_moved   bigint;
    v_asked   bigint;
    v_refused jsonb := '{}';
    v_changes jsonb := '[]';
    v_wish    record;
    v_rows    jsonb;
BEGIN
    SELECT array_agg(DISTINCT l.sku) INTO v_skus
    FROM jsonb_array_elements(p_wishes) w, jsonb_to_recordset(w -> 'lines') AS l(sku text);

    SELECT array_agg(k.id ORDER BY k.id), array_agg(k.sku ORDER BY k.id),
           array_agg(k.free ORDER BY k.id), array_agg(k.tracked ORDER BY k.id),
           count(*) = count(DISTINCT k.sku) AND bool_and(k.active)
    INTO v_ids, v_held, v_free, v_tracked, v_simple
    FROM (SELECT i.id, i.sku, i.tracked, l.active,
                 greatest(0, i.on_hand - i.allocated + i.backorder_limit) AS free
          FROM inventory_stock_item i JOIN inventory_location l ON l.id = i.location_id
          WHERE i.sku = ANY (v_skus) ORDER BY i.id FOR UPDATE OF i) k;

    IF NOT coalesce(v_simple, true) OR EXISTS (SELECT FROM inventory_market_location) THEN
        -- Somebody has a choice of locations: one wish after the other, all locks held already.
        FOR v_wish IN
            SELECT w.turn, w.reference, w.expires_at, w.market, w.locations, w.most_stock, w.split,
                   (SELECT array_agg(l.sku) FROM jsonb_to_recordset(w.lines) AS l(sku text)) AS skus,
                   (SELECT array_agg(l.quantity)
                    FROM jsonb_to_recordset(w.lines) AS l(quantity integer)) AS quantities
            FROM jsonb_to_recordset(p_wishes) AS w(turn integer, reference text,
                expires_at timestamptz, market text, locations uuid[], most_stock boolean,
                split boolean, lines jsonb)
            ORDER BY w.turn
        LOOP
            SELECT bool_and(a.granted), jsonb_agg(to_jsonb(a)) INTO v_simple, v_rows
            FROM inventory_allocate(v_wish.reference, v_wish.skus, v_wish.quantities,
                v_wish.expires_at, p_at, v_wish.market, v_wish.locations, v_wish.most_stock,
                v_wish.split) a;
            IF v_simple THEN
                v_changes := v_changes || v_rows;
            ELSE
                v_refused := v_refused || jsonb_build_object(v_wish.turn::text, v_rows);
            END IF;
        END LOOP;
        RETURN jsonb_build_object('refused', v_refused, 'changes', v_changes);
    END IF;

    -- Each SKU lies in one place. A SKU that lies nowhere is an empty counter, the last.
    SELECT array_agg(q.turn ORDER BY q.turn, q.item), array_agg(q.item ORDER BY q.turn, q.item),
           array_agg(q.quantity ORDER BY q.turn, q.item)
    INTO v_turns, v_items, v_wanted
    FROM (SELECT w.turn,
                 coalesce(array_position(v_held, l.sku), coalesce(cardinality(v_held), 0) + 1) AS item,
                 sum(l.quantity)::bigint AS quantity
          FROM jsonb_to_recordset(p_wishes) AS w(turn integer, lines jsonb),
               jsonb_to_recordset(w.lines) AS l(sku text, quantity integer)
          GROUP BY 1, 2) q;
    v_served := platform_first_come(v_turns, v_items, v_wanted, ARRAY(
        SELECT CASE WHEN t.tracked THEN t.free END
        FROM unnest(v_free, v_tracked) WITH ORDINALITY AS t(free, tracked, place)
        ORDER BY t.place) || 0::bigint);

    IF cardinality(v_served) > 0 THEN
        WITH taken AS (
            SELECT t.item, sum(t.quantity)::integer AS quantity
            FROM unnest(v_turns, v_items, v_wanted) AS t(turn, item, quantity)
            WHERE t.turn = ANY (v_served) GROUP BY t.item
        ), moved AS (
            UPDATE inventory_stock_item i SET allocated = i.allocated + t.quantity
            FROM taken t
            WHERE i.id = v_ids[t.item]
              AND (NOT i.tracked OR i.on_hand - i.allocated + i.backorder_limit >= t.quantity)
            RETURNING 1
        ), promised AS (
            INSERT INTO inventory_allocation
                (id, reference, sku, stock_item_id, quantity, expires_at, created_at)
            SELECT inventory_id_at(p_at), w.reference, v_held[t.item], v_ids[t.item],
                   t.quantity::integer, w.expires_at, p_at
            FROM unnest(v_turns, v_items, v_wanted) AS t(turn, item, quantity)
            JOIN jsonb_to_recordset(p_wishes)
                AS w(turn integer, reference text, expires_at timestamptz) ON w.turn = t.turn
            WHERE t.turn = ANY (v_served)
        )
        SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM taken),
               (SELECT jsonb_agg(jsonb_build_object('sku', v_held[t.item],
                    'available', v_free[t.item],
                    'remaining', CASE WHEN v_tracked[t.item] THEN v_free[t.item] - t.quantity
                                      ELSE greatest(0, v_free[t.item] - t.quantity) END,
                    'tracked', v_tracked[t.item], 'markets', NULL) ORDER BY v_held[t.item])
                FROM taken t)
        INTO v_moved, v_asked, v_changes;
        IF v_moved <> v_asked THEN
            RAISE EXCEPTION 'stock changed under its lock' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;

    IF cardinality(v_served) < (SELECT count(DISTINCT t.turn) FROM unnest(v_turns) AS t(turn)) THEN
        SELECT jsonb_object_agg(r.turn, r.lines) INTO v_refused
        FROM (SELECT w.turn, jsonb_agg(jsonb_build_object('sku', l.sku, 'wanted', l.quantity,
                  'tracked', coalesce(v_tracked[p.item], true),
                  -- What those before had left.
                  'available', coalesce(v_free[p.item], 0) - coalesce((
                      SELECT sum(e.quantity)
                      FROM unnest(v_turns, v_items, v_wanted) AS e(turn, item, quantity)
                      WHERE e.item = p.item AND e.turn < w.turn AND e.turn = ANY (v_served)), 0)
                  ) ORDER BY l.sku) AS lines
              FROM jsonb_to_recordset(p_wishes) AS w(turn integer, lines jsonb),
                   jsonb_to_recordset(w.lines) AS l(sku text, quantity integer)
              CROSS JOIN LATERAL (SELECT array_position(v_held, l.sku) AS item) p
              WHERE w.turn <> ALL (v_served) GROUP BY w.turn) r;
    END IF;
    RETURN jsonb_build_object('refused', v_refused, 'changes', v_changes);
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    forwards=_FORWARDS,
    backwards="DROP FUNCTION inventory_allocate_all(jsonb, timestamptz);",
    description=DESCRIPTION,
)
