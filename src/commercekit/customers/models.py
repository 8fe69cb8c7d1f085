"""Address books and segments, as values."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.kernel import Address, Translations

__all__ = ["MAX_ADDRESSES", "BookedAddress", "Customer", "Segment", "SegmentCode"]

MAX_ADDRESSES = 50
"""In one address book."""

SegmentCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$(?!\n)", examples=["vip"])]


class BookedAddress(Struct, frozen=True, kw_only=True):
    """An address in a customer's book."""

    id: UUID
    address: Address
    is_default: bool
    """The one that a checkout offers first; there is one as long as there is any."""


class Segment(Struct, frozen=True, kw_only=True):
    """Customers who are treated alike: prices and promotions can name it by its code."""

    id: UUID
    code: str
    name: Translations
    created_at: datetime
    version: int


class Customer(Struct, frozen=True, kw_only=True):
    """A customer as staff see one: who it is shows only to whoever says why they must know."""

    id: UUID
    email: str
    """Masked: ``l***@example.com``."""
    name: str | None
    """Masked: ``L***``."""
    is_email_proven: bool
    locale: str
    segments: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
