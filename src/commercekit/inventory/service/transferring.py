"""Transfers between locations: goods leave one place, and arrive at another, at once or later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import DocumentFinished, NotTransferable, UnknownTransfer
from commercekit.inventory.models import Demand, MovementKind, Transfer, TransferState
from commercekit.inventory.rules import must_book_at, place_within, summed
from commercekit.inventory.service.filling import Filling
from commercekit.kernel import Page, PageRequest
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["Transferring"]


class Transferring(Filling):
    """Goods between locations. On the way they are nobody's stock."""

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
        reach: Reach = EVERYWHERE,
    ) -> Transfer:
        """Move goods to another location: both movements in one transaction, or the first of them.

        ``in_transit`` leaves them on the way until :meth:`receive_transfer`; there they are nobody's
        stock and cannot be sold. Raises :class:`NotTransferable` naming what the source has not free of
        promises; nothing is sent then. The same ``identifier`` again finds what was done.

        What leaves has to lie within ``reach``, and so does where it arrives at once. Whoever may book
        at the other end receives what is on its way.
        """
        place_within(source, reach)
        if not in_transit:
            place_within(target, reach)

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
        self,
        identifier: UUID,
        received: Mapping[str, int] | None = None,
        *,
        actor: str = "",
        reach: Reach = EVERYWHERE,
    ) -> Transfer:
        """The goods are there: all, or as many as ``received`` says; the rest is lost.

        A SKU that ``received`` does not name did not arrive. The same again finds what was done. Raises
        :class:`DocumentFinished` for a transfer that is no longer under way, and refuses more than was
        sent. ``reach`` has to go to where it arrives.
        """

        async def work(uow: UnitOfWork) -> Transfer:
            transfer = await self._locked(uow, identifier, reach)
            must_book_at(transfer.target, reach)
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

    async def call_back(
        self, identifier: UUID, *, actor: str = "", reach: Reach = EVERYWHERE
    ) -> Transfer:
        """What is under way goes back to where it came from, all of it; ``reach`` has to go there."""

        async def work(uow: UnitOfWork) -> Transfer:
            transfer = await self._locked(uow, identifier, reach)
            must_book_at(transfer.source, reach)
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
        return _within(await self._transfer(self._db, identifier), reach)

    async def transfers(
        self, page: PageRequest, state: TransferState | None, *, reach: Reach = EVERYWHERE
    ) -> Page[Transfer]:
        """Transfers from or to where ``reach`` goes, and one's own, latest first.

        The cursor is the last one's id.
        """
        before = UUID(page.after[0]) if page.after else None
        rows = await repository.transfers(self._db, state, before, page.limit + 1, reach)
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

    async def _locked(self, uow: UnitOfWork, identifier: UUID, reach: Reach) -> Transfer:
        found = await repository.find_transfer(uow, identifier, lock=True)
        return _within(found or await self._transfer(uow, identifier), reach)

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


def _within(transfer: Transfer, reach: Reach) -> Transfer:
    """The transfer, for whoever may see one of its ends, or sent it."""
    seen = reach.has_location(transfer.source) or reach.has_location(transfer.target)
    if not (seen or reach.is_own(transfer.actor)):
        raise _no_transfer(transfer.id)
    return transfer


def _no_transfer(identifier: UUID) -> UnknownTransfer:
    message = f"There is no transfer {identifier}."
    return UnknownTransfer(message)


def _refuse_finished(transfer: Transfer) -> None:
    if transfer.state is not TransferState.IN_TRANSIT:
        message = f"The transfer is {transfer.state.replace('_', ' ')} already."
        raise DocumentFinished(message, state=transfer.state)
