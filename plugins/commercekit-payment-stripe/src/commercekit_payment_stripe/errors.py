"""What the vendor's refusals become. One table; the vendor's documents stand beside the rows."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit_payment_stripe.wire import ApiError, ErrorAnswer

__all__ = ["CODES", "NOTHING_TO_DO", "STATUSES", "TYPES", "Meaning", "failure", "reason"]


class Meaning(Enum):
    """What the core makes of a refusal."""

    REJECTED = "rejected"
    """Never, as it is."""
    LATER = "later"
    """Surely not done: the same request may come again."""
    UNKNOWN = "unknown"
    """Perhaps done: ask first."""
    OPERATOR = "operator"
    """Somebody has to mend the account or its settings."""


CODES: Final = {
    # https://docs.stripe.com/error-codes
    "account_closed": Meaning.OPERATOR,
    "api_key_expired": Meaning.OPERATOR,
    "platform_api_key_expired": Meaning.OPERATOR,
    "secret_key_required": Meaning.OPERATOR,
    "livemode_mismatch": Meaning.OPERATOR,
    "testmode_charges_only": Meaning.OPERATOR,
    "account_invalid": Meaning.OPERATOR,
    "lock_timeout": Meaning.LATER,  # the object is being changed by another request
    "rate_limit": Meaning.LATER,
    # https://docs.stripe.com/api/idempotent_requests
    "idempotency_key_in_use": Meaning.UNKNOWN,  # the first request with this key still runs
}
"""By the error's ``code``."""

TYPES: Final = {
    # https://docs.stripe.com/api/errors
    "api_error": Meaning.UNKNOWN,
    "authentication_error": Meaning.OPERATOR,
    "idempotency_error": Meaning.UNKNOWN,  # the key was used for something else, which may have been done
    "rate_limit_error": Meaning.LATER,
    "card_error": Meaning.REJECTED,
    "invalid_request_error": Meaning.REJECTED,
}
"""By the error's ``type``, where its code is not above."""

STATUSES: Final = {
    # https://docs.stripe.com/api/errors, HTTP status code summary
    401: Meaning.OPERATOR,
    403: Meaning.OPERATOR,  # a restricted key without the permission
    409: Meaning.UNKNOWN,
    424: Meaning.UNKNOWN,
    429: Meaning.LATER,
}
"""By the answer's status; it goes before the type, and after the code."""

NOTHING_TO_DO: Final = frozenset(
    {
        # https://docs.stripe.com/error-codes: somebody was faster, and looking again says who.
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_expired_for_capture",
        "resource_already_exists",
        "invalid_request_error",  # a Checkout Session that is not open any more is refused without a code
    }
)
"""Refusals that speak of the object's state rather than of the request."""


def reason(content: bytes) -> ApiError:
    """Why the vendor refused, or nothing when the answer is not its own."""
    try:
        return msgspec.json.decode(content, type=ErrorAnswer).error
    except (msgspec.MsgspecError, RecursionError):
        return ApiError()


def failure(status: int, error: ApiError, *, what: str, retry_after: int = 1) -> ProviderError:
    """The core's error for a refusal; the vendor's own sentence stays out of it."""
    code = error.decline_code or error.code or error.type or f"http-{status}"
    if not error.type and status not in STATUSES:
        # Not the vendor's own words: something in between answered.
        return ProviderUnknown(f"http-{status}", f"no answer to {what}")
    meaning = Meaning.UNKNOWN if status >= 500 else CODES.get(error.code or "")
    meaning = meaning or STATUSES.get(status) or TYPES.get(error.type, Meaning.UNKNOWN)
    if meaning is Meaning.REJECTED:
        return ProviderRejected(code, f"{what}: {error.param or code}")
    if meaning is Meaning.LATER:
        return ProviderUnavailable(retry_after, f"{what}: {code}")
    if meaning is Meaning.OPERATOR:
        detail = f"api_key is refused by Stripe for {what}: {code}"
        return ProviderConfigError(detail)
    return ProviderUnknown(code, f"no answer to {what}")
