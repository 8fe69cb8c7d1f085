"""Shoppers may take back what nobody has decided."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "refund requests and returns that their shopper withdrew"

_REFUND_REQUESTS = """
ALTER TABLE orders_refund_request
    DROP CONSTRAINT orders_refund_request_status_check,
    ADD CONSTRAINT orders_refund_request_status_check CHECK (status IN ({}))
"""
_RETURNS = """
ALTER TABLE orders_return
    DROP CONSTRAINT orders_return_status_check, DROP CONSTRAINT {},
    ADD CONSTRAINT orders_return_status_check CHECK (status IN ({})),
    ADD CONSTRAINT {} CHECK ((status IN ({})) = (terms IS NULL))
"""
_STEPS = "'in_transit', 'received', 'inspected', 'closed'"
_UNNAMED = "orders_return_check2"
_NAMED = "orders_return_terms_once_agreed"

forwards = sql_migration(
    ID,
    app_name="commercekit_orders",
    description=DESCRIPTION,
    forwards=[
        _REFUND_REQUESTS.format("'requested', 'approved', 'rejected', 'withdrawn'"),
        _RETURNS.format(
            _UNNAMED,
            f"'requested', 'approved', 'rejected', 'withdrawn', {_STEPS}",
            _NAMED,
            "'requested', 'rejected', 'withdrawn'",
        ),
    ],
    backwards=[
        # Rejected is what comes closest for who does not know the word: it holds nothing either.
        "UPDATE orders_return SET status = 'rejected' WHERE status = 'withdrawn'",
        "UPDATE orders_refund_request SET status = 'rejected' WHERE status = 'withdrawn'",
        _RETURNS.format(
            _NAMED,
            f"'requested', 'approved', 'rejected', {_STEPS}",
            _UNNAMED,
            "'requested', 'rejected'",
        ),
        _REFUND_REQUESTS.format("'requested', 'approved', 'rejected'"),
    ],
)
