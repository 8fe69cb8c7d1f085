"""What of a person is shown to whoever need not know. Pure."""

from __future__ import annotations

__all__ = ["masked", "masked_email"]


def masked(text: str) -> str:
    """The first letter."""
    return f"{text[:1]}***" if text else ""


def masked_email(email: str) -> str:
    """The first letter, and where the mail goes."""
    name, _, domain = email.rpartition("@")
    return f"{masked(name)}@{domain}"
