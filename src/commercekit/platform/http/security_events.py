"""Which refusals are events of security: attempts at what the shop keeps shut, by what kind of door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SECURITY_EVENTS", "security_event_of"]

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "authentication": (
        "unauthenticated",
        "wrong-credentials",
        "code-wrong",
        "mfa-required",
        "step-up-required",
        "link-spent",
    ),
    "authorisation": ("forbidden", "scope-not-held", "own-role", "own-account"),
    "automation": ("throttled", "captcha", "too-many-logins"),
    "origin": ("csrf", "signature-invalid"),
    "input": (
        "validation",
        "malformed",
        "unsupported-media-type",
        "method-not-allowed",
        "too-large",
        "headers-too-large",
        "card-data-refused",
        "no-picture",
        "url-not-allowed",
    ),
    "business": ("invalid-transition", "purchase-limit-reached", "idempotency-key-reused"),
}
SECURITY_EVENTS: Final[Mapping[str, str]] = {
    slug: kind for kind, slugs in _KINDS.items() for slug in slugs
}
"""Types of problems by the kind of event that they are."""


def security_event_of(problem: object) -> str | None:
    """The kind of event that an answer of this type of problem is; ``None`` for all others."""
    return SECURITY_EVENTS.get(problem) if isinstance(problem, str) else None
