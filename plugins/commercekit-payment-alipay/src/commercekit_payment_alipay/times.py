"""The vendor's clock: the wall's in China, written without saying so."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

__all__ = ["CHINA", "day_of", "instant", "wall"]

CHINA: Final = timezone(timedelta(hours=8))
"""All of China keeps one time, and no summer time."""
_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?", re.ASCII)
"""``gmt_refund`` has milliseconds, the others have none."""


def wall(at: datetime) -> str:
    """As the vendor writes a moment, wherever the server stands."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def instant(said: str) -> datetime:
    """The moment that the vendor says; ``ValueError`` when it says none."""
    if not _FORM.fullmatch(said):
        message = "no moment"
        raise ValueError(message)
    try:
        return datetime.fromisoformat(said).replace(tzinfo=CHINA).astimezone(UTC)
    except OverflowError:
        message = "a moment before all time"
        raise ValueError(message) from None


def day_of(at: datetime) -> date:
    """The vendor's day at that moment."""
    return at.astimezone(CHINA).date()
