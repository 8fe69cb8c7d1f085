"""Carts are changed one after the other, in the order of their ids, within one statement."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "checkout_put and checkout_swap"

_PUT = """
-- Adds so many pieces of a SKU to each cart, none of which is named twice; gives those that took them, as they
-- are then. A cart is left alone that was ordered, has expired, would hold more than p_mosts pieces of
-- the SKU, or p_most_lines lines and this one. One that expires before p_touch lives until p_until. In the
-- order of the ids as they are given: who gives them sorted waits for nobody who waits for him.
CREATE FUNCTION checkout_put(
    p_ids uuid[], p_skus text[], p_line_ids uuid[], p_quantities integer[], p_mosts integer[],
    p_at timestamptz, p_until timestamptz, p_touch timestamptz, p_most_lines integer)
RETURNS SETOF checkout_cart
LANGUAGE plpgsql
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_cart  checkout_cart;
    v_lines integer;
    v_place integer;
    v_held  integer;
BEGIN
    FOR i IN 1 .. cardinality(p_ids) LOOP
        SELECT * INTO v_cart FROM checkout_cart c
        WHERE c.id = p_ids[i] AND c.order_id IS NULL AND c.expires_at > p_at
        FOR UPDATE;
        CONTINUE WHEN NOT FOUND;

        v_lines := jsonb_array_length(v_cart.lines);
        v_place := 0;
        WHILE v_place < v_lines AND v_cart.lines -> v_place ->> 'sku' <> p_skus[i] LOOP
            v_place := v_place + 1;
        END LOOP;
        v_held := coalesce((v_cart.lines -> v_place -> 'quantity')::integer, 0);
        CONTINUE WHEN v_held + p_quantities[i] > p_mosts[i]
            OR (v_place = v_lines AND v_lines >= p_most_lines);

        IF v_place < v_lines THEN
            v_cart.lines := jsonb_set(
                v_cart.lines, ARRAY[v_place::text, 'quantity'], to_jsonb(v_held + p_quantities[i]));
        ELSE
            v_cart.lines := v_cart.lines || jsonb_build_object(
                'id', p_line_ids[i], 'sku', p_skus[i], 'quantity', p_quantities[i]);
        END IF;
        v_cart.version := v_cart.version + 1;
        -- A row whose expiry stays is updated in place, without touching an index.
        IF v_cart.expires_at < p_touch THEN
            v_cart.expires_at := p_until;
        END IF;
        UPDATE checkout_cart c
        SET lines = v_cart.lines, version = v_cart.version, expires_at = v_cart.expires_at
        WHERE c.id = v_cart.id;
        RETURN NEXT v_cart;
    END LOOP;
END $$;
"""

_SWAP = """
-- Replaces what each cart holds that still has the version p_known and has not expired; gives their ids. An
-- address that is NULL stays as it is. In the order of the ids as they are given, as checkout_put.
CREATE FUNCTION checkout_swap(
    p_ids uuid[], p_lines jsonb[], p_addresses bytea[], p_shippings text[], p_coupons jsonb[],
    p_expiries timestamptz[], p_versions integer[], p_known integer[], p_at timestamptz)
RETURNS SETOF uuid
LANGUAGE plpgsql
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    FOR i IN 1 .. cardinality(p_ids) LOOP
        UPDATE checkout_cart c
        SET lines = p_lines[i], address = coalesce(p_addresses[i], c.address),
            shipping = p_shippings[i],
            coupons = array(SELECT jsonb_array_elements_text(p_coupons[i])),
            expires_at = p_expiries[i], version = p_versions[i]
        WHERE c.id = p_ids[i] AND c.version = p_known[i] AND c.expires_at > p_at;
        IF FOUND THEN
            RETURN NEXT p_ids[i];
        END IF;
    END LOOP;
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_checkout",
    description=DESCRIPTION,
    forwards=[_PUT, _SWAP],
    backwards=[
        "DROP FUNCTION checkout_swap(uuid[], jsonb[], bytea[], text[], jsonb[], timestamptz[],"
        " integer[], integer[], timestamptz);",
        "DROP FUNCTION checkout_put(uuid[], text[], uuid[], integer[], integer[], timestamptz,"
        " timestamptz, timestamptz, integer);",
    ],
)
