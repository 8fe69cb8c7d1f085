"""Changing carts, those that are changed at the same time in one statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from msgspec.structs import replace

from commercekit.checkout.errors import CartNotFound, CartOrdered
from commercekit.checkout.models import Cart, CheckoutSettings
from commercekit.checkout.repository import Addition, CartRepository
from commercekit.checkout.service.lately import Lately
from commercekit.platform.db import Coalescer, CommitOutcomeUnknown

if TYPE_CHECKING:
    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["CartChanges", "Reconsider", "found"]

_GUESSES = 3
_TOUCH = timedelta(hours=1)


class Reconsider(Exception):
    """Raised by a change that needs to know more than it does; whoever asked for it tries another."""


class _Wish(NamedTuple):
    cart_id: UUID
    change: Callable[[Cart], Cart]


_Outcome = Cart | Exception


class CartChanges:
    """Applies changes to carts, each to the cart as it is when it is written.

    A change is applied to the cart as this process saw it last, and written where its version is still
    that one: one statement for all that arrive together, without a transaction around it. Where
    somebody else was quicker the cart is read, and the change is applied to what it has become. Nobody is
    refused for what was only remembered.

    What shoppers do most, putting more in, needs no look at the cart in the plain case: the statement adds
    to what it finds (:meth:`put`).
    """

    def __init__(
        self, db: Database, clock: Clock, settings: CheckoutSettings, carts: CartRepository
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._carts = carts
        # A cart's expiry moves in steps: a row whose expiry stays is cheaper to change.
        self._step = min(_TOUCH, settings.cart_lifetime / 10)
        self._seen: Lately[UUID, Cart] = Lately()
        self._coalescer: Coalescer[_Wish, Cart] = Coalescer(self._fly)
        # Two additions to one cart do not fit into one statement.
        self._additions: Coalescer[Addition, Cart | None] = Coalescer(
            self._add, keys=lambda addition: (addition.cart_id,)
        )

    async def apply(self, cart_id: UUID, change: Callable[[Cart], Cart]) -> Cart:
        """The cart as ``change`` made it; ``change`` may be called several times, and must be quick.

        Raises what ``change`` raises, :class:`~commercekit.checkout.errors.CartNotFound` and
        :class:`~commercekit.checkout.errors.CartOrdered`; nothing is written then.
        """
        return await self._coalescer.submit(_Wish(cart_id, change))

    async def put(self, addition: Addition) -> Cart | None:
        """The cart with so many pieces more; ``None`` where :meth:`apply` has to tell what stands against it.

        Raises :class:`~commercekit.platform.db.CommitOutcomeUnknown` when the connection broke meanwhile.
        """
        return await self._additions.submit(addition)

    async def market_of(self, cart_id: UUID) -> str:
        """The code of the cart's market, which never changes."""
        seen = self._seen.get(cart_id)
        if seen is None:
            now = self._clock.now()
            seen = found(await self._carts.get(cart_id, now))
            self._seen.put(seen.id, seen, now)
        return seen.market

    async def drained(self) -> None:
        """Return once no change is under way; before the database is closed."""
        await self._coalescer.drained()
        await self._additions.drained()

    async def _add(self, additions: Sequence[Addition]) -> Sequence[Cart | Exception | None]:
        now = self._clock.now()
        lifetime = self._settings.cart_lifetime
        try:
            carts = await self._carts.put(
                additions, now, expires_at=now + lifetime, touch=now + lifetime - self._step
            )
        except CommitOutcomeUnknown as error:  # tried again, what was added would be added twice
            return [error] * len(additions)
        for cart in carts.values():
            self._seen.put(cart.id, cart, now)
        return [carts.get(addition.cart_id) for addition in additions]

    async def _fly(self, wishes: Sequence[_Wish]) -> Sequence[_Outcome]:
        now = self._clock.now()
        outcomes: list[_Outcome] = [CartNotFound()] * len(wishes)
        left = list(enumerate(wishes))
        base: dict[UUID, Cart] = {}
        read: set[UUID] = set()
        for _ in range(_GUESSES):
            for cart_id in {wish.cart_id for _, wish in left} - read:
                seen = self._seen.get(cart_id)
                if seen is not None and seen.expires_at > now:
                    base[cart_id] = seen
            carts, guessed = self._applied(left, base, now)
            doubtful = {
                wish.cart_id
                for (_, wish), outcome in zip(left, guessed, strict=True)
                if wish.cart_id not in read and isinstance(outcome, Exception)
            }
            if doubtful:
                base = {key: cart for key, cart in base.items() if key not in doubtful}
                base |= await self._carts.read(doubtful, now)
                read |= doubtful
                carts, guessed = self._applied(left, base, now)
            changes = [(base[key], cart) for key, cart in carts.items() if cart is not base[key]]
            others = await self._carts.swap(changes, now) if changes else {}
            for (turn, wish), outcome in zip(left, guessed, strict=True):
                if wish.cart_id not in others:
                    outcomes[turn] = outcome
            for cart in carts.values():
                if cart.id not in others:
                    self._seen.put(cart.id, cart, now)
            left = [(turn, wish) for turn, wish in left if wish.cart_id in others]
            if not left:
                return outcomes
            read |= others.keys()
            base = {key: cart for key, cart in others.items() if cart is not None}
        for (turn, _), outcome in zip(
            left, await self._one_after_the_other([wish for _, wish in left]), strict=True
        ):
            outcomes[turn] = outcome
        return outcomes

    async def _one_after_the_other(self, wishes: Sequence[_Wish]) -> list[_Outcome]:
        """For carts that everybody wants at once: whoever comes waits for who is there."""

        async def work(uow: UnitOfWork) -> list[_Outcome]:
            now = self._clock.now()
            locked = await self._carts.locked(uow, {wish.cart_id for wish in wishes}, now)
            carts, outcomes = self._applied(list(enumerate(wishes)), locked, now)
            changes = [
                (locked[key], cart) for key, cart in carts.items() if cart is not locked[key]
            ]
            if changes:
                await self._carts.write(uow, changes)
            return outcomes

        return await self._db.run(work)

    def _applied(
        self, wishes: Sequence[tuple[int, _Wish]], base: dict[UUID, Cart], now: datetime
    ) -> tuple[dict[UUID, Cart], list[_Outcome]]:
        """What becomes of the carts, and of each wish; several for one cart follow each other."""
        carts = dict(base)
        outcomes: list[_Outcome] = []
        for _, wish in wishes:
            try:
                cart = self._changed(wish, carts.get(wish.cart_id), now)
            except Exception as refusal:  # noqa: BLE001 - each is told what became of its own wish
                outcomes.append(refusal)
            else:
                carts[cart.id] = cart
                outcomes.append(cart)
        return carts, outcomes

    def _changed(self, wish: _Wish, there: Cart | None, now: datetime) -> Cart:
        cart = found(there)
        if cart.order_id is not None:
            raise CartOrdered
        lifetime = self._settings.cart_lifetime
        expires_at = cart.expires_at
        if expires_at - now < lifetime - self._step:
            expires_at = now + lifetime
        return replace(wish.change(cart), expires_at=expires_at, version=cart.version + 1)


def found(cart: Cart | None) -> Cart:
    """The cart that is there; raises :class:`~commercekit.checkout.errors.CartNotFound`."""
    if cart is None:
        detail = "There is no such cart, or X-Cart-Token does not belong to it."
        raise CartNotFound(detail)
    return cart
