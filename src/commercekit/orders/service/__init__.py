"""The use cases of orders, one file per verb."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from commercekit.orders.service.cancel_order import CancelOrders
from commercekit.orders.service.draft_order import PAYMENT_STATUS_CONSUMER, DraftOrders
from commercekit.orders.service.follow_refunds import FollowRefunds
from commercekit.orders.service.letters import LETTERS, WriteLetters
from commercekit.orders.service.pay_order import PayOrders
from commercekit.orders.service.return_order import WantedTerms
from commercekit.orders.service.reviewer import Reviewer
from commercekit.orders.service.ship_order import ShipOrders
from commercekit.platform.jobs import JobContext, JobKind, Schedule

__all__ = ["LETTERS", "PAYMENT_STATUS_CONSUMER", "OrderService", "Reviewer", "WantedTerms"]


class OrderService(DraftOrders, CancelOrders, PayOrders, ShipOrders, WriteLetters, FollowRefunds):
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

        return [
            JobKind("orders.close-unpaid", close_unpaid),
            JobKind("orders.review-overdue", review_overdue),
        ]

    @staticmethod
    def schedules() -> Sequence[Schedule]:
        """How often unpaid orders, and requests without a review, are looked for."""
        return [
            Schedule("orders.close-unpaid", every=timedelta(seconds=15), job="orders.close-unpaid"),
            Schedule(
                "orders.review-overdue", every=timedelta(seconds=30), job="orders.review-overdue"
            ),
        ]
