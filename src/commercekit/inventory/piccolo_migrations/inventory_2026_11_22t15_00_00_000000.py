"""Where locations are, which markets they serve, and an allocation that is told whom to ask first."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T15:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Places of locations, locations of markets, allocation in a given order."

_TABLES = """
ALTER TABLE inventory_location
    ADD COLUMN country  varchar(2) CHECK (country ~ '^[A-Z]{2}$'),
    ADD COLUMN region   text NOT NULL DEFAULT '',
    ADD COLUMN postcode text NOT NULL DEFAULT '';

CREATE TABLE inventory_market_location (
    market      text NOT NULL,
    location_id uuid NOT NULL REFERENCES inventory_location (id) ON DELETE CASCADE,
    PRIMARY KEY (market, location_id)
);
CREATE INDEX inventory_market_of_location ON inventory_market_location (location_id);
"""

_DROPPED = """
DROP FUNCTION inventory_allocate(text, text[], integer[], timestamptz, timestamptz);
DROP FUNCTION inventory_available(text[]);
"""

_FUNCTIONS = """
-- What may be promised of each SKU in each market that is asked about; NULL asks for the shop as a whole.
-- A market without locations of its own is served by all. Without splitting, what counts is the one
-- location that has most.
CREATE FUNCTION inventory_available(p_skus text[], p_markets text[], p_split boolean)
RETURNS TABLE (market text, sku text, available bigint, tracked boolean) LANGUAGE sql STABLE AS $$
    SELECT m.market, i.sku,
           coalesce(CASE WHEN p_split THEN sum(f.free) FILTER (WHERE s.serves)
                         ELSE max(f.free) FILTER (WHERE s.serves) END, 0)::bigint,
           coalesce(bool_and(i.tracked) FILTER (WHERE s.serves), true)
    FROM unnest(p_markets) AS m(market)
    CROSS JOIN inventory_stock_item i
    JOIN inventory_location l ON l.id = i.location_id
    CROSS JOIN LATERAL (SELECT greatest(0, i.on_hand - i.allocated + i.backorder_limit) AS free) f
    CROSS JOIN LATERAL (
        SELECT l.active AND (
            EXISTS (SELECT FROM inventory_market_location x
                    WHERE x.market = m.market AND x.location_id = l.id)
            OR NOT EXISTS (SELECT FROM inventory_market_location x WHERE x.market = m.market)
        ) AS serves) s
    WHERE i.sku = ANY (p_skus)
    GROUP BY m.market, i.sku
$$;

-- Promises all of the demand to p_reference, or nothing of it. One row for each SKU says what was wanted
-- and what there was. Items are locked in the order of their ids and demand is summed for each SKU. One
-- location that can serve a SKU alone is preferred to several (without p_split it must), then those
-- that p_locations names, in that order, then, with p_most_stock, those that have most, then the shop's own
-- order. Only locations of p_market are asked, if it has any. Whoever decides the order, the conditional
-- UPDATE at the end is the only judge.
-- "markets" is NULL while no market has locations of its own; otherwise it lists, with the number
-- before and after, each such market and, as null, all others.
CREATE FUNCTION inventory_allocate(
    p_reference text, p_skus text[], p_quantities integer[],
    p_expires_at timestamptz, p_at timestamptz,
    p_market text DEFAULT NULL, p_locations uuid[] DEFAULT NULL,
    p_most_stock boolean DEFAULT false, p_split boolean DEFAULT true)
RETURNS TABLE (sku text, wanted bigint, available bigint, remaining bigint, tracked boolean,
               granted boolean, markets jsonb)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_items     uuid[];
    v_item_skus text[];
    v_takes     integer[];
    v_skus      text[];
    v_wanted    bigint[];
    v_available bigint[];
    v_remaining bigint[];
    v_tracked   boolean[];
    v_missed    boolean;
    v_moved     bigint;
    v_mapped    boolean;
BEGIN
    v_mapped := EXISTS (SELECT FROM inventory_market_location);
    -- One statement locks, reads what the locks protect, and decides. Planning it anew for every call
    -- would cost more than running it, hence the generic plan.
    WITH demand AS (
        SELECT u.sku, sum(u.quantity) AS wanted
        FROM unnest(p_skus, p_quantities) AS u(sku, quantity) GROUP BY u.sku
    ), locked AS MATERIALIZED (
        SELECT i.id, i.sku, i.tracked, l.priority, l.id AS location_id,
               l.active AND (NOT v_mapped OR p_market IS NULL OR
                   EXISTS (SELECT FROM inventory_market_location x
                           WHERE x.market = p_market AND x.location_id = l.id)
                   OR NOT EXISTS (SELECT FROM inventory_market_location x
                                  WHERE x.market = p_market)) AS serves,
               greatest(0, i.on_hand - i.allocated + i.backorder_limit) AS free
        FROM inventory_stock_item i JOIN inventory_location l ON l.id = i.location_id
        WHERE i.sku = ANY (p_skus)
        ORDER BY i.id FOR UPDATE OF i
    ), offer AS (
        SELECT k.id, k.sku, d.wanted, k.priority, k.location_id, k.tracked, k.free AS counted,
               CASE WHEN k.tracked THEN k.free ELSE d.wanted END AS free
        FROM demand d JOIN locked k ON k.sku = d.sku AND k.serves
    ), ranked AS (
        SELECT o.*, coalesce(sum(o.free) OVER (
            PARTITION BY o.sku
            ORDER BY o.free >= o.wanted DESC, array_position(p_locations, o.location_id),
                     CASE WHEN p_most_stock THEN -o.free END, o.priority, o.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS earlier
        FROM offer o
    ), taken AS (
        SELECT r.id, r.sku, r.counted, r.tracked,
               CASE WHEN r.earlier < r.wanted AND r.free > 0 AND (p_split OR r.free >= r.wanted)
                    THEN least(r.free, r.wanted - r.earlier) ELSE 0 END::integer AS quantity
        FROM ranked r
    ), outcome AS (
        SELECT d.sku, d.wanted,
               coalesce(CASE WHEN p_split THEN sum(t.counted) ELSE max(t.counted) END, 0) AS available,
               coalesce(CASE WHEN p_split THEN sum(t.counted - t.quantity)
                             ELSE max(t.counted - t.quantity) END, 0) AS remaining,
               coalesce(bool_and(t.tracked), true) AS tracked
        FROM demand d LEFT JOIN taken t ON t.sku = d.sku GROUP BY d.sku, d.wanted
    )
    SELECT o.skus, o.wanted, o.available, o.remaining, o.tracked, o.missed, t.items, t.skus, t.takes
    INTO v_skus, v_wanted, v_available, v_remaining, v_tracked, v_missed, v_items, v_item_skus, v_takes
    FROM (SELECT array_agg(sku ORDER BY sku) AS skus,
                 array_agg(wanted ORDER BY sku) AS wanted,
                 array_agg(available::bigint ORDER BY sku) AS available,
                 array_agg(remaining::bigint ORDER BY sku) AS remaining,
                 array_agg(tracked ORDER BY sku) AS tracked,
                 bool_or(tracked AND available < wanted) AS missed
          FROM outcome) o,
         (SELECT array_agg(id ORDER BY id) AS items,
                 array_agg(sku ORDER BY id) AS skus,
                 array_agg(quantity ORDER BY id) AS takes
          FROM taken WHERE quantity > 0) t;

    IF v_missed THEN
        RETURN QUERY
            SELECT o.sku, o.wanted, o.available, o.available, o.tracked,
                   NOT o.tracked OR o.available >= o.wanted, NULL::jsonb
            FROM unnest(v_skus, v_wanted, v_available, v_tracked)
                 AS o(sku, wanted, available, tracked);
        RETURN;
    END IF;

    UPDATE inventory_stock_item i SET allocated = i.allocated + t.quantity
    FROM unnest(v_items, v_takes) AS t(id, quantity)
    WHERE i.id = t.id
      AND (NOT i.tracked OR i.on_hand - i.allocated + i.backorder_limit >= t.quantity);
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    IF v_moved <> cardinality(v_items) THEN
        RAISE EXCEPTION 'stock changed under its lock' USING ERRCODE = 'serialization_failure';
    END IF;

    INSERT INTO inventory_allocation
        (id, reference, sku, stock_item_id, quantity, expires_at, created_at)
    SELECT inventory_id_at(p_at), p_reference, t.sku, t.id, t.quantity, p_expires_at, p_at
    FROM unnest(v_items, v_item_skus, v_takes) AS t(id, sku, quantity);

    IF NOT v_mapped THEN
        RETURN QUERY
            SELECT o.sku, o.wanted, o.available, o.remaining, o.tracked, true, NULL::jsonb
            FROM unnest(v_skus, v_wanted, v_available, v_remaining, v_tracked)
                 AS o(sku, wanted, available, remaining, tracked);
        RETURN;
    END IF;

    RETURN QUERY
        SELECT o.sku, o.wanted, o.available, o.remaining, o.tracked, true, (
            SELECT jsonb_agg(jsonb_build_object(
                'market', v.market, 'tracked', v.tracked, 'before', v.before, 'after', v.after)
                ORDER BY v.market NULLS FIRST)
            FROM (
                SELECT m.market, coalesce(bool_and(i.tracked), true) AS tracked,
                       coalesce(CASE WHEN p_split THEN sum(f.free + f.taken)
                                     ELSE max(f.free + f.taken) END, 0) AS before,
                       coalesce(CASE WHEN p_split THEN sum(f.free) ELSE max(f.free) END, 0) AS after
                FROM (SELECT NULL::text AS market
                      UNION ALL SELECT DISTINCT x.market FROM inventory_market_location x) m
                LEFT JOIN (inventory_stock_item i
                    JOIN inventory_location l ON l.id = i.location_id AND l.active)
                  ON i.sku = o.sku AND (m.market IS NULL OR EXISTS (
                      SELECT FROM inventory_market_location x
                      WHERE x.market = m.market AND x.location_id = l.id))
                LEFT JOIN LATERAL (
                    SELECT greatest(0, i.on_hand - i.allocated + i.backorder_limit) AS free,
                           CASE WHEN i.tracked
                                THEN coalesce(v_takes[array_position(v_items, i.id)], 0)
                                ELSE 0 END AS taken) f
                  ON i.id IS NOT NULL
                GROUP BY m.market) v)
        FROM unnest(v_skus, v_wanted, v_available, v_remaining, v_tracked)
             AS o(sku, wanted, available, remaining, tracked);
END $$;
"""

_RESTORED = """
DROP FUNCTION inventory_allocate(
    text, text[], integer[], timestamptz, timestamptz, text, uuid[], boolean, boolean);
DROP FUNCTION inventory_available(text[], text[], boolean);
DROP TABLE inventory_market_location;
ALTER TABLE inventory_location DROP COLUMN country, DROP COLUMN region, DROP COLUMN postcode;
"""

# What an older release calls, word for word as it was, so that going back leaves a shop that sells.
_AS_BEFORE = """
-- What may still be promised of each SKU over its active locations.
CREATE FUNCTION inventory_available(p_skus text[])
RETURNS TABLE (sku text, available bigint, tracked boolean) LANGUAGE sql STABLE AS $$
    SELECT i.sku,
           coalesce(sum(greatest(0, i.on_hand - i.allocated + i.backorder_limit))
                    FILTER (WHERE l.active), 0),
           coalesce(bool_and(i.tracked) FILTER (WHERE l.active), true)
    FROM inventory_stock_item i JOIN inventory_location l ON l.id = i.location_id
    WHERE i.sku = ANY (p_skus)
    GROUP BY i.sku
$$;

-- Promises all of the demand to p_reference, or nothing of it. One row for each SKU says what was wanted
-- and what there was. Items are locked in the order of their ids, demand is summed for each SKU, and one
-- location that can serve a SKU alone is preferred to several, then the order in which locations are asked.
CREATE FUNCTION inventory_allocate(
    p_reference text, p_skus text[], p_quantities integer[],
    p_expires_at timestamptz, p_at timestamptz)
RETURNS TABLE (sku text, wanted bigint, available bigint, tracked boolean, granted boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    v_items     uuid[];
    v_item_skus text[];
    v_takes     integer[];
    v_skus      text[];
    v_wanted    bigint[];
    v_available bigint[];
    v_tracked   boolean[];
    v_missed    boolean;
    v_moved     bigint;
BEGIN
    -- One statement locks, reads what the locks protect, and decides. Planning it anew for every call
    -- would cost more than running it, hence the generic plan.
    WITH demand AS (
        SELECT u.sku, sum(u.quantity) AS wanted
        FROM unnest(p_skus, p_quantities) AS u(sku, quantity) GROUP BY u.sku
    ), locked AS MATERIALIZED (
        SELECT i.id, i.sku, i.tracked, l.active, l.priority,
               greatest(0, i.on_hand - i.allocated + i.backorder_limit) AS free
        FROM inventory_stock_item i JOIN inventory_location l ON l.id = i.location_id
        WHERE i.sku = ANY (p_skus)
        ORDER BY i.id FOR UPDATE OF i
    ), outcome AS (
        SELECT d.sku, d.wanted,
               coalesce(sum(k.free) FILTER (WHERE k.active), 0) AS available,
               coalesce(bool_and(k.tracked) FILTER (WHERE k.active), true) AS tracked
        FROM demand d LEFT JOIN locked k ON k.sku = d.sku GROUP BY d.sku, d.wanted
    ), offer AS (
        SELECT k.id, k.sku, d.wanted, k.priority,
               CASE WHEN k.tracked THEN k.free ELSE d.wanted END AS free
        FROM demand d JOIN locked k ON k.sku = d.sku AND k.active
    ), ranked AS (
        SELECT o.*, coalesce(sum(o.free) OVER (
            PARTITION BY o.sku ORDER BY o.free >= o.wanted DESC, o.priority, o.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS earlier
        FROM offer o
    ), taken AS (
        SELECT r.id, r.sku, least(r.free, r.wanted - r.earlier)::integer AS quantity
        FROM ranked r WHERE r.earlier < r.wanted AND r.free > 0
    )
    SELECT o.skus, o.wanted, o.available, o.tracked, o.missed, t.items, t.skus, t.takes
    INTO v_skus, v_wanted, v_available, v_tracked, v_missed, v_items, v_item_skus, v_takes
    FROM (SELECT array_agg(sku ORDER BY sku) AS skus,
                 array_agg(wanted ORDER BY sku) AS wanted,
                 array_agg(available ORDER BY sku) AS available,
                 array_agg(tracked ORDER BY sku) AS tracked,
                 bool_or(tracked AND available < wanted) AS missed
          FROM outcome) o,
         (SELECT array_agg(id ORDER BY id) AS items,
                 array_agg(sku ORDER BY id) AS skus,
                 array_agg(quantity ORDER BY id) AS takes
          FROM taken) t;

    RETURN QUERY
        SELECT o.sku, o.wanted, o.available, o.tracked, NOT o.tracked OR o.available >= o.wanted
        FROM unnest(v_skus, v_wanted, v_available, v_tracked)
             AS o(sku, wanted, available, tracked);

    IF v_missed THEN
        RETURN;
    END IF;

    UPDATE inventory_stock_item i SET allocated = i.allocated + t.quantity
    FROM unnest(v_items, v_takes) AS t(id, quantity)
    WHERE i.id = t.id
      AND (NOT i.tracked OR i.on_hand - i.allocated + i.backorder_limit >= t.quantity);
    GET DIAGNOSTICS v_moved = ROW_COUNT;
    IF v_moved <> cardinality(v_items) THEN
        RAISE EXCEPTION 'stock changed under its lock' USING ERRCODE = 'serialization_failure';
    END IF;

    INSERT INTO inventory_allocation
        (id, reference, sku, stock_item_id, quantity, expires_at, created_at)
    SELECT inventory_id_at(p_at), p_reference, t.sku, t.id, t.quantity, p_expires_at, p_at
    FROM unnest(v_items, v_item_skus, v_takes) AS t(id, sku, quantity);
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    description=DESCRIPTION,
    forwards=[_TABLES, _DROPPED, _FUNCTIONS],
    backwards=[_RESTORED, _AS_BEFORE],
)
