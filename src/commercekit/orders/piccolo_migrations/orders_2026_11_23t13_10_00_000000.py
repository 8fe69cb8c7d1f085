from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T13:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = (
    "A sealed reason may be sealed anew with another key; nothing else of the history changes"
)

_FUNCTION = """
CREATE OR REPLACE FUNCTION orders_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.sealed_reason IS NULL AND NEW.sealed_reason IS NOT NULL
       AND OLD.reason <> '' AND NEW.reason = ''
       AND (OLD.order_id, OLD.id, OLD.at, OLD.actor_kind, OLD.actor_id, OLD.event, OLD.details)
         = (NEW.order_id, NEW.id, NEW.at, NEW.actor_kind, NEW.actor_id, NEW.event, NEW.details)
    THEN
        RETURN NEW;
    END IF;@ANEW
    RAISE EXCEPTION 'the history of orders is append-only';
END $$;
"""

# Another key's id, and a length that is the same: what is sealed is not seen here, and stays what it was.
_ANEW = """
    IF TG_OP = 'UPDATE'
       AND length(OLD.sealed_reason) = length(NEW.sealed_reason)
       AND substr(OLD.sealed_reason, 2, 4) <> substr(NEW.sealed_reason, 2, 4)
       AND EXISTS (SELECT FROM platform_data_key k WHERE k.table_name = 'orders_history'
                   AND k.is_current AND k.kid = substr(NEW.sealed_reason, 2, 4))
       AND (OLD.order_id, OLD.id, OLD.at, OLD.actor_kind, OLD.actor_id, OLD.event, OLD.details, OLD.reason)
         = (NEW.order_id, NEW.id, NEW.at, NEW.actor_kind, NEW.actor_id, NEW.event, NEW.details, NEW.reason)
    THEN
        RETURN NEW;
    END IF;"""

forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    forwards=[_FUNCTION.replace("@ANEW", _ANEW)],
    backwards=_FUNCTION.replace("@ANEW", ""),
    description=DESCRIPTION,
)
