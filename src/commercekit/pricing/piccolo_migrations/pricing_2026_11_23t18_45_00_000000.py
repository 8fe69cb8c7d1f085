"""Many prices at once: looked up one by one in the index, and kept in the history by one statement."""

from commercekit.platform.db import sql_migration

ID = "2026-11-23T18:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "prices found by their key, history kept a statement at a time"

# For a table that was not analysed since it grew the planner read every price of a list for each batch.
_PRICES = """
CREATE OR REPLACE FUNCTION pricing_prices(
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
        %s
        ORDER BY d.sku, l.priority DESC, l.segment IS NULL,
                 l.starts_at IS NULL AND l.ends_at IS NULL, l.is_default, l.code, p.min_quantity DESC
    ) w
$$
"""
_BY_KEY = """CROSS JOIN LATERAL (
            SELECT b.amount, b.compare_at, b.min_quantity FROM pricing_price b
            WHERE b.price_list_id = l.id AND b.sku = d.sku AND b.min_quantity <= d.quantity
            ORDER BY b.min_quantity DESC LIMIT 1) p"""
_JOINED = """JOIN pricing_price p
          ON p.price_list_id = l.id AND p.sku = d.sku AND p.min_quantity <= d.quantity"""

# Whoever writes a price, an import too, leaves a trace; compare_at is no price and leaves none.
_KEEP = """
CREATE FUNCTION pricing_keep_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pricing_price_history
            (price_list_id, sku, min_quantity, amount, starts_at, ends_at, at)
        SELECT n.price_list_id, n.sku, n.min_quantity, CASE WHEN l.active THEN n.amount END,
               l.starts_at, l.ends_at, n.changed_at
        FROM written n JOIN pricing_price_list l ON l.id = n.price_list_id;
    ELSE
        INSERT INTO pricing_price_history
            (price_list_id, sku, min_quantity, amount, starts_at, ends_at, at)
        SELECT n.price_list_id, n.sku, n.min_quantity, CASE WHEN l.active THEN n.amount END,
               l.starts_at, l.ends_at, n.changed_at
        FROM written n JOIN overwritten o USING (price_list_id, sku, min_quantity)
        JOIN pricing_price_list l ON l.id = n.price_list_id
        WHERE n.amount <> o.amount;
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER pricing_price_is_kept ON pricing_price;
DROP TRIGGER pricing_price_change_is_kept ON pricing_price;
DROP FUNCTION pricing_keep_price;
CREATE TRIGGER pricing_prices_are_kept AFTER INSERT ON pricing_price
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION pricing_keep_prices();
CREATE TRIGGER pricing_price_changes_are_kept AFTER UPDATE ON pricing_price
    REFERENCING OLD TABLE AS overwritten NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION pricing_keep_prices();
"""
_KEEP_EACH = """
CREATE FUNCTION pricing_keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pricing_price_history
        (price_list_id, sku, min_quantity, amount, starts_at, ends_at, at)
    SELECT NEW.price_list_id, NEW.sku, NEW.min_quantity,
           CASE WHEN l.active THEN NEW.amount END, l.starts_at, l.ends_at, NEW.changed_at
    FROM pricing_price_list l WHERE l.id = NEW.price_list_id;
    RETURN NULL;
END $$;
DROP TRIGGER pricing_prices_are_kept ON pricing_price;
DROP TRIGGER pricing_price_changes_are_kept ON pricing_price;
DROP FUNCTION pricing_keep_prices;
CREATE TRIGGER pricing_price_is_kept AFTER INSERT ON pricing_price
    FOR EACH ROW EXECUTE FUNCTION pricing_keep_price();
CREATE TRIGGER pricing_price_change_is_kept AFTER UPDATE OF amount ON pricing_price
    FOR EACH ROW WHEN (OLD.amount <> NEW.amount) EXECUTE FUNCTION pricing_keep_price();
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_pricing",
    description=DESCRIPTION,
    forwards=[_PRICES % _BY_KEY, _KEEP],
    backwards=[_KEEP_EACH, _PRICES % _JOINED],
)
