"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock"]


class ManualClock:
    """Satisfies :class:`commercekit.kernel.Clock`; time passes only by :meth:`advance`.

    Starts at the present second unless told otherwise, because ids and the database's own clock tell
    the present too.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """The moment that the test is in, aware and in UTC."""
        return self._now

    def advance(self, by: timedelta | None = None, **parts: float) -> datetime:
        """Let time pass, ``advance(minutes=30)``, and give the new present.

        Time does not go back: a negative step raises :class:`ValueError`.
        """
        step = by if by is not None else timedelta(**parts)
        if step < timedelta():
            message = "time does not go back; make another ManualClock instead"
            raise ValueError(message)
        self._now += step
        return self._now
