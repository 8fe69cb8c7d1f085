"""Orders over HTTP: the shopper's side and staff's."""

from commercekit.orders.api.admin import AdminOrders
from commercekit.orders.api.desk import AdminOrderDesk
from commercekit.orders.api.refunds import AdminRefundRequests
from commercekit.orders.api.returns import AdminReturns, StoreReturns
from commercekit.orders.api.store import StoreOrders
from commercekit.orders.api.views import OrderView, placed_view, view_of

__all__ = [
    "AdminOrderDesk",
    "AdminOrders",
    "AdminRefundRequests",
    "AdminReturns",
    "OrderView",
    "StoreOrders",
    "StoreReturns",
    "placed_view",
    "view_of",
]
