"""Every query of orders; personal fields are sealed here and nowhere above."""

from commercekit.orders.repository.claims import ClaimRepository
from commercekit.orders.repository.customers import CustomerRepository
from commercekit.orders.repository.editing import TABLE
from commercekit.orders.repository.history import HISTORY
from commercekit.orders.repository.notes import NOTES, NoteRepository
from commercekit.orders.repository.orders import OrderRepository, new_number
from commercekit.orders.repository.placing import order_row
from commercekit.orders.repository.refund_requests import REQUESTS, RefundRequestRepository
from commercekit.orders.repository.returns import RETURN_TABLE, ReturnRepository
from commercekit.orders.repository.search import SearchRepository
from commercekit.orders.repository.standing import NewStanding, Standing, StandingRepository

__all__ = [
    "HISTORY",
    "NOTES",
    "REQUESTS",
    "RETURN_TABLE",
    "TABLE",
    "ClaimRepository",
    "CustomerRepository",
    "NewStanding",
    "NoteRepository",
    "OrderRepository",
    "RefundRequestRepository",
    "ReturnRepository",
    "SearchRepository",
    "Standing",
    "StandingRepository",
    "new_number",
    "order_row",
]
