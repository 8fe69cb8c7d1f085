"""Every query of orders; personal fields are sealed here and nowhere above."""

from commercekit.orders.repository.claims import ClaimRepository
from commercekit.orders.repository.customers import CustomerRepository
from commercekit.orders.repository.orders import TABLE, OrderRepository, new_number
from commercekit.orders.repository.placing import order_row
from commercekit.orders.repository.refund_requests import RefundRequestRepository
from commercekit.orders.repository.returns import RETURN_TABLE, ReturnRepository

__all__ = [
    "RETURN_TABLE",
    "TABLE",
    "ClaimRepository",
    "CustomerRepository",
    "OrderRepository",
    "RefundRequestRepository",
    "ReturnRepository",
    "new_number",
    "order_row",
]
