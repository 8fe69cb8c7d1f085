"""What orders do when money or goods move, and what the shopper hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commercekit.fulfilment import (
    ShipmentAttemptFailed,
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentFailed,
    ShipmentHandedOver,
    ShipmentInspected,
    ShipmentReturned,
    ShipmentSentAgain,
)
from commercekit.inventory import PromisesServed
from commercekit.kernel import Money, pick
from commercekit.orders.events import (
    OrderCancelled,
    OrderDelivered,
    OrderEdited,
    OrderLinesCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
)
from commercekit.orders.models import CUSTOMER_CANCELLED, OrderLine
from commercekit.orders.service.draft_order import PAYMENT_STATUS_CONSUMER
from commercekit.orders.service.letters import LETTERS
from commercekit.payments import (
    DisputeChanged,
    DisputeClosed,
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentAuthorised,
    PaymentCaptured,
    PaymentClosed,
    PaymentFact,
    PaymentFailed,
    PaymentMismatched,
    PaymentPaid,
    PaymentPending,
    RefundFailed,
    RefundNeedsAttention,
    RefundSucceeded,
)
from commercekit.platform.bus import EventMeta, Subscription

if TYPE_CHECKING:
    from commercekit.notifications import NotificationService
    from commercekit.orders.service import OrderService
    from commercekit.platform.db import UnitOfWork

__all__ = ["subscriptions"]


class _Derive:
    """Projectors: the two derived statuses are never behind the records they come from."""

    def __init__(self, orders: OrderService) -> None:
        self._orders = orders

    async def money(self, uow: UnitOfWork, fact: PaymentFact, _meta: EventMeta) -> None:
        await self._orders.follow_payment(uow, fact.reference)

    async def monies(self, uow: UnitOfWork, told: Sequence[tuple[PaymentFact, EventMeta]]) -> None:
        await self._orders.follow_payments(uow, list(dict.fromkeys(f.reference for f, _ in told)))

    async def refund(self, uow: UnitOfWork, fact: RefundSucceeded, _meta: EventMeta) -> None:
        amount = Money(fact.amount, fact.currency)
        await self._orders.follow_refund(uow, fact.reference, fact.refund_id, amount)

    async def dispute(self, uow: UnitOfWork, fact: DisputeFact, _meta: EventMeta) -> None:
        await self._orders.follow_dispute(uow, fact)

    async def refund_trouble(
        self, uow: UnitOfWork, fact: RefundFailed | RefundNeedsAttention, _meta: EventMeta
    ) -> None:
        await self._orders.follow_refund_trouble(uow, fact)

    async def end_claims(self, uow: UnitOfWork, fact: OrderCancelled, _meta: EventMeta) -> None:
        await self._orders.end_claims(uow, fact.order_id)

    async def hand_over(self, uow: UnitOfWork, fact: ShipmentHandedOver, _meta: EventMeta) -> None:
        await self._orders.follow_hand_over(uow, fact.reference, fact.shipment_id)

    async def delivery(self, uow: UnitOfWork, fact: ShipmentDelivered, _meta: EventMeta) -> None:
        await self._orders.follow_delivery(uow, fact)

    async def attempt(self, uow: UnitOfWork, fact: ShipmentAttemptFailed, _meta: EventMeta) -> None:
        await self._orders.follow_attempt(uow, fact)

    async def failure(self, uow: UnitOfWork, fact: ShipmentFailed, _meta: EventMeta) -> None:
        await self._orders.follow_shipment(
            uow, fact.reference, fact.shipment_id, "delivery-failed", fact.parcels
        )

    async def homecoming(self, uow: UnitOfWork, fact: ShipmentReturned, _meta: EventMeta) -> None:
        await self._orders.follow_shipment(
            uow, fact.reference, fact.shipment_id, "returned", fact.parcels
        )

    async def inspection(self, uow: UnitOfWork, fact: ShipmentInspected, _meta: EventMeta) -> None:
        await self._orders.follow_inspection(uow, fact)

    async def sending_again(
        self, uow: UnitOfWork, fact: ShipmentSentAgain, _meta: EventMeta
    ) -> None:
        await self._orders.follow_sending_again(uow, fact)

    async def arrival(self, uow: UnitOfWork, fact: PromisesServed, _meta: EventMeta) -> None:
        await self._orders.follow_arrival(uow, fact)

    async def withdrawal(self, uow: UnitOfWork, fact: ShipmentCancelled, _meta: EventMeta) -> None:
        await self._orders.follow_withdrawal(
            uow, fact.reference, fact.shipment_id, was_handed_over=fact.was_handed_over
        )


class _ReturnExcess:
    """Money that came late or twice goes back by itself."""

    def __init__(self, orders: OrderService) -> None:
        self._orders = orders

    async def __call__(self, uow: UnitOfWork, fact: PaymentPaid, _meta: EventMeta) -> None:
        await self._orders.return_excess(uow, fact.reference, fact.payment_id)


class _Complete:
    """An order of which nothing travels is done when it is paid, or when it cost nothing."""

    def __init__(self, orders: OrderService) -> None:
        self._orders = orders

    async def __call__(self, uow: UnitOfWork, fact: OrderPaid, _meta: EventMeta) -> None:
        await self._orders.follow_paid(uow, fact.order_id)


class _LetGo:
    """Money that is held twice, or for nothing, is let go by itself."""

    def __init__(self, orders: OrderService) -> None:
        self._orders = orders

    async def __call__(self, uow: UnitOfWork, fact: PaymentAuthorised, _meta: EventMeta) -> None:
        await self._orders.let_go(uow, fact.reference, fact.payment_id)


_TEMPLATES: dict[type[Any], str] = {
    OrderPlaced: "order-placed",
    OrderPaid: "order-paid",
    OrderShipped: "order-shipped",
    OrderDelivered: "order-delivered",
    OrderRefunded: "order-refunded",
    OrderCancelled: "order-cancelled",
    OrderLinesCancelled: "order-changed",
    OrderEdited: "order-changed",
    **LETTERS,
}


_REASONS = {
    "unpaid": {"en": "it was not paid in time", "zh": "超时未支付"},
    "refunded": {"en": "all of it was refunded", "zh": "已全额退款"},
    CUSTOMER_CANCELLED: {"en": "as you wished", "zh": "按您的要求"},
}
"""What the shop itself gives as a reason, in the shopper's words; people's own words stay as they are."""


def _reason(reason: str, locale: str) -> str:
    known = _REASONS.get(reason)
    return pick(known, [locale]) if known else reason


def _standing(line: OrderLine) -> dict[str, Any]:
    """What is left of a line after what was taken off it."""
    return {
        "name": line.name,
        "quantity": (line.quantity - line.cancelled) or line.quantity,
        "total": line.total - Money(line.withdrawn_amount, line.total.currency),
    }


class _TellShopper:
    """Each step becomes one message; the same fact never becomes two."""

    def __init__(self, orders: OrderService, notifications: NotificationService) -> None:
        self._orders = orders
        self._notifications = notifications

    async def __call__(self, uow: UnitOfWork, fact: Any, meta: EventMeta) -> None:
        order = await self._orders.get(fact.order_id)
        params: dict[str, Any] = {
            "number": order.number,
            "total": order.due,
            "lines": [_standing(line) for line in order.lines if line.quantity > line.cancelled]
            or [_standing(line) for line in order.lines],
        }
        if isinstance(fact, OrderLinesCancelled | OrderEdited):
            params["refund"] = fact.refunded or None
        if isinstance(fact, OrderEdited):
            params["to_pay"] = fact.to_pay or None
        if isinstance(fact, OrderRefunded):
            params["amount"] = fact.amount
        if isinstance(fact, OrderCancelled):
            reason = fact.reason or await self._orders.why_cancelled(order)
            params["reason"] = _reason(reason, order.locale)
        if type(fact) in LETTERS:
            about = await self._orders.letter_about(fact, order)
            if about is None:
                return
            params |= about
        if isinstance(fact, OrderShipped | OrderDelivered):
            shipments = await self._orders.shipments(order)
            shipment = next(item for item in shipments if item.id == fact.shipment_id)
            params |= {
                "carrier": shipment.carrier_name,
                "tracking_number": shipment.tracking_number or "",
            }
        await self._notifications.send(
            uow,
            template=_TEMPLATES[type(fact)],
            to=order.email,
            locale=order.locale,
            params=params,
            dedupe_key=str(meta.id),
        )


def subscriptions(
    orders: OrderService, notifications: NotificationService
) -> Sequence[Subscription]:
    """Everything orders listen to: payments and shipments below, and themselves."""
    derive = _Derive(orders)
    tell = _TellShopper(orders, notifications)
    money = (
        PaymentPending,
        PaymentAuthorised,
        PaymentCaptured,
        PaymentPaid,
        PaymentFailed,
        PaymentClosed,
        PaymentMismatched,
    )
    goods = (
        (ShipmentHandedOver, derive.hand_over),
        (ShipmentDelivered, derive.delivery),
        (ShipmentAttemptFailed, derive.attempt),
        (ShipmentFailed, derive.failure),
        (ShipmentReturned, derive.homecoming),
        (ShipmentInspected, derive.inspection),
        (ShipmentSentAgain, derive.sending_again),
        (ShipmentCancelled, derive.withdrawal),
    )
    return [
        *(
            Subscription(
                PAYMENT_STATUS_CONSUMER,
                fact,
                derive.money,
                projector=True,
                together=derive.monies,
            )
            for fact in money
        ),
        Subscription(PAYMENT_STATUS_CONSUMER, RefundSucceeded, derive.refund, projector=True),
        *(
            Subscription("orders.payment-status", fact, derive.refund_trouble, projector=True)
            for fact in (RefundFailed, RefundNeedsAttention)
        ),
        *(
            Subscription("orders.payment-status", fact, derive.dispute, projector=True)
            for fact in (DisputeOpened, DisputeChanged, DisputeWon, DisputeLost, DisputeClosed)
        ),
        *(
            Subscription("orders.fulfilment-status", fact, react, projector=True)
            for fact, react in goods
        ),
        Subscription("orders.end-claims", OrderCancelled, derive.end_claims, projector=True),
        Subscription("orders.goods-arrived", PromisesServed, derive.arrival),
        Subscription("orders.return-excess", PaymentPaid, _ReturnExcess(orders)),
        Subscription("orders.complete", OrderPaid, _Complete(orders)),
        Subscription("orders.let-go", PaymentAuthorised, _LetGo(orders)),
        *(Subscription("orders.tell-shopper", fact, tell) for fact in _TEMPLATES),
    ]
