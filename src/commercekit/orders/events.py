"""What happened to an order, as others hear it. Ids and figures only."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent, Money

__all__ = [
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelivered",
    "OrderPaid",
    "OrderPlaced",
    "OrderRefunded",
    "OrderShipped",
    "RefundApproved",
    "RefundRejected",
    "RefundRequested",
]


class _OrderFact(DomainEvent, frozen=True, kw_only=True):
    aggregate: ClassVar[str] = "order"
    id_field: ClassVar[str] = "order_id"

    order_id: UUID
    number: str


class OrderPlaced(_OrderFact, frozen=True, kw_only=True):
    """The contract is made; the goods are allocated."""

    total: Money
    skus: list[str]


class OrderPaid(_OrderFact, frozen=True, kw_only=True):
    """What the order asks has been captured in full."""

    captured: Money


class OrderCancelled(_OrderFact, frozen=True, kw_only=True):
    """No goods will leave; what was paid goes back."""

    reason: str


class OrderShipped(_OrderFact, frozen=True, kw_only=True):
    """A shipment of this order was handed over to its carrier."""

    shipment_id: UUID
    complete: bool
    """Whether nothing is left to ship."""


class OrderDelivered(_OrderFact, frozen=True, kw_only=True):
    """A shipment of this order reached the shopper."""

    shipment_id: UUID
    complete: bool


class OrderCompleted(_OrderFact, frozen=True, kw_only=True):
    """Delivered and paid: nothing is open."""


class OrderRefunded(_OrderFact, frozen=True, kw_only=True):
    """Money has gone back."""

    refund_id: UUID
    amount: Money
    complete: bool
    """Whether nothing of what was captured is left."""


class RefundRequested(_OrderFact, frozen=True, kw_only=True):
    """The shopper asks for money back."""

    refund_request_id: UUID
    amount: Money


class RefundApproved(_OrderFact, frozen=True, kw_only=True):
    """The shop agreed; the money is on its way."""

    refund_request_id: UUID
    amount: Money


class RefundRejected(_OrderFact, frozen=True, kw_only=True):
    """The shop declined, with a reason the shopper reads."""

    refund_request_id: UUID
