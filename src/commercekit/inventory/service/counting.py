"""Stock counts: what was found, written down while the shop sells, and booked all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import Conflict, Unprocessable
from commercekit.inventory import repository
from commercekit.inventory.errors import (
    CountIncomplete,
    DocumentFinished,
    UnknownStock,
    UnknownStockCount,
)
from commercekit.inventory.models import CountState, Demand, MovementKind, StockCount
from commercekit.inventory.rules import LARGEST, must_book_at, place_within
from commercekit.inventory.service.transferring import Transferring
from commercekit.kernel import Page, PageRequest
from commercekit.platform.failpoints import failpoint
from commercekit.platform.security import EVERYWHERE

if TYPE_CHECKING:
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Reach

__all__ = ["Counting"]


class Counting(Transferring):
    """What is there, against what the books say."""

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
        """Begin to count ``skus`` at a location, or everything there. Selling goes on meanwhile.

        Whoever is limited to their own records may count anywhere, and book nothing of it.
        """
        if reach.own is None:
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

    async def close_count(
        self, identifier: UUID, *, actor: str = "", reach: Reach = EVERYWHERE
    ) -> StockCount:
        """Book every difference as a movement, all in one transaction; closing twice books once.

        What was sold, received or moved since the counting stays as it is booked. Raises
        :class:`NegativeStock` when more has left than the count says there was: count that SKU again.
        ``reach`` has to go to the place: having counted it oneself is not enough.
        """

        async def work(uow: UnitOfWork) -> StockCount:
            known = _within(await self._count(uow, identifier), reach)
            must_book_at(known.location, reach)
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
        return _within(await self._count(self._db, identifier), reach)

    async def counts(
        self, page: PageRequest, state: CountState | None, *, reach: Reach = EVERYWHERE
    ) -> Page[StockCount]:
        """Counts within ``reach``, and one's own, latest first; the cursor is the last one's id."""
        before = UUID(page.after[0]) if page.after else None
        rows = await repository.counts(self._db, state, before, page.limit + 1, reach)
        shown = rows[: page.limit]
        return Page(shown, str(shown[-1].id) if len(rows) > page.limit else None)

    async def _in_state(self, uow: UnitOfWork, identifier: UUID, *states: CountState) -> StockCount:
        count = await repository.find_count(uow, identifier, lock=True)
        if count is None:
            return await self._count(uow, identifier)
        if count.state not in states:
            message = f"The count is {count.state}."
            raise DocumentFinished(message, state=count.state)
        return count

    @staticmethod
    async def _count(db: repository.Source, identifier: UUID) -> StockCount:
        found = await repository.find_count(db, identifier)
        if found is None:
            raise _no_count(identifier)
        return found


def _within(count: StockCount, reach: Reach) -> StockCount:
    """The count, for whoever may see its place, or opened it."""
    if not (reach.has_location(count.location) or reach.is_own(count.actor)):
        raise _no_count(count.id)
    return count


def _no_count(identifier: UUID) -> UnknownStockCount:
    message = f"There is no stock count {identifier}."
    return UnknownStockCount(message)
