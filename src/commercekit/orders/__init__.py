"""Orders: life cycle, history, cancellation, shipping, refund requests.

Placing is decided by ``checkout``, which writes through :meth:`OrderService.create`. Money is moved by
``payments`` and goods by ``fulfilment``; what they tell, orders project onto their derived statuses.
"""

from commercekit.orders.api import (
    AdminOrders,
    AdminRefundRequests,
    OrderView,
    StoreOrders,
    view_of,
)
from commercekit.orders.errors import (
    MoreThanAsked,
    NothingToRefund,
    NothingToShip,
    OrderNotFound,
    OrderNotPaid,
    RefundRequestDecided,
    RefundRequestNotFound,
    TooManyUnits,
    UnitsBeingPacked,
    UnknownOrderLine,
)
from commercekit.orders.events import (
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    RefundApproved,
    RefundRejected,
    RefundRequested,
)
from commercekit.orders.models import (
    Actor,
    Adjustment,
    FulfilmentStatus,
    HistoryEntry,
    NewAdjustment,
    NewLine,
    NewOrder,
    NewShipping,
    Order,
    OrderLine,
    OrdersSettings,
    OrderStatus,
    OrderSummary,
    PaymentStatus,
    RefundRequest,
    RefundRequestLine,
    RefundRequestStatus,
    RequestedLine,
    Totals,
    WebAddress,
)
from commercekit.orders.repository import TABLE, new_number
from commercekit.orders.service import OrderService
from commercekit.orders.subscribers import subscriptions

SEALED_TABLES = (TABLE,)
"""Tables with personal fields, for which the sealer keeps a data key."""

__all__ = [
    "SEALED_TABLES",
    "Actor",
    "Adjustment",
    "AdminOrders",
    "AdminRefundRequests",
    "FulfilmentStatus",
    "HistoryEntry",
    "MoreThanAsked",
    "NewAdjustment",
    "NewLine",
    "NewOrder",
    "NewShipping",
    "NothingToRefund",
    "NothingToShip",
    "Order",
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelivered",
    "OrderLine",
    "OrderNotFound",
    "OrderNotPaid",
    "OrderPaid",
    "OrderPlaced",
    "OrderRefunded",
    "OrderService",
    "OrderShipped",
    "OrderStatus",
    "OrderSummary",
    "OrderView",
    "OrdersSettings",
    "PaymentStatus",
    "RefundApproved",
    "RefundRejected",
    "RefundRequest",
    "RefundRequestDecided",
    "RefundRequestLine",
    "RefundRequestNotFound",
    "RefundRequestStatus",
    "RefundRequested",
    "RequestedLine",
    "StoreOrders",
    "TooManyUnits",
    "Totals",
    "UnitsBeingPacked",
    "UnknownOrderLine",
    "WebAddress",
    "new_number",
    "subscriptions",
    "view_of",
]
