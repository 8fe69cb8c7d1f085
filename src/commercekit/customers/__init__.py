"""Who buys here: address books and segments."""

from commercekit.customers.errors import (
    AddressNotFound,
    SegmentExists,
    SegmentNotFound,
    TooManyAddresses,
)
from commercekit.customers.models import BookedAddress, Customer, Segment
from commercekit.customers.repository import SEALED
from commercekit.customers.service import CustomerService

__all__ = [
    "SEALED",
    "AddressNotFound",
    "BookedAddress",
    "Customer",
    "CustomerService",
    "Segment",
    "SegmentExists",
    "SegmentNotFound",
    "TooManyAddresses",
]
