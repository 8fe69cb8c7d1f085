"""Writing many intents at once."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a batch of payment intents in one call"

_FORWARDS = """
-- Writes new payments and their first steps. Sealed fields come sealed, as PostgreSQL's hexadecimal.
CREATE FUNCTION payments_write(p_payments jsonb) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO payments_payment (id, reference, method, gateway, account, flow, capture, status,
        amount, currency, provider_ref, expires_at, next_query_at, request, action, created_at,
        updated_at)
    SELECT p.id, p.reference, p.method, p.gateway, p.account, p.flow, p.capture, p.status,
        p.amount, p.currency, p.provider_ref, p.expires_at, p.next_query_at, p.request, p.action,
        p.created_at, p.created_at
    FROM jsonb_to_recordset(p_payments) AS p(id uuid, reference text, method text, gateway text,
        account text, flow text, capture text, status text, amount bigint, currency text,
        provider_ref text, expires_at timestamptz, next_query_at timestamptz, request bytea,
        action bytea, created_at timestamptz);

    INSERT INTO payments_history (id, payment_id, at, actor, event, before, after)
    SELECT h.id, p.id, h.at, h.actor, h.event, h.before, h.after
    FROM jsonb_to_recordset(p_payments) AS p(id uuid, history jsonb),
        jsonb_to_recordset(p.history) AS h(id uuid, at timestamptz, actor text, event text,
            before text, after text);
END $$;
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_payments",
    forwards=_FORWARDS,
    backwards="DROP FUNCTION payments_write(jsonb);",
    description=DESCRIPTION,
)
