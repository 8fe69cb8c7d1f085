"""Durations as people write them: ``250ms``, ``15m``, ``1h30m``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

__all__ = ["format_duration", "parse_duration"]

_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")


def parse_duration(text: str) -> timedelta:
    """``1h30m`` as a timedelta; a bare number is refused, for nobody knows its unit."""
    compact = text.strip().lower().replace(" ", "")
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        message = f"{text!r} is no duration"
        raise ValueError(message)
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())


def format_duration(value: timedelta) -> str:
    """The shortest way to write it, so that parsing gives it back."""
    if not value:
        return "0s"
    text = ""
    for unit, size in _UNITS.items():
        count, value = divmod(value, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
