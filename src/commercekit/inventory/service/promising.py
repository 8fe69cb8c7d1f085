"""Promising stock and letting it go: what orders, checkout and storefront call.

Everything here that takes a unit of work joins the caller's transaction and never commits. Items are
always locked in the order of their ids; a caller that touches several references in one transaction
may still meet a deadlock, which :meth:`Database.run` retries.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from commercekit.inventory import repository
from commercekit.inventory.errors import NotAllocated, OutOfStock
from commercekit.inventory.events import AvailabilityChanged
from commercekit.inventory.models import (
    Allocation,
    AllocationState,
    Availability,
    Demand,
    Location,
    MovementKind,
    Shortfall,
)
from commercekit.inventory.providers import (
    PLAN,
    AllocationPlan,
    AllocationRequest,
    AllocationStrategy,
    Destination,
)
from commercekit.inventory.rules import ShopOrder, availability_of, split, summed
from commercekit.platform.providers import ProviderCaller

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["Promising", "Seen"]

_logger = logging.getLogger("commercekit.inventory")

Seen = dict[tuple[str | None, str], Availability]
"""By market (``None``: all that have no locations of their own) and SKU."""


class Promising:
    """The life of an allocation, and what is left to sell."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        markets: MarketService | None = None,
        strategy: AllocationStrategy | None = None,
        split: bool = True,
        on_refusal: Callable[[], None] | None = None,
        caller: ProviderCaller | None = None,
    ) -> None:
        """``on_refusal`` hears of every allocation refused because the stock was gone.

        Without ``split`` one location must have all that is wanted of a SKU, and what is available of
        it is what the best stocked one has. ``markets`` refuses locations for a market nobody knows.
        """
        self._db = db
        self._markets = markets
        self._clock = clock
        self._strategy = strategy or ShopOrder()
        self._caller = caller or ProviderCaller()
        self._split = split
        self._on_refusal = on_refusal

    async def plan(
        self,
        demands: Sequence[Demand],
        *,
        market: str | None = None,
        destination: Destination | None = None,
    ) -> AllocationPlan:
        """Ask the shop's strategy who should serve ``demands``; before the transaction, never in it.

        One that fails is logged, and locations are asked in the order of their priority: a longer way is
        better than no order. Where its policy is ``closed``, ``PluginFailed`` is raised instead.
        """
        locations: tuple[Location, ...] = ()
        if self._strategy.needs_locations:
            places = await repository.stocked_locations(self._db)
            locations = tuple(place for place in places if place.active)
        request = AllocationRequest(
            demands=tuple(demands),
            destination=destination,
            market=market,
            locations=locations,
        )
        strategy = self._strategy
        return self._caller.call_sync(
            PLAN, strategy.code, lambda: strategy.plan(request), instead=AllocationPlan()
        )

    async def allocate(
        self,
        uow: UnitOfWork,
        reference: str,
        demands: Sequence[Demand],
        expires_at: datetime | None,
        *,
        market: str | None = None,
        plan: AllocationPlan | None = None,
    ) -> None:
        """Promise all of ``demands`` to ``reference``, until ``expires_at`` or for good.

        First come, first served. ``market`` keeps to the locations that serve it, ``plan`` says who is
        asked first. Raises :class:`OutOfStock` naming every SKU that falls short, and then nothing is
        promised and the transaction is as usable as before. A SKU without a stock record is out of
        stock; an untracked one never is.
        """
        demand = summed(demands)
        granted, outcomes = await repository.allocate(
            uow,
            reference,
            demand,
            expires_at,
            market=market,
            plan=plan or AllocationPlan(),
            split=self._split,
        )
        if not granted:
            if self._on_refusal is not None:
                self._on_refusal()
            raise OutOfStock(
                [
                    Shortfall(outcome.sku, outcome.wanted, outcome.available)
                    for outcome in outcomes
                    if outcome.tracked and outcome.available < outcome.wanted
                ]
            )
        for outcome in outcomes:
            if not outcome.markets:
                self._tell(
                    uow,
                    outcome.sku,
                    availability_of(outcome.available, tracked=outcome.tracked),
                    availability_of(outcome.remaining, tracked=outcome.tracked),
                )
            mapped = tuple(c.market for c in outcome.markets if c.market is not None)
            for change in outcome.markets:
                self._tell(
                    uow,
                    outcome.sku,
                    availability_of(change.before, tracked=change.tracked),
                    availability_of(change.after, tracked=change.tracked),
                    market=change.market,
                    mapped=mapped,
                )

    def wish(
        self,
        reference: str,
        demands: Sequence[Demand],
        expires_at: datetime | None,
        *,
        market: str | None = None,
        plan: AllocationPlan | None = None,
    ) -> dict[str, Any]:
        """What :meth:`allocate` would ask, as the SQL function ``inventory_allocate_all`` takes it."""
        asked = plan or AllocationPlan()
        return {
            "reference": reference,
            "expires_at": expires_at,
            "market": market,
            "locations": asked.locations or None,
            "most_stock": asked.most_stock_first,
            "split": self._split,
            "lines": [
                {"sku": sku, "quantity": quantity} for sku, quantity in summed(demands).items()
            ],
        }

    def refusal(self, lines: str) -> OutOfStock:
        """The refusal of one wish, from the JSON that ``inventory_allocate_all`` gave for it."""
        return self.refuse(
            [
                Shortfall(line.sku, line.wanted, line.available)
                for line in repository.refused_lines(lines)
                if line.tracked and line.available < line.wanted
            ]
        )

    def refuse(self, shortfalls: Sequence[Shortfall]) -> OutOfStock:
        """The refusal of what falls short, counted as one."""
        if self._on_refusal is not None:
            self._on_refusal()
        return OutOfStock(shortfalls)

    def tell_allocated(self, uow: UnitOfWork, changes: str) -> None:
        """Publish what a batch changed of what shoppers see, from the JSON of its "changes"."""
        seen: dict[tuple[str | None, str], tuple[Availability, Availability]] = {}
        markets: dict[str, tuple[str, ...]] = {}
        for change in repository.stock_changes(changes):
            parts = change.markets or (
                repository.MarketChange(None, change.tracked, change.available, change.remaining),
            )
            markets[change.sku] = tuple(p.market for p in parts if p.market is not None)
            for part in parts:
                key = (part.market, change.sku)
                before = availability_of(part.before, tracked=part.tracked)
                after = availability_of(part.after, tracked=part.tracked)
                seen[key] = (seen[key][0] if key in seen else before, after)
        for (market, sku), (before, after) in seen.items():
            self._tell(uow, sku, before, after, market=market, mapped=markets[sku])

    async def confirm(self, uow: UnitOfWork, reference: str) -> bool:
        """Make the promise last: paid, authorised, or to be collected later.

        ``False`` when nothing is held any more, because it expired or was released before: the caller
        allocates anew or sends the money back. Confirming twice is confirming once.
        """
        await repository.confirm(uow, reference)
        return any(
            a.state is AllocationState.ACTIVE
            for a in await repository.allocations_of(uow, reference)
        )

    async def confirm_all(self, uow: UnitOfWork, references: Sequence[str]) -> None:
        """Make the promises of many references last, in one statement."""
        await repository.confirm_all(uow, references)

    async def release(
        self,
        uow: UnitOfWork,
        reference: str,
        demands: Sequence[Demand] | None = None,
        reason: str = "released",
    ) -> None:
        """Give back what ``reference`` holds: all of it, or ``demands``.

        Shipped stock is not touched, and releasing all of nothing does nothing. Raises
        :class:`NotAllocated` when ``demands`` asks for more than is held. The reason ``expired`` is
        kept as the state of the allocations.
        """
        state = AllocationState.EXPIRED if reason == "expired" else AllocationState.RELEASED
        async with self._holding(uow, reference) as held:
            parts = _parts(reference, held, demands)
            if parts:
                await repository.free(uow, parts, column="released", state=state)

    async def ship(self, uow: UnitOfWork, reference: str, demands: Sequence[Demand]) -> None:
        """Take ``demands`` off the shelf for ``reference``, which holds them.

        Raises :class:`NotAllocated` when it holds less, or when what it holds is not on the shelf yet
        (a backorder, a shortage).
        """
        async with self._holding(uow, reference) as held:
            parts = _parts(reference, held, demands)
            items = {i.id: i for i in await repository.items_of(uow, {a.sku for a in held})}
            wanted: dict[UUID, int] = {}
            for _, item, quantity in parts:
                wanted[item] = wanted.get(item, 0) + quantity
            for identifier, quantity in wanted.items():
                shelf = items[identifier]
                if shelf.tracked and shelf.on_hand < quantity:
                    message = f"{quantity} of {shelf.sku} are to ship, {shelf.on_hand} are on hand."
                    raise NotAllocated(message, sku=shelf.sku, on_hand=shelf.on_hand)
            # Allocated falls before on_hand does: the CHECK holds in between as well.
            await repository.free(uow, parts, column="shipped", state=AllocationState.SHIPPED)
            moved = [
                (identifier, items[identifier].sku, -quantity)
                for identifier, quantity in sorted(wanted.items())
                if items[identifier].tracked
            ]
            if moved:
                await repository.add_movements(
                    uow, moved, kind=MovementKind.SALE, reference=reference, reason="shipped"
                )

    async def restock(
        self, uow: UnitOfWork, reference: str, demands: Sequence[Demand], reason: str
    ) -> None:
        """Put back on the shelf what was shipped for ``reference`` and came back.

        It returns to the item it left. Raises :class:`NotAllocated` for more than was shipped and has
        not come back yet, so that a parcel is never booked in twice.
        """
        demand = summed(demands)
        await repository.lock_skus(uow, demand)
        before = await self._everywhere(uow, demand)
        out = await repository.restocked(uow, reference)
        parts: list[repository.Part] = []
        for sku, wanted in demand.items():
            taken, missing = split(wanted, [(a, i, n) for a, s, i, n in out if s == sku])
            if missing:
                message = f"{wanted} of {sku} cannot come back: {wanted - missing} are out."
                raise NotAllocated(message, sku=sku)
            parts.extend(taken)
        await repository.mark_restocked(uow, parts)
        items = {i.id: i for i in await repository.items_of(uow, demand)}
        moved = [(item, items[item].sku, n) for _, item, n in parts if items[item].tracked]
        if moved:
            await repository.add_movements(
                uow, moved, kind=MovementKind.RETURN, reference=reference, reason=reason
            )
        await self._tell_changes(uow, before)

    async def expired(self, now: datetime, limit: int = 100) -> list[str]:
        """References whose promise is past its time and still held, for the sweeper of orders.

        They hold their stock until :meth:`release`, because a gateway may be taking the money just now.
        """
        return await repository.expired(self._db, now, limit)

    async def allocations(self, reference: str, uow: UnitOfWork | None = None) -> list[Allocation]:
        """Everything ever promised to ``reference``."""
        return await repository.allocations_of(uow or self._db, reference)

    async def availability(
        self, skus: Iterable[str], uow: UnitOfWork | None = None, *, market: str | None = None
    ) -> dict[str, Availability]:
        """What may be sold of each of ``skus`` in ``market``; one that is nowhere in stock has none.

        Without a market, or in one that no location is kept for, every active location counts.
        """
        wanted = list(skus)
        found = await repository.available(
            uow or self._db, wanted, market=market, split=self._split
        )
        return {
            sku: availability_of(found[sku][0], tracked=found[sku][1])
            if sku in found
            else Availability(0, 0)
            for sku in wanted
        }

    @asynccontextmanager
    async def _holding(self, uow: UnitOfWork, reference: str) -> AsyncIterator[list[Allocation]]:
        """What ``reference`` holds, its SKUs locked; tells what changed at the end of the block."""
        skus = {a.sku for a in await repository.allocations_of(uow, reference)}
        await repository.lock_skus(uow, skus)
        before = await self._everywhere(uow, skus)
        yield [
            a
            for a in await repository.allocations_of(uow, reference)
            if a.state is AllocationState.ACTIVE
        ]
        await self._tell_changes(uow, before)

    async def _everywhere(
        self, uow: UnitOfWork, skus: Iterable[str], markets: Iterable[str] = ()
    ) -> Seen:
        """What each market may sell of ``skus``, for :meth:`_tell_changes` to compare with later."""
        wanted = set(skus)
        if not wanted:
            return {}
        found = await repository.available_everywhere(
            uow, wanted, split=self._split, markets=markets
        )
        seen: Seen = {(None, sku): Availability(0, 0) for sku in wanted}
        for key, (available, tracked) in found.items():
            seen[key] = availability_of(available, tracked=tracked)
        return seen

    async def _tell_changes(
        self, uow: UnitOfWork, before: Seen, markets: Iterable[str] = ()
    ) -> None:
        after = await self._everywhere(uow, {sku for _, sku in before}, markets)
        mapped = tuple(sorted({market for market, _ in after if market is not None}))
        for (market, sku), now in sorted(
            after.items(), key=lambda each: (each[0][1], each[0][0] or "")
        ):
            previous = before.get((market, sku), Availability(0, 0))
            self._tell(uow, sku, previous, now, market=market, mapped=mapped)

    @staticmethod
    def _tell(
        uow: UnitOfWork,
        sku: str,
        before: Availability,
        after: Availability,
        *,
        market: str | None = None,
        mapped: tuple[str, ...] = (),
    ) -> None:
        if before.shown != after.shown:
            uow.publish(
                AvailabilityChanged(
                    sku=sku,
                    shown=after.shown,
                    previous=before.shown,
                    market=market,
                    elsewhere=mapped if market is None else (),
                )
            )


def _parts(
    reference: str, held: Sequence[Allocation], demands: Sequence[Demand] | None
) -> list[repository.Part]:
    if demands is None:
        return [(a.id, a.stock_item_id, a.held) for a in held]
    parts: list[repository.Part] = []
    for sku, wanted in summed(demands).items():
        taken, missing = split(
            wanted, [(a.id, a.stock_item_id, a.held) for a in held if a.sku == sku]
        )
        if missing:
            message = f"{reference} holds {wanted - missing} of {sku}, not {wanted}."
            raise NotAllocated(message, sku=sku, held=wanted - missing, wanted=wanted)
        parts.extend(taken)
    return parts
