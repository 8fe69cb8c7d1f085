"""Taking secrets and card numbers out of text that leaves the process."""

from __future__ import annotations

import re

__all__ = ["find_card_number", "redact"]

_TOKEN = re.compile(r"\b(ck_[a-z]+_[0-9a-z]+)_[0-9A-Za-z_-]{8,}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_NAMED = re.compile(
    r"(?i)([\"']?\b[\w-]*(?:password|secret|token|api[_-]?key|authorization|cookie)\b[\"']?\s*[:=]\s*[\"']?)"
    r"(?!\[)([^\s\"',;&}\]]+)"
)
_DIGITS = re.compile(r"(?<![0-9A-Za-z+])[2-6](?:[ -]?[0-9]){13,18}(?![0-9A-Za-z])")
_LENGTHS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = (
    (re.compile(r"4"), frozenset({16, 19})),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), frozenset({16})),
    (re.compile(r"3[47]"), frozenset({15})),
    (re.compile(r"30[0-5]|36|38|39"), frozenset({14, 16})),
    (re.compile(r"35(2[89]|[3-8])"), frozenset({16})),
    (re.compile(r"6011|64[4-9]|65"), frozenset({16, 19})),
    (re.compile(r"62"), frozenset({16, 19})),
)


def redact(text: str) -> str:
    """``text`` without tokens, passwords and card numbers.

    A card keeps its first six and last four digits, ``411111******1111``; a token keeps its id.
    """
    text = _TOKEN.sub(r"\1_[redacted]", text)
    text = _BEARER.sub(r"\1 [redacted]", text)
    text = _NAMED.sub(r"\1[redacted]", text)
    return _DIGITS.sub(_mask, text)


def find_card_number(text: str) -> bool:
    """Whether ``text`` holds what can be charged: a known issuer's prefix, length and check digit."""
    return any(_is_card(match.group()) for match in _DIGITS.finditer(text))


def _mask(match: re.Match[str]) -> str:
    found = match.group()
    if not _is_card(found):
        return found
    digits = _only_digits(found)
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def _is_card(found: str) -> bool:
    digits = _only_digits(found)
    known = any(p.match(digits) and len(digits) in lengths for p, lengths in _LENGTHS)
    return known and _passes_luhn(digits)


def _only_digits(found: str) -> str:
    return found.replace(" ", "").replace("-", "")


def _passes_luhn(digits: str) -> bool:
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
