"""Placing: one transaction that takes the stock, writes the orders and the payments' intents.

Orders that arrive together are written together. Everything that a plugin decides (price, freight,
which location serves, what an offline payment asks) is decided before; nothing of theirs runs inside.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from commercekit.checkout.errors import (
    CartChanged,
    CartEmpty,
    CartOrdered,
    CouponNotApplicable,
    PaymentMethodNeeded,
    PriceChanged,
    ShippingNotAvailable,
)
from commercekit.checkout.models import PlaceOrder, Quote
from commercekit.checkout.repository import StockShows, Turn, place_all
from commercekit.checkout.service.limits import limit_reached
from commercekit.errors import CommerceKitError, Malformed, Refused
from commercekit.inventory import Demand, Destination, OutOfStock
from commercekit.kernel import Clock, DomainEvent, new_id
from commercekit.orders import (
    PAYMENT_STATUS_CONSUMER,
    DraftedOrder,
    NewOrder,
    Order,
    OrdersSettings,
    new_number,
)
from commercekit.platform.db import Coalescer, UniqueViolation
from commercekit.platform.failpoints import failpoint
from commercekit.platform.http import LEASE, Answer, Claim, IdempotentRun
from commercekit.promotions import CouponStatus

if TYPE_CHECKING:
    from commercekit.checkout.service.quoting import Quoter
    from commercekit.inventory import InventoryService
    from commercekit.orders import OrderService
    from commercekit.payments import Intent, Payment, PaymentMethod, PaymentService
    from commercekit.platform.bus import Bus
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.extensions import Values
    from commercekit.platform.http import Idempotency

__all__ = ["AnswerPlaced", "Placed", "Placing"]

_PLACED = "placed"
"""The step of a key whose order is written and whose payment is not started yet."""
_SETTLED = frozenset({PAYMENT_STATUS_CONSUMER})
_LAST_PIECES_SECONDS = 5.0
_NUMBERS = 3
"""How often another order number is tried when one is taken."""


class Placed(Struct, frozen=True, kw_only=True):
    """The order, and the payment that was started for it; none when nothing is to be paid."""

    order: Order
    payment: Payment | None


class AnswerPlaced(Struct, frozen=True):
    """How whoever placed it is answered; what the key keeps."""

    fresh: Callable[[DraftedOrder, Payment | None], Answer]
    """From what is about to be written, when there is nothing left to ask."""
    found: Callable[[Placed], Awaitable[Answer]]
    """From what was written."""


class _Ready(Struct, frozen=True, kw_only=True):
    """An order of which everything is known but whether there is stock for it."""

    draft: DraftedOrder
    intent: Intent | None
    answer: Answer | None
    claim: Claim | None
    facts: tuple[DomainEvent, ...]
    tells: bool
    """Whether the wish carries its facts, so that it may be placed by a statement of its own."""
    wish: dict[str, Any]
    """As the SQL function ``checkout_place`` takes it."""


class Placing:
    """From an agreed price to a placed order with a payment under way."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        keys: Idempotency,
        settings: OrdersSettings,
        inventory: InventoryService,
        payments: PaymentService,
        orders: OrderService,
        quoter: Quoter,
        bus: Bus,
        *,
        observe: Callable[[int], None] | None = None,
    ) -> None:
        """``observe`` is told how many orders each transaction takes."""
        self._db = db
        self._clock = clock
        self._keys = keys
        self._settings = settings
        self._inventory = inventory
        self._payments = payments
        self._orders = orders
        self._quoter = quoter
        self._bus = bus
        self._last_pieces: dict[str, float] = {}
        self._coalescer: Coalescer[_Ready, Turn] = Coalescer(
            self._fly, keys=_keys_of, observe=observe
        )

    async def once(self, claim: Claim, wish: PlaceOrder, answers: AnswerPlaced) -> Answer:
        """Place ``wish`` under ``claim`` and answer; the same claim again gives the same answer.

        The key is claimed in the transaction that writes the order, and complete with it when there is
        nobody to ask about the payment. Otherwise the payment is started next, and a crash in between
        is taken up by the retry, or by :meth:`resume`. Raises as :meth:`place`, and what a key may
        raise.
        """
        try:
            ready, turn = await self._try(wish, new_id, claim, answers)
        except (Refused, Malformed):
            # Nothing was done now; something may have been done under this key before.
            earlier = await self._keys.replay(claim)
            if earlier is None:
                raise
            return earlier
        order_id = ready.draft.new.id

        async def again(run: IdempotentRun) -> Answer:
            return await answers.found(await self.place(run.id, wish))

        if turn.outcome == "taken":
            return await self._keys.execute(claim, again)
        if ready.answer is not None:
            failpoint("checkout.placed")
            return ready.answer
        run = IdempotentRun(
            id=order_id, scope=claim.scope, subject=claim.subject, key=claim.key, step=_PLACED
        )

        async def start(run: IdempotentRun) -> Answer:
            failpoint("checkout.placed")
            return await answers.found(await self._started(run.id))

        return await self._keys.finish(run, start)

    async def place(self, order_id: UUID, wish: PlaceOrder) -> Placed:
        """Place ``wish`` as ``order_id`` and start its payment; repeating finds what was done.

        The id is made before the work: after a crash the retry goes on where the first try stopped,
        whatever prices and stock have become. Raises
        :class:`~commercekit.checkout.errors.PriceChanged` when ``expected_total`` is another than the
        quote's, :class:`~commercekit.inventory.OutOfStock` naming every line that falls short,
        :class:`~commercekit.platform.db.TooBusy` when too many wait, and the refusals of a strict quote;
        nothing is written then.
        """
        if not await self._orders.exists(order_id):
            await self._try(wish, lambda: order_id, None, None)
            failpoint("checkout.placed")
        return await self._started(order_id)

    async def resume(
        self, run: IdempotentRun, answer: Callable[[Placed], Awaitable[Answer]]
    ) -> Answer | None:
        """Finish what an execution began that died; ``None`` when it had placed nothing."""
        if not await self._orders.exists(run.id):
            return None
        return await answer(await self._started(run.id))

    async def drained(self) -> None:
        """Return once nothing waits to be placed; before the database is closed."""
        await self._coalescer.drained()

    async def _try(
        self,
        wish: PlaceOrder,
        make_id: Callable[[], UUID],
        claim: Claim | None,
        answers: AnswerPlaced | None,
    ) -> tuple[_Ready, Turn]:
        for attempt in range(1, _NUMBERS + 1):
            ready = await self._prepare(make_id(), wish, claim, answers)
            try:
                turn = await self._coalescer.submit(ready)
                while turn.outcome == "again":
                    turn = await self._coalescer.submit(ready)
            except OutOfStock as refusal:
                with contextlib.suppress(CommerceKitError):
                    skus = {short.sku for short in refusal.shortfalls}
                    await self._quoter.learn_stock(wish.basis.market, skus)
                raise
            except UniqueViolation as clash:
                if clash.constraint_name != "orders_number_pkey" or attempt == _NUMBERS:
                    raise
            else:
                return ready, turn
        message = "unreachable: the loop returns or raises"
        raise AssertionError(message)

    async def _started(self, order_id: UUID) -> Placed:
        payments = await self._payments.payments_of(None, str(order_id))
        payment = await self._payments.start(payments[0].id) if payments else None
        return Placed(order=await self._orders.get(order_id), payment=payment)

    async def _prepare(
        self, order_id: UUID, wish: PlaceOrder, claim: Claim | None, answers: AnswerPlaced | None
    ) -> _Ready:
        quote = await self._quoter.quote(wish.basis, strict=True)
        _check(wish, quote)
        self._check_stock(wish.basis.market, quote)
        method = self._method(wish, quote)
        now = self._clock.now()
        collects_later = method is not None and method.collects_later
        expires_at = None if method is None or collects_later else now + self._settings.pay_within
        new = _new_order(order_id, wish, quote, method, now, expires_at)
        intent = None
        if method is not None:
            intent = await self._payments.prepare_intent(
                payment_id=new_id(),
                reference=str(order_id),
                amount=quote.totals.total,
                method=method.code,
                flow=wish.flow,
                subject=new.number,
                return_url=wish.return_url,
                expires_at=expires_at,
                customer_ip=wish.customer_ip,
                payer_ref=wish.payer_ref,
                locale=wish.locale,
            )
        payment = None if intent is None else intent.payment
        draft = self._orders.draft(new, payment)
        answer = None
        if answers is not None and (intent is None or intent.asked):
            answer = answers.fresh(draft, payment)
        facts = (*draft.facts, *(intent.facts if intent else ()))
        # Values of plugins' fields are written by a unit of work.
        rows = None if new.extensions else self._bus.rows(facts, _SETTLED)
        return _Ready(
            draft=draft,
            intent=intent,
            answer=answer,
            claim=claim,
            facts=facts,
            tells=rows is not None,
            wish={
                "claim": (
                    None
                    if claim is None
                    else self._keys.claim_row(claim, order_id, answer=answer, step=_PLACED)
                ),
                "cart": (
                    None
                    if wish.cart_id is None
                    else {"id": wish.cart_id, "version": wish.cart_version}
                ),
                "allocation": await self._allocation(order_id, wish, quote, expires_at),
                "order": draft.row,
                "payment": None if intent is None else intent.row,
                "facts": rows or [],
            },
        )

    def _check_stock(self, market: str, quote: Quote) -> None:
        """Refuse what is known to be sold out: whoever rushes to it must not crowd the database."""
        wanted = Counter[str]()
        for line in quote.new_lines:
            wanted[line.sku] += line.quantity
        if short := self._quoter.known_short(market, wanted):
            raise self._inventory.refuse(short)

    async def _allocation(
        self, order_id: UUID, wish: PlaceOrder, quote: Quote, expires_at: datetime | None
    ) -> dict[str, Any]:
        """Who is asked for the goods first; a plugin may decide, so it is asked before the transaction."""
        address, market = wish.basis.address, wish.basis.market
        demands = [Demand(line.sku, line.quantity) for line in quote.new_lines]
        destination = None
        if address is not None:
            destination = Destination(address.country, address.region, address.postcode)
        plan = await self._inventory.plan(demands, market=market, destination=destination)
        return self._inventory.wish(str(order_id), demands, expires_at, market=market, plan=plan)

    def _method(self, wish: PlaceOrder, quote: Quote) -> PaymentMethod | None:
        if not quote.totals.total:
            return None
        if wish.payment_method is None:
            raise PaymentMethodNeeded
        return self._payments.method(wish.payment_method, quote.totals.total)

    async def _fly(self, batch: Sequence[_Ready]) -> Sequence[Turn | Exception]:
        """Place the batch in one statement where nothing else has to be written with it.

        Then no stock is held while this process gets round to saying COMMIT: on a SKU that everybody
        wants, each process waits for the others no longer than their statement takes.
        """
        wishes = [ready.wish for ready in batch]
        if all(ready.tells for ready in batch) and not self._sells_last_pieces(batch):
            try:
                turns, _ = await place_all(self._db, wishes, lease=LEASE)
            except StockShows as shows:
                until = monotonic() + _LAST_PIECES_SECONDS
                self._last_pieces.update(dict.fromkeys(shows.skus, until))
            else:
                self._bus.wake()
                return [self._outcome(turn) for turn in turns]
        return await self._fly_with_stock(batch)

    def _sells_last_pieces(self, batch: Sequence[_Ready]) -> bool:
        """Whether selling to ``batch`` most likely changes a number that shoppers see."""
        if not self._last_pieces:
            return False
        now = monotonic()
        self._last_pieces = {sku: at for sku, at in self._last_pieces.items() if at > now}
        return any(
            line.sku in self._last_pieces for ready in batch for line in ready.draft.new.lines
        )

    async def _fly_with_stock(self, batch: Sequence[_Ready]) -> Sequence[Turn | Exception]:
        async def work(uow: UnitOfWork) -> list[Turn | Exception]:
            turns, stock = await place_all(uow, [ready.wish for ready in batch], lease=LEASE)
            failpoint("checkout.written")
            self._inventory.tell_allocated(uow, stock)
            outcomes: list[Turn | Exception] = []
            carried: dict[UUID, Values] = {}
            for ready, turn in zip(batch, turns, strict=True):
                if turn.outcome == "placed":
                    if ready.draft.new.extensions:
                        carried[ready.draft.new.id] = ready.draft.new.extensions
                    uow.publish_settled(_SETTLED, *ready.facts)
                outcomes.append(self._outcome(turn))
            if carried:
                await self._orders.carry_extensions(uow, carried)
            return outcomes

        return await self._db.run(work)

    def _outcome(self, turn: Turn) -> Turn | Exception:
        match turn.outcome:
            case "out-of-stock":
                return self._inventory.refusal(turn.detail)
            case "cart-changed":
                return CartChanged()
            case "cart-ordered":
                return CartOrdered()
            case "limit-reached":
                return limit_reached(turn.detail)
            case _:
                return turn


def _keys_of(ready: _Ready) -> list[Hashable]:
    """Of orders that share one, only the first may be placed: the second has to see what it did."""
    claim, cart = ready.claim, ready.wish["cart"]
    keys: list[Hashable] = [ready.draft.new.id]
    if claim is not None:
        keys.append((claim.scope, claim.subject, claim.key))
    if cart is not None:
        keys.append(cart["id"])
    return keys


def _new_order(
    order_id: UUID,
    wish: PlaceOrder,
    quote: Quote,
    method: PaymentMethod | None,
    now: datetime,
    expires_at: datetime | None,
) -> NewOrder:
    address = wish.basis.address
    if address is None:  # _check has refused it in words
        raise ShippingNotAvailable
    return NewOrder(
        id=order_id,
        number=new_number(now),
        market=wish.basis.market,
        currency=quote.currency,
        prices_include_tax=quote.prices_include_tax,
        locale=wish.locale,
        email=wish.email,
        address=address,
        lines=quote.new_lines,
        adjustments=quote.new_adjustments,
        shipping=quote.new_shipping,
        totals=quote.totals,
        payment_method=method.code if method else "",
        collects_later=method is not None and method.collects_later,
        placed_at=now,
        expires_at=expires_at,
        note=wish.note,
        customer_id=wish.customer_id,
        extensions=wish.extensions,
    )


def _check(wish: PlaceOrder, quote: Quote) -> None:
    if not quote.lines:
        raise CartEmpty
    if wish.basis.address is None:
        detail = "Say where it goes before ordering."
        raise ShippingNotAvailable(detail)
    if quote.requires_shipping and quote.shipping is None:
        detail = "Choose how it is shipped before ordering."
        raise ShippingNotAvailable(detail)
    expected = wish.expected_total
    refused = [
        message
        for message in quote.messages
        if message.coupon is not None and message.code != CouponStatus.APPLIED
    ]
    if expected is None and refused:
        # With an expected total the shopper has agreed to the price as it is without the coupon.
        raise CouponNotApplicable(refused[0].text, coupon=refused[0].coupon, code=refused[0].code)
    if expected is not None and expected != quote.totals.total:
        detail = f"The total is {quote.totals.total}, not {expected}."
        raise PriceChanged(
            detail,
            expected_total=expected,
            quote={
                "lines": quote.lines,
                "adjustments": quote.adjustments,
                "shipping": quote.shipping,
                "totals": quote.totals,
            },
        )
