"""The use cases of orders, one file per verb."""

from __future__ import annotations

from commercekit.orders.service.cancel_order import CancelOrders
from commercekit.orders.service.create_order import CreateOrders
from commercekit.orders.service.follow_facts import FollowFacts
from commercekit.orders.service.pay_order import PayOrders
from commercekit.orders.service.refund_order import RefundOrders
from commercekit.orders.service.ship_order import ShipOrders

__all__ = ["OrderService"]


class OrderService(CreateOrders, CancelOrders, PayOrders, ShipOrders, RefundOrders, FollowFacts):
    """Life cycle, history, cancellation, shipping and refunds of orders.

    Every use case is one transaction, preceded or followed by calls to providers. All of them, and
    everything that payments and fulfilment do for the same order, wait for one lock on its reference.
    """
