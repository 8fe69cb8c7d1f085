"""An order on its three axes, its lines, and what the shopper may ask of it."""

from commercekit.orders.models.order import (
    CUSTOMER_CANCELLED,
    ORDER_STATES,
    Actor,
    Adjustment,
    FulfilmentStatus,
    HistoryEntry,
    NewShipping,
    Order,
    OrderLine,
    OrdersSettings,
    OrderStatus,
    OrderSummary,
    PaymentStatus,
    Totals,
    WebAddress,
)
from commercekit.orders.models.placing import (
    NewAdjustment,
    NewLine,
    NewOrder,
)
from commercekit.orders.models.refunds import (
    REFUND_REQUEST_STATES,
    RefundRequest,
    RefundRequestLine,
    RefundRequestStatus,
    RequestedLine,
)

__all__ = [
    "CUSTOMER_CANCELLED",
    "ORDER_STATES",
    "REFUND_REQUEST_STATES",
    "Actor",
    "Adjustment",
    "FulfilmentStatus",
    "HistoryEntry",
    "NewAdjustment",
    "NewLine",
    "NewOrder",
    "NewShipping",
    "Order",
    "OrderLine",
    "OrderStatus",
    "OrderSummary",
    "OrdersSettings",
    "PaymentStatus",
    "RefundRequest",
    "RefundRequestLine",
    "RefundRequestStatus",
    "RequestedLine",
    "Totals",
    "WebAddress",
]
