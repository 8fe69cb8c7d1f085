"""Keeps secrets and personal data out of the log, whoever put them there."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from commercekit.platform.security import redact

__all__ = ["MASK", "redact_event", "redact_value"]

MASK: Final = "[redacted]"
_LONGEST: Final = 4096
_DEEPEST: Final = 6

_SECRET_KEY: Final = re.compile(
    r"password|passwd|secret|authorization|cookie|credential|private_?key|api_?key|access_?key"
    r"|(^|_)(token|dsn|otp|pin|cvv|cvc|iban)$|card_?number|(^|_)(e_?mail|phone|mobile|address)$",
    re.IGNORECASE,
)
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}")
_PHONE: Final = re.compile(
    r"(?<![\w+.:/-])(?:\+[1-9]\d{0,2}[ -]?\d(?:[ -]?\d){6,13}|1[3-9]\d{9})(?![\w.:-])"
)
_USERINFO: Final = re.compile(r"(://[^/\s:@]*):[^/\s@]+@")


def redact_value(value: Any, depth: int = 0) -> Any:
    """``value`` with everything that must not be logged taken out of its texts and keys."""
    if isinstance(value, bool | int | float | None):
        return redact(str(value)) if isinstance(value, int) and _like_card(value) else value
    if isinstance(value, Mapping):
        return _redact_mapping(value, depth) if depth < _DEEPEST else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item, depth + 1) for item in value] if depth < _DEEPEST else "…"
    return _redact_text(value if isinstance(value, str) else str(value))


def _like_card(number: int) -> bool:
    return number >= 10**13


def _redact_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    return {
        str(key): MASK
        if inner is not None and _SECRET_KEY.search(str(key))
        else redact_value(inner, depth + 1)
        for key, inner in value.items()
    }


def _redact_text(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} characters)"
    text = _USERINFO.sub(r"\1:…@", redact(text))
    return _PHONE.sub("[phone]", _EMAIL.sub("[email]", text))


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The structlog processor; the last one before a line is rendered."""
    return _redact_mapping(event, 0)
