"""Price lists by segment, quantity and period; every price that ever held, kept."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Price lists by segment, quantity and period; price history."

_TABLES = """
ALTER TABLE pricing_price_list
    ADD COLUMN segment   text,
    ADD COLUMN priority  integer NOT NULL DEFAULT 0,
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN ends_at   timestamptz,
    ADD COLUMN active    boolean NOT NULL DEFAULT true,
    ADD COLUMN in_force  boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT pricing_period_has_a_length CHECK (ends_at > starts_at),
    ADD CONSTRAINT pricing_default_list_always_holds CHECK (
        NOT is_default OR active AND segment IS NULL AND starts_at IS NULL AND ends_at IS NULL);

ALTER TABLE pricing_price ADD COLUMN min_quantity integer NOT NULL DEFAULT 1 CHECK (min_quantity >= 1);
ALTER TABLE pricing_price DROP CONSTRAINT pricing_price_pkey;
ALTER TABLE pricing_price ADD PRIMARY KEY (price_list_id, sku, min_quantity);

CREATE TABLE pricing_price_history (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    price_list_id uuid NOT NULL,
    sku           text NOT NULL,
    min_quantity  integer NOT NULL,
    amount        bigint,
    starts_at     timestamptz,
    ends_at       timestamptz,
    at            timestamptz NOT NULL
);
CREATE INDEX pricing_history_of_price
    ON pricing_price_history (sku, price_list_id, min_quantity, at, id);
INSERT INTO pricing_price_history (price_list_id, sku, min_quantity, amount, at)
    SELECT price_list_id, sku, min_quantity, amount, changed_at FROM pricing_price;
"""

# Whoever writes a price, an import too, leaves a trace; compare_at is no price and leaves none.
_HISTORY = """
CREATE FUNCTION pricing_keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pricing_price_history
        (price_list_id, sku, min_quantity, amount, starts_at, ends_at, at)
    SELECT NEW.price_list_id, NEW.sku, NEW.min_quantity,
           CASE WHEN l.active THEN NEW.amount END, l.starts_at, l.ends_at, NEW.changed_at
    FROM pricing_price_list l WHERE l.id = NEW.price_list_id;
    RETURN NULL;
END $$;
CREATE TRIGGER pricing_price_is_kept AFTER INSERT ON pricing_price
    FOR EACH ROW EXECUTE FUNCTION pricing_keep_price();
CREATE TRIGGER pricing_price_change_is_kept AFTER UPDATE OF amount ON pricing_price
    FOR EACH ROW WHEN (OLD.amount <> NEW.amount) EXECUTE FUNCTION pricing_keep_price();

CREATE FUNCTION pricing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of prices is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER pricing_history_is_append_only BEFORE UPDATE OR DELETE ON pricing_price_history
    FOR EACH ROW EXECUTE FUNCTION pricing_refuse();
"""

_FUNCTIONS = """
-- The lowest price that anybody could buy one at, in the 30 days before p_until; NULL when there was none.
-- A list that another outranked counts too: what is named as the former price may be too low, never too high.
CREATE FUNCTION pricing_lowest(p_market uuid, p_currency text, p_sku text, p_until timestamptz)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(h.amount)
    FROM (
        SELECT x.amount, greatest(x.at, coalesce(x.starts_at, '-infinity')) AS began,
               least(coalesce(x.ends_at, 'infinity'), p_until, coalesce(lead(x.at) OVER (
                   PARTITION BY x.price_list_id ORDER BY x.at, x.id), 'infinity')) AS ended
        FROM pricing_price_history x JOIN pricing_price_list l ON l.id = x.price_list_id
        WHERE x.sku = p_sku AND x.min_quantity = 1 AND x.at < p_until
          AND l.market_id = p_market AND l.currency = p_currency AND l.segment IS NULL
          AND (l.is_default OR l.priority > 0 OR x.starts_at IS NOT NULL OR x.ends_at IS NOT NULL)
    ) h
    WHERE h.amount IS NOT NULL AND h.began < h.ended AND h.ended > p_until - interval '30 days'
$$;

-- The price of each SKU that is asked for in some number: of every list that holds, the break that fits;
-- of those the list with the highest priority, then one for a segment, then one for a period.
CREATE FUNCTION pricing_prices(
    p_market uuid, p_currency text, p_skus text[], p_quantities integer[], p_segments text[],
    p_at timestamptz, p_lowest boolean)
RETURNS TABLE (sku text, amount bigint, compare_at bigint, list text, min_quantity integer,
               lowest bigint)
LANGUAGE sql STABLE AS $$
    SELECT w.sku, w.amount, w.compare_at, w.code, w.min_quantity,
           CASE WHEN p_lowest THEN pricing_lowest(p_market, p_currency, w.sku, greatest(
               w.starts_at, (SELECT max(h.at) FROM pricing_price_history h
                             WHERE h.sku = w.sku AND h.price_list_id = w.list_id
                               AND h.min_quantity = w.min_quantity AND h.at <= p_at))) END
    FROM (
        SELECT DISTINCT ON (d.sku) d.sku, p.amount, p.compare_at, l.code, l.id AS list_id,
               l.starts_at, p.min_quantity
        FROM unnest(p_skus, p_quantities) AS d(sku, quantity)
        JOIN pricing_price_list l
          ON l.market_id = p_market AND l.currency = p_currency AND l.active
         AND (l.segment IS NULL OR l.segment = ANY (p_segments))
         AND (l.starts_at IS NULL OR l.starts_at <= p_at) AND (l.ends_at IS NULL OR l.ends_at > p_at)
         AND (l.is_default OR l.segment IS NOT NULL OR l.starts_at IS NOT NULL
              OR l.ends_at IS NOT NULL OR l.priority > 0)
        JOIN pricing_price p
          ON p.price_list_id = l.id AND p.sku = d.sku AND p.min_quantity <= d.quantity
        ORDER BY d.sku, l.priority DESC, l.segment IS NULL,
                 l.starts_at IS NULL AND l.ends_at IS NULL, l.is_default, l.code, p.min_quantity DESC
    ) w
$$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_pricing",
    description=DESCRIPTION,
    forwards=[_TABLES, _HISTORY, _FUNCTIONS],
    backwards="""
        DROP FUNCTION pricing_prices, pricing_lowest;
        DROP TRIGGER pricing_price_is_kept ON pricing_price;
        DROP TRIGGER pricing_price_change_is_kept ON pricing_price;
        DROP TABLE pricing_price_history;
        DROP FUNCTION pricing_keep_price, pricing_refuse;
        DELETE FROM pricing_price WHERE min_quantity > 1;
        ALTER TABLE pricing_price DROP CONSTRAINT pricing_price_pkey;
        ALTER TABLE pricing_price DROP COLUMN min_quantity;
        ALTER TABLE pricing_price ADD PRIMARY KEY (price_list_id, sku);
        ALTER TABLE pricing_price_list DROP CONSTRAINT pricing_period_has_a_length,
            DROP CONSTRAINT pricing_default_list_always_holds;
        ALTER TABLE pricing_price_list DROP COLUMN segment, DROP COLUMN priority,
            DROP COLUMN starts_at, DROP COLUMN ends_at, DROP COLUMN active, DROP COLUMN in_force;
    """,
)
