"""What a payment gateway is asked, and what the core does when it fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from commercekit.payments.providers.messages import (
    CreateResult,
    Notification,
    PaymentSnapshot,
    RefundSnapshot,
    StatementPart,
)
from commercekit.platform.providers import FailurePolicy, ProviderKind, Verb

__all__ = ["PAYMENT_GATEWAYS"]

_LATER: Final = (FailurePolicy.RETRY_LATER,)
_CLOSED: Final = (FailurePolicy.CLOSED,)

PAYMENT_GATEWAYS: Final = ProviderKind(
    "payments",
    "payment gateway",
    (
        # The order stands; the shopper asks again, or the payment is queried and closed in time.
        Verb("payments", "create", CreateResult, effectful=True, repeatable=True, policies=_LATER),
        Verb("payments", "query", PaymentSnapshot, policies=_CLOSED),
        # Written down before they are asked for, and asked for again until there is an answer.
        Verb(
            "payments", "capture", PaymentSnapshot, effectful=True, repeatable=True, policies=_LATER
        ),
        Verb("payments", "void", PaymentSnapshot, effectful=True, repeatable=True, policies=_LATER),
        Verb("payments", "close", PaymentSnapshot, effectful=True, policies=_CLOSED),
        Verb(
            "payments", "refund", RefundSnapshot, effectful=True, repeatable=True, policies=_LATER
        ),
        Verb("payments", "query_refund", RefundSnapshot, policies=_LATER),
        # A thousand lines each time; the first waits until the provider has written it all down.
        Verb(
            "payments",
            "reconcile",
            StatementPart,
            deadline=timedelta(minutes=2),
            repeatable=False,
            policies=_LATER,
            most_bytes=20_000_000,
        ),
        # Refused, and sent again by the provider.
        Verb(
            "payments",
            "parse_notification",
            Notification,
            deadline=timedelta(seconds=2),
            from_strangers=True,
            policies=_CLOSED,
        ),
    ),
)
