"""How a committed fact travels from the outbox to those who react to it."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.platform.db import UnitOfWork
from commercekit.platform.loops import Loop

__all__ = ["Figures", "ParkedDelivery", "Transport", "TransportAway"]


class TransportAway(Exception):
    """The transport takes nothing now; it has said so itself, once."""


class Figures(Struct, kw_only=True):
    """What a transport counted in this process since it was made; all zero inside the database."""

    published: int = 0
    """Facts handed to the broker."""
    confirmed: int = 0
    returned: int = 0
    """Sent back or refused by the broker: they are published again."""
    consumed: int = 0
    """Messages that were taken in, set aside or dropped, and acknowledged."""
    duplicates: int = 0
    """Of these, what had been taken in before."""
    set_aside: int = 0
    """Of these, what was written down to be retried one by one, in order."""
    parked: int = 0
    """Messages that could not be read."""
    reconnects: int = 0
    depth: dict[str, int] = {}
    """Messages that wait in the queue of each consumer served here."""


class ParkedDelivery(Struct, frozen=True, kw_only=True):
    """A fact that one consumer failed to take in; it holds back that aggregate for that consumer."""

    consumer: str
    event_id: UUID
    aggregate: str
    aggregate_id: str
    sequence: int
    type: str
    state: str
    attempts: int
    due_at: datetime
    error: str | None


class Transport(ABC):
    """Takes facts from the relay, in order, and brings each to every consumer that wants it.

    The relay calls :meth:`accept` inside the unit of work that marks the facts as published: a
    transport that lives outside the database returns only when the facts are safe there, and may see
    them again when that unit of work fails.
    """

    name: str
    """As stored, such as ``in-process``."""
    _wake_relay: Callable[[], None] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it takes facts now."""
        return True

    @property
    def figures(self) -> Figures:
        """What it counted."""
        return Figures()

    def when_ready(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called whenever facts are taken again after a time in which they were not."""
        self._wake_relay = wake

    def _on_ready(self) -> None:
        if self._wake_relay is not None:
            self._wake_relay()

    def connected(self, *, must: bool = False) -> AbstractAsyncContextManager[None]:
        """Be connected to what the transport needs for as long as the block lasts.

        Starting does not wait for it; with ``must`` it does, and raises :class:`TransportAway`.
        """
        del must
        return contextlib.nullcontext()

    @property
    def trouble(self) -> str | None:
        """One sentence while facts do not travel from this process; ``None`` when all is well."""
        return None

    @abstractmethod
    async def announce(self) -> None:
        """Make this process's consumers known, so that facts are kept for them from now on."""

    @abstractmethod
    async def accept(self, uow: UnitOfWork, event_ids: Sequence[UUID]) -> None:
        """Take in facts; all or none."""

    @abstractmethod
    def loops(self) -> Sequence[Loop]:
        """What runs in the background for this process's consumers."""

    @abstractmethod
    async def handle_due(self) -> int:
        """Let the consumers take in what is due now, and say how many they tried."""
