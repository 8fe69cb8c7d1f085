"""What happened to an order, as others hear it. Ids and figures only."""

from typing import ClassVar
from uuid import UUID

from commercekit.kernel import DomainEvent, Money

__all__ = [
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelivered",
    "OrderEdited",
    "OrderExtended",
    "OrderLinesCancelled",
    "OrderPaid",
    "OrderPlaced",
    "OrderRefundDelayed",
    "OrderRefunded",
    "OrderShipped",
    "RefundApproved",
    "RefundRejected",
    "RefundRequested",
    "RefundWithdrawn",
    "ReturnApproved",
    "ReturnClosed",
    "ReturnInspected",
    "ReturnReceived",
    "ReturnRejected",
    "ReturnRequested",
    "ReturnSent",
    "ReturnWithdrawn",
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
    """A word of the shop's own, such as ``unpaid``; what people type stays in the sealed history."""


class OrderLinesCancelled(_OrderFact, frozen=True, kw_only=True):
    """Units were taken off before they shipped; the rest of the order stands."""

    units: dict[str, int]
    """By SKU."""
    due: Money
    """What the order costs now."""
    refunded: Money
    """What goes back of what was paid."""


class OrderEdited(_OrderFact, frozen=True, kw_only=True):
    """Staff changed lines, prices, the address or freight before shipping."""

    added: dict[str, int]
    """Units by SKU; a line that was re-priced is taken off and added again."""
    removed: dict[str, int]
    due: Money
    """What the order costs now."""
    refunded: Money
    to_pay: Money
    """What is still to be paid of it."""
    address_changed: bool
    freight_changed: bool = False


class OrderExtended(_OrderFact, frozen=True, kw_only=True):
    """Fields that plugins added were written; their values are read from the order."""

    fields: list[str]
    """``<plugin>.<field>`` of each that changed."""


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


class RefundWithdrawn(_OrderFact, frozen=True, kw_only=True):
    """The shopper took the request back before anybody decided it."""

    refund_request_id: UUID


class OrderRefundDelayed(_OrderFact, frozen=True, kw_only=True):
    """Money that was to go back did not, or came back to the shop; staff look after it."""

    refund_id: UUID
    amount: Money
    code: str
    had_succeeded: bool


class _ReturnFact(_OrderFact, frozen=True, kw_only=True):
    return_id: UUID


class ReturnRequested(_ReturnFact, frozen=True, kw_only=True):
    """The shopper wants to send goods back."""

    amount: Money


class ReturnApproved(_ReturnFact, frozen=True, kw_only=True):
    """The shopper may send them."""


class ReturnRejected(_ReturnFact, frozen=True, kw_only=True):
    """The shop declined, with a reason the shopper reads."""


class ReturnWithdrawn(_ReturnFact, frozen=True, kw_only=True):
    """The shopper took the request back before anybody decided it."""


class ReturnSent(_ReturnFact, frozen=True, kw_only=True):
    """The parcel is on its way to the shop."""


class ReturnReceived(_ReturnFact, frozen=True, kw_only=True):
    """The parcel is at the shop."""


class ReturnInspected(_ReturnFact, frozen=True, kw_only=True):
    """Every unit was looked at; what is sellable is stock again."""


class ReturnClosed(_ReturnFact, frozen=True, kw_only=True):
    """It is done; ``refund`` is on its way, or nothing is due."""

    refund: Money
