"""Transfers between locations and stock counts: documents that end in movements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Conflict, Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import (
    CountIncomplete,
    DocumentFinished,
    NotTransferable,
    UnknownStock,
    UnknownStockCount,
    UnknownTransfer,
)
from commercekit.inventory.models import (
    CountState,
    Demand,
    MovementKind,
    StockCount,
    Transfer,
    TransferState,
)
from commercekit.inventory.rules import LARGEST, place_within, summed
from commercekit.inventory.service.filling import Filling
from commercekit.kernel import Page, PageRequest
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["Documents"]


class Documents(Filling):
    """What takes more than one movement, or more than one moment."""

    # Transfers

    async def send(
        self,
        identifier: UUID,
        source: str,
        target: str,
        demands: Sequence[Demand],
        *,
        in_transit: bool = False,
        reason: str = "",
        actor: str = "",
    ) -> Transfer:
        """Move goods to another location: both movements in one transaction, or the first of them.

        ``in_transit`` leaves them on the way until :meth:`receive_transfer`; there they are nobody's
        stock and cannot be sold. Raises :class:`NotTransferable` naming what the source has not free of
        promises; nothing is sent then. The same ``identifier`` again finds what was done.
        """

        async def work(uow: UnitOfWork) -> Transfer:
            await uow.lock(f"transfer {identifier}")
            known = await repository.find_transfer(uow, identifier)
            if known is not None:
                return known
            origin = await self._location(uow, source)
            destination = await self._location(uow, target)
            if origin.id == destination.id:
                message = f"Goods cannot be sent from {source} to itself."
                raise Unprocessable(message)
            demand = summed(demands)
            await repository.lock_skus(uow, demand)
            self._check_free(
                source,
                demand,
                {
                    item.sku: item.on_hand - item.allocated
                    for item in await repository.items_of(uow, demand)
                    if item.location == origin.code
                },
            )
            await repository.add_transfer(
                uow, identifier, origin, destination, demand, reason=reason, actor=actor
            )
            for sku, quantity in sorted(demand.items()):
                await self._transfer_moves(uow, identifier, sku, source, -quantity, reason, actor)
            if not in_transit:
                await self._arrive(uow, identifier, target, demand, reason=reason, actor=actor)
                await repository.finish_transfer(
                    uow, identifier, TransferState.RECEIVED, dict(demand)
                )
            return await self._transfer(uow, identifier)

        done = await self._db.run(work)
        failpoint("inventory.transfer-sent")
        return done

    async def receive_transfer(
        self, identifier: UUID, received: Mapping[str, int] | None = None, *, actor: str = ""
    ) -> Transfer:
        """The goods are there: all, or as many as ``received`` says; the rest is lost.

        A SKU that ``received`` does not name did not arrive. The same again finds what was done. Raises
        :class:`DocumentFinished` for a transfer that is no longer under way, and refuses more than was
        sent.
        """

        async def work(uow: UnitOfWork) -> Transfer:
            transfer = await self._locked(uow, identifier)
            sent = {line.sku: line.quantity for line in transfer.lines}
            arrived = dict(sent if received is None else received)
            there = {line.sku: line.received for line in transfer.lines}
            if (
                transfer.state is TransferState.RECEIVED
                and {**dict.fromkeys(sent, 0), **arrived} == there
            ):
                return transfer
            _refuse_finished(transfer)
            for sku, quantity in arrived.items():
                if not 0 <= quantity <= sent.get(sku, 0):
                    message = f"{quantity} of {sku} cannot arrive: {sent.get(sku, 0)} were sent."
                    raise Unprocessable(message, sku=sku)
            await self._arrive(
                uow, identifier, transfer.target, arrived, reason=transfer.reason, actor=actor
            )
            await repository.finish_transfer(uow, identifier, TransferState.RECEIVED, arrived)
            return await self._transfer(uow, identifier)

        done = await self._db.run(work)
        failpoint("inventory.transfer-received")
        return done

    async def call_back(self, identifier: UUID, *, actor: str = "") -> Transfer:
        """What is under way goes back to where it came from, all of it."""

        async def work(uow: UnitOfWork) -> Transfer:
            transfer = await self._locked(uow, identifier)
            if transfer.state is TransferState.CALLED_BACK:
                return transfer
            _refuse_finished(transfer)
            back = {line.sku: line.quantity for line in transfer.lines}
            await self._arrive(
                uow, identifier, transfer.source, back, reason=transfer.reason, actor=actor
            )
            await repository.finish_transfer(uow, identifier, TransferState.CALLED_BACK, {})
            return await self._transfer(uow, identifier)

        done = await self._db.run(work)
        failpoint("inventory.transfer-called-back")
        return done

    async def transfer(self, identifier: UUID, *, reach: Reach = EVERYWHERE) -> Transfer:
        """The transfer of that id. Raises :class:`UnknownTransfer`, beyond ``reach`` too."""
        found = await self._transfer(self._db, identifier)
        if not (reach.has_location(found.source) or reach.has_location(found.target)):
            raise _no_transfer(identifier)
        return found

    async def transfers(
        self, page: PageRequest, state: TransferState | None, *, reach: Reach = EVERYWHERE
    ) -> Page[Transfer]:
        """Transfers from or to where ``reach`` goes, latest first; the cursor is the last one's id."""
        before = UUID(page.after[0]) if page.after else None
        rows = await repository.transfers(self._db, state, before, page.limit + 1, reach)
        shown = rows[: page.limit]
        return Page(shown, str(shown[-1].id) if len(rows) > page.limit else None)

    # Stock counts

    async def open_count(
        self,
        identifier: UUID,
        location: str,
        skus: Sequence[str] | None = None,
        *,
        reason: str = "",
        actor: str = "",
        reach: Reach = EVERYWHERE,
    ) -> StockCount:
        """Begin to count ``skus`` at a location, or everything there. Selling goes on meanwhile."""
        place_within(location, reach)

        async def work(uow: UnitOfWork) -> StockCount:
            await uow.lock(f"count {identifier}")
            known = await repository.find_count(uow, identifier)
            if known is not None:
                return known
            place = await self._location(uow, location)
            there = await repository.count_lines_at(uow, place.id)
            wanted = sorted(set(there if skus is None else skus))
            for sku in wanted:
                if sku not in there:
                    message = f"There is no stock record of {sku} at {location}."
                    raise UnknownStock(message)
            if not wanted:
                message = f"There is nothing to count at {location}."
                raise Unprocessable(message)
            await repository.add_count(uow, identifier, place, wanted, reason=reason, actor=actor)
            return await self._count(uow, identifier)

        done = await self._db.run(work)
        failpoint("inventory.count-opened")
        return done

    async def enter(
        self, identifier: UUID, counted: Sequence[Demand], *, expected: int
    ) -> StockCount:
        """Write down what was found; what the books say at this moment is kept beside it.

        Later sales therefore change nothing about the difference. A SKU may be entered again while the
        count is open; the last number counts.
        """

        async def work(uow: UnitOfWork) -> StockCount:
            count = await self._in_state(uow, identifier, CountState.OPEN)
            if count.version != expected:
                message = "The count was changed by somebody else."
                raise Conflict(message)
            known = {line.sku for line in count.lines}
            for line in counted:
                if line.sku not in known:
                    message = f"{line.sku} is not part of this count."
                    raise UnknownStock(message)
                if not 0 <= line.quantity <= LARGEST:
                    message = f"The number of {line.sku} must not be negative."
                    raise Unprocessable(message, sku=line.sku)
            last = {line.sku: line for line in counted}
            await repository.lock_skus(uow, last)
            on_hand = {
                item.sku: item.on_hand
                for item in await repository.items_of(uow, last)
                if item.location == count.location
            }
            await repository.enter_counted(uow, identifier, list(last.values()), on_hand)
            await repository.move_count(uow, identifier, CountState.OPEN)
            return await self._count(uow, identifier)

        return await self._db.run(work)

    async def finish_count(self, identifier: UUID) -> StockCount:
        """All is counted; raises :class:`CountIncomplete` naming what is not."""

        async def work(uow: UnitOfWork) -> StockCount:
            count = await self._in_state(uow, identifier, CountState.OPEN, CountState.COUNTED)
            if count.state is CountState.COUNTED:
                return count
            missing = [line.sku for line in count.lines if line.counted is None]
            if missing:
                message = f"Not counted yet: {', '.join(missing[:20])}."
                raise CountIncomplete(message, skus=missing)
            await repository.move_count(uow, identifier, CountState.COUNTED)
            return await self._count(uow, identifier)

        return await self._db.run(work)

    async def reopen_count(self, identifier: UUID) -> StockCount:
        """Count again before anything is booked."""

        async def work(uow: UnitOfWork) -> StockCount:
            count = await self._in_state(uow, identifier, CountState.COUNTED, CountState.OPEN)
            if count.state is CountState.OPEN:
                return count
            await repository.move_count(uow, identifier, CountState.OPEN)
            return await self._count(uow, identifier)

        return await self._db.run(work)

    async def close_count(self, identifier: UUID, *, actor: str = "") -> StockCount:
        """Book every difference as a movement, all in one transaction; closing twice books once.

        What was sold, received or moved since the counting stays as it is booked. Raises
        :class:`NegativeStock` when more has left than the count says there was: count that SKU again.
        """

        async def work(uow: UnitOfWork) -> StockCount:
            count = await self._in_state(uow, identifier, CountState.COUNTED, CountState.CLOSED)
            if count.state is CountState.CLOSED:
                return count
            await repository.lock_skus(uow, [line.sku for line in count.lines])
            place = await self._location(uow, count.location)
            for line in count.lines:
                if line.difference:
                    await self._move(
                        uow,
                        line.sku,
                        place,
                        delta=line.difference,
                        kind=MovementKind.COUNT,
                        reason=count.reason,
                        actor=actor,
                        reference=str(identifier),
                    )
            await repository.move_count(uow, identifier, CountState.CLOSED)
            return await self._count(uow, identifier)

        done = await self._db.run(work)
        failpoint("inventory.count-closed")
        return done

    async def drop_count(self, identifier: UUID) -> StockCount:
        """Give the count up; nothing is booked."""

        async def work(uow: UnitOfWork) -> StockCount:
            states = (CountState.OPEN, CountState.COUNTED, CountState.DROPPED)
            count = await self._in_state(uow, identifier, *states)
            if count.state is CountState.DROPPED:
                return count
            await repository.move_count(uow, identifier, CountState.DROPPED)
            return await self._count(uow, identifier)

        return await self._db.run(work)

    async def count(self, identifier: UUID, *, reach: Reach = EVERYWHERE) -> StockCount:
        """The count of that id. Raises :class:`UnknownStockCount`, beyond ``reach`` too."""
        found = await self._count(self._db, identifier)
        if not reach.has_location(found.location):
            raise _no_count(identifier)
        return found

    async def counts(
        self, page: PageRequest, state: CountState | None, *, reach: Reach = EVERYWHERE
    ) -> Page[StockCount]:
        """Counts within ``reach``, latest first; the cursor is the last one's id."""
        before = UUID(page.after[0]) if page.after else None
        rows = await repository.counts(self._db, state, before, page.limit + 1, reach)
        shown = rows[: page.limit]
        return Page(shown, str(shown[-1].id) if len(rows) > page.limit else None)

    async def _arrive(
        self,
        uow: UnitOfWork,
        identifier: UUID,
        location: str,
        arrived: Mapping[str, int],
        *,
        reason: str,
        actor: str,
    ) -> None:
        await repository.lock_skus(uow, arrived)
        for sku, quantity in sorted(arrived.items()):
            if quantity:
                await self._transfer_moves(uow, identifier, sku, location, quantity, reason, actor)

    async def _transfer_moves(
        self,
        uow: UnitOfWork,
        identifier: UUID,
        sku: str,
        location: str,
        delta: int,
        reason: str,
        actor: str,
    ) -> None:
        await self._move(
            uow,
            sku,
            await self._location(uow, location),
            delta=delta,
            kind=MovementKind.TRANSFER,
            reason=reason,
            actor=actor,
            reference=str(identifier),
        )

    async def _locked(self, uow: UnitOfWork, identifier: UUID) -> Transfer:
        found = await repository.find_transfer(uow, identifier, lock=True)
        return found or await self._transfer(uow, identifier)

    async def _in_state(self, uow: UnitOfWork, identifier: UUID, *states: CountState) -> StockCount:
        count = await repository.find_count(uow, identifier, lock=True)
        if count is None:
            return await self._count(uow, identifier)
        if count.state not in states:
            message = f"The count is {count.state}."
            raise DocumentFinished(message, state=count.state)
        return count

    @staticmethod
    def _check_free(source: str, demand: Mapping[str, int], free: Mapping[str, int]) -> None:
        short = [
            {"sku": sku, "wanted": quantity, "available": max(0, free.get(sku, 0))}
            for sku, quantity in sorted(demand.items())
            if free.get(sku, 0) < quantity
        ]
        if short:
            named = ", ".join(f"{s['sku']} ({s['wanted']} wanted, {s['available']})" for s in short)
            message = f"{source} has not that many free of promises: {named}."
            raise NotTransferable(message, lines=short)

    @staticmethod
    async def _transfer(db: repository.Source, identifier: UUID) -> Transfer:
        found = await repository.find_transfer(db, identifier)
        if found is None:
            raise _no_transfer(identifier)
        return found

    @staticmethod
    async def _count(db: repository.Source, identifier: UUID) -> StockCount:
        found = await repository.find_count(db, identifier)
        if found is None:
            raise _no_count(identifier)
        return found


def _no_transfer(identifier: UUID) -> UnknownTransfer:
    message = f"There is no transfer {identifier}."
    return UnknownTransfer(message)


def _no_count(identifier: UUID) -> UnknownStockCount:
    message = f"There is no stock count {identifier}."
    return UnknownStockCount(message)


def _refuse_finished(transfer: Transfer) -> None:
    if transfer.state is not TransferState.IN_TRANSIT:
        message = f"The transfer is {transfer.state.replace('_', ' ')} already."
        raise DocumentFinished(message, state=transfer.state)
