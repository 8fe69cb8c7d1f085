"""What the shopper is written about refunds and returns."""

from __future__ import annotations

from typing import Any

from commercekit.orders.events import (
    OrderRefundDelayed,
    RefundApproved,
    RefundRejected,
    RefundRequested,
    RefundWithdrawn,
    ReturnApproved,
    ReturnClosed,
    ReturnReceived,
    ReturnRejected,
    ReturnRequested,
    ReturnWithdrawn,
)
from commercekit.orders.models import Fault, Order, Return
from commercekit.orders.service.end_claims import EndClaims, ended_with_its_order

__all__ = ["LETTERS", "WriteLetters"]

LETTERS: dict[type[Any], str] = {
    RefundRequested: "refund-requested",
    RefundApproved: "refund-approved",
    RefundRejected: "refund-rejected",
    RefundWithdrawn: "refund-withdrawn",
    OrderRefundDelayed: "refund-delayed",
    ReturnRequested: "return-requested",
    ReturnApproved: "return-approved",
    ReturnRejected: "return-rejected",
    ReturnWithdrawn: "return-withdrawn",
    ReturnReceived: "return-received",
    ReturnClosed: "return-closed",
}
"""The template of each step that the shopper hears of."""


class WriteLetters(EndClaims):
    """Gathers what the templates want to know."""

    async def letter_about(self, fact: Any, order: Order) -> dict[str, Any] | None:
        """The parameters of the template for ``fact``, beyond what every message about an order has.

        ``None`` for what the shopper hears of otherwise.
        """
        if isinstance(fact, RefundRequested | OrderRefundDelayed):
            return {"amount": fact.amount}
        if isinstance(fact, RefundApproved | RefundRejected | RefundWithdrawn):
            request = await self.refund_request(fact.refund_request_id)
            if ended_with_its_order(request):
                return None
            return {"amount": request.amount, "reason": request.decision_reason}
        asked = await self.order_return(fact.return_id)
        return _about(asked, order)


def _about(asked: Return, order: Order) -> dict[str, Any]:
    names = {line.id: line.name for line in order.lines}
    customer_pays = asked.terms is not None and asked.terms.fault is Fault.CUSTOMER
    return {
        "lines": [
            {
                "name": names[line.line_id],
                "quantity": line.quantity,
                "sellable": line.sellable or 0,
                "damaged": line.damaged or 0,
                "missing": line.missing or 0,
            }
            for line in asked.lines
        ],
        "amount": asked.amount,
        "reason": asked.decision_reason,
        "customer_pays": customer_pays,
        "refund": asked.refund,
        "missing": sum(line.missing or 0 for line in asked.lines),
    }
