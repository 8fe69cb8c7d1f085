"""How a committed fact travels from the outbox to those who react to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.platform.db import UnitOfWork
from commercekit.platform.loops import Loop

__all__ = ["ParkedDelivery", "Transport"]


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
