"""Locations, stock items, the ledger of movements, allocations, and the function that allocates."""

from commercekit.platform.db import monthly_partitions, sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Locations, stock items, movements, allocations."

_TABLES = """
CREATE TABLE inventory_location (
    id       uuid PRIMARY KEY,
    code     text NOT NULL UNIQUE,
    name     text NOT NULL,
    priority integer NOT NULL DEFAULT 100,
    active   boolean NOT NULL DEFAULT true,
    version  integer NOT NULL DEFAULT 1
);

CREATE TABLE inventory_stock_item (
    id              uuid PRIMARY KEY,
    sku             text NOT NULL,
    location_id     uuid NOT NULL REFERENCES inventory_location (id),
    on_hand         integer NOT NULL DEFAULT 0,
    allocated       integer NOT NULL DEFAULT 0,
    backorder_limit integer NOT NULL DEFAULT 0,
    shortage        integer NOT NULL DEFAULT 0,
    tracked         boolean NOT NULL DEFAULT true,
    version         integer NOT NULL DEFAULT 1,
    UNIQUE (sku, location_id),
    CONSTRAINT inventory_on_hand_not_negative CHECK (on_hand >= 0),
    CONSTRAINT inventory_allocated_not_negative CHECK (allocated >= 0),
    CONSTRAINT inventory_limits_not_negative CHECK (backorder_limit >= 0 AND shortage >= 0),
    CONSTRAINT inventory_never_oversold
        CHECK (NOT tracked OR allocated <= on_hand + backorder_limit + shortage)
) WITH (fillfactor = 70);

CREATE TABLE inventory_movement (
    id            uuid NOT NULL PRIMARY KEY,
    stock_item_id uuid NOT NULL REFERENCES inventory_stock_item (id),
    sku           text NOT NULL,
    kind          text NOT NULL
        CHECK (kind IN ('receipt', 'sale', 'return', 'adjustment', 'count')),
    quantity      integer NOT NULL CHECK (quantity <> 0),
    on_hand_after integer NOT NULL,
    reference     text,
    reason        text NOT NULL DEFAULT '',
    actor         text NOT NULL DEFAULT '',
    at            timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX inventory_movement_of_sku ON inventory_movement (sku, id);

CREATE TABLE inventory_allocation (
    id            uuid PRIMARY KEY,
    reference     text NOT NULL,
    sku           text NOT NULL,
    stock_item_id uuid NOT NULL REFERENCES inventory_stock_item (id),
    quantity      integer NOT NULL CHECK (quantity > 0),
    shipped       integer NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    released      integer NOT NULL DEFAULT 0 CHECK (released >= 0),
    restocked     integer NOT NULL DEFAULT 0 CHECK (restocked BETWEEN 0 AND shipped),
    held          integer NOT NULL GENERATED ALWAYS AS (quantity - shipped - released) STORED,
    state         text NOT NULL DEFAULT 'active'
        CHECK (state IN ('active', 'released', 'shipped', 'expired')),
    expires_at    timestamptz,
    created_at    timestamptz NOT NULL,
    CHECK (quantity >= shipped + released),
    CHECK ((state = 'active') = (quantity > shipped + released))
);
CREATE INDEX inventory_allocation_of_reference ON inventory_allocation (reference);
CREATE INDEX inventory_allocation_live
    ON inventory_allocation (stock_item_id) WHERE state = 'active';
CREATE INDEX inventory_allocation_expiring
    ON inventory_allocation (expires_at) WHERE state = 'active' AND expires_at IS NOT NULL;
"""

# Movements are the only writer of on_hand: the trigger that books one changes the number, and any other
# statement that tries is refused. A trigger's own statements run at depth 1.
_LEDGER = """
CREATE FUNCTION inventory_book_movement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE inventory_stock_item
    SET on_hand = on_hand + NEW.quantity,
        shortage = greatest(0, allocated - (on_hand + NEW.quantity) - backorder_limit)
    WHERE id = NEW.stock_item_id
    RETURNING on_hand INTO NEW.on_hand_after;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no stock item %', NEW.stock_item_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION inventory_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER inventory_movement_books BEFORE INSERT ON inventory_movement
    FOR EACH ROW EXECUTE FUNCTION inventory_book_movement();
CREATE TRIGGER inventory_movement_is_append_only BEFORE UPDATE OR DELETE ON inventory_movement
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse('movements are append-only');
CREATE TRIGGER inventory_on_hand_by_movement BEFORE UPDATE OF on_hand ON inventory_stock_item
    FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION inventory_refuse('on_hand changes by movements only');
CREATE TRIGGER inventory_items_start_empty BEFORE INSERT ON inventory_stock_item
    FOR EACH ROW WHEN (NEW.on_hand <> 0)
    EXECUTE FUNCTION inventory_refuse('on_hand changes by movements only');
"""

_FUNCTIONS = """
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

-- A UUIDv7 dated p_at (RFC 9562, 5.7): version 4 turned into 7, and the time written over its head.
CREATE FUNCTION inventory_id_at(p_at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM p_at) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1), 'hex')::uuid
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

# Every shop has one place to keep things from the first day on.
_FIRST_LOCATION = """
INSERT INTO inventory_location (id, code, name, priority)
VALUES ('01938a00-0000-7000-8000-000000000001', 'main', 'Main warehouse', 100);
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_inventory",
    description=DESCRIPTION,
    forwards=[
        _TABLES,
        monthly_partitions("inventory_movement"),
        _LEDGER,
        _FUNCTIONS,
        _FIRST_LOCATION,
    ],
    backwards=[
        "DROP TABLE inventory_allocation, inventory_movement, inventory_stock_item, inventory_location",
        "DROP FUNCTION inventory_allocate, inventory_id_at, inventory_available",
        "DROP FUNCTION inventory_refuse, inventory_book_movement",
    ],
)
