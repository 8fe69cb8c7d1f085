"""The use cases of orders, one file per verb."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from commercekit.orders.service.draft_order import PAYMENT_STATUS_CONSUMER, DraftOrders
from commercekit.orders.service.edit_order import EditOrders
from commercekit.orders.service.export_orders import ExportOrders
from commercekit.orders.service.extend_order import ExtendOrders
from commercekit.orders.service.follow_refunds import FollowRefunds
from commercekit.orders.service.keep_notes import INTERNAL_EVENTS, KeepNotes
from commercekit.orders.service.letters import LETTERS, WriteLetters
from commercekit.orders.service.pay_order import PayOrders
from commercekit.orders.service.return_order import WantedTerms
from commercekit.orders.service.reviewer import Reviewer
from commercekit.orders.service.seal_reasons import SealReasons
from commercekit.orders.service.settle_money import SETTLE, SettleOrder
from commercekit.orders.service.ship_order import ShipOrders
from commercekit.platform.jobs import JobContext, JobKind, Schedule

__all__ = [
    "INTERNAL_EVENTS",
    "LETTERS",
    "PAYMENT_STATUS_CONSUMER",
    "OrderService",
    "Reviewer",
    "WantedTerms",
]


class OrderService(
    DraftOrders,
    EditOrders,
    PayOrders,
    ShipOrders,
    WriteLetters,
    FollowRefunds,
    KeepNotes,
    ExtendOrders,
    ExportOrders,
    SealReasons,
):
    """Life cycle, history, cancellation, shipping and refunds of orders.

    Every use case is one transaction, preceded or followed by calls to providers. All of them, and
    everything that payments and fulfilment do for the same order, wait for one lock on its reference.
    """

    def job_kinds(self) -> Sequence[JobKind]:
        """What the job runner needs to know."""

        async def close_unpaid(_context: JobContext) -> None:
            while await self.close_unpaid():
                pass

        async def review_overdue(_context: JobContext) -> None:
            await self.review_overdue()

        async def settle(context: JobContext) -> None:
            order: SettleOrder = context.payload
            await self.settle(order.order_id)

        async def seal_reasons(_context: JobContext) -> None:
            while await self.seal_reasons():
                pass

        async def hand_out(_context: JobContext) -> None:
            await self.hand_out_waiting()

        return [
            JobKind("orders.close-unpaid", close_unpaid),
            JobKind("orders.review-overdue", review_overdue),
            JobKind("orders.hand-out", hand_out),
            JobKind(SETTLE, settle, payload=SettleOrder),
            JobKind("orders.seal", seal_reasons),
        ]

    @staticmethod
    def schedules() -> Sequence[Schedule]:
        """How often unpaid orders, and requests without a review, are looked for."""
        return [
            Schedule("orders.close-unpaid", every=timedelta(seconds=15), job="orders.close-unpaid"),
            Schedule(
                "orders.review-overdue", every=timedelta(seconds=30), job="orders.review-overdue"
            ),
            Schedule("orders.hand-out", every=timedelta(minutes=10), job="orders.hand-out"),
            Schedule("orders.seal", every=timedelta(minutes=1), job="orders.seal"),
        ]
