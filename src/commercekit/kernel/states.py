"""State machines as data: one table says every allowed step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from commercekit.errors import InvalidTransition

__all__ = ["StateTable"]

S = TypeVar("S", bound=StrEnum)


class StateTable(Generic[S]):
    """The allowed steps of one kind of thing, such as a shipment.

    A step to the state one is already in is no step: callers treat it as done before they ask.
    """

    def __init__(self, subject: str, steps: Mapping[S, frozenset[S] | set[S]]) -> None:
        self.subject = subject
        self.steps: Mapping[S, frozenset[S]] = {k: frozenset(v) for k, v in steps.items()}

    def allows(self, current: S, following: S) -> bool:
        """Whether one step leads from ``current`` to ``following``."""
        return following in self.steps.get(current, frozenset())

    def check(self, current: S, following: S) -> None:
        """Raise :class:`~commercekit.errors.InvalidTransition` unless the step is allowed."""
        if not self.allows(current, following):
            possible = ", ".join(sorted(self.steps.get(current, ()))) or "nothing more"
            message = f"A {self.subject} that is {current} cannot become {following}; possible: {possible}."
            raise InvalidTransition(message, state=str(current), wanted=str(following))

    def edges(self) -> Iterator[tuple[S, S]]:
        """Every allowed step, for documentation and for the audit of histories."""
        for current, followings in self.steps.items():
            for following in sorted(followings):
                yield current, following
