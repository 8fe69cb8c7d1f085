"""Notes and tags: what staff put down beside an order, with who did it in the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.orders.errors import OrderChanged
from commercekit.orders.models import Actor, Note, NoteVisibility, Order
from commercekit.orders.service.base import OrderUseCases
from commercekit.payments import DisputeState

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork

__all__ = ["INTERNAL_EVENTS", "KeepNotes"]

INTERNAL_EVENTS = frozenset(
    {
        "internal-note-added",
        "tags-changed",
        "extensions-changed",
        *(f"dispute-{state.value.replace('_', '-')}" for state in DisputeState),
    }
)
"""Steps in the history that only staff read."""


class KeepNotes(OrderUseCases):
    """Possible in every state of an order; changes neither money nor goods."""

    async def add_note(
        self,
        order_id: UUID,
        *,
        note_id: UUID,
        text: str,
        visibility: NoteVisibility,
        actor: Actor,
    ) -> Note:
        """Write down ``text``; the same ``note_id`` again writes nothing more."""
        note = Note(id=note_id, at=self._clock.now(), actor=actor, visibility=visibility, text=text)

        async def work(uow: UnitOfWork) -> None:
            await self._locked(uow, order_id)
            if await self._notes.add(uow, order_id, note):
                internal = visibility is NoteVisibility.INTERNAL
                event = "internal-note-added" if internal else "note-added"
                await self._orders.record(
                    uow, order_id, actor, event, details={"note_id": str(note_id)}
                )

        await self._db.run(work)
        return next(one for one in await self.notes(order_id) if one.id == note_id)

    async def set_tags(
        self, order_id: UUID, tags: Sequence[str], *, actor: Actor, expected_version: int | None
    ) -> Order:
        """Give the order these tags and no others.

        Raises :class:`~commercekit.orders.errors.OrderChanged` when it is not in ``expected_version``
        any more: whoever replaces a list must have read it.
        """
        wanted = sorted(set(tags))

        async def work(uow: UnitOfWork) -> None:
            order = await self._locked(uow, order_id)
            if expected_version is not None and order.version != expected_version:
                message = f"Order {order.number} has changed since it was read; read it again."
                raise OrderChanged(message, version=order.version)
            before = await self._notes.tags(order_id)
            if wanted == before:
                return
            await self._notes.set_tags(uow, order_id, wanted)
            await self._orders.record(
                uow,
                order_id,
                actor,
                "tags-changed",
                details={
                    "added": sorted(set(wanted) - set(before)),
                    "removed": sorted(set(before) - set(wanted)),
                },
            )

        await self._db.run(work)
        return await self.get(order_id)

    async def notes(self, order_id: UUID) -> list[Note]:
        """All notes, oldest first."""
        return await self._notes.of(order_id)

    async def tags(self, order_id: UUID) -> list[str]:
        """The order's tags, in alphabetical order."""
        return await self._notes.tags(order_id)
