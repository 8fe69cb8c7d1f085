"""What staff see beside the order itself: notes, tags, and how they find it again."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from commercekit.orders.models.order import Actor, FulfilmentStatus, OrderStatus, PaymentStatus

__all__ = ["Note", "NoteVisibility", "OrderSearch", "Tag"]

Tag = Annotated[
    str,
    Meta(
        pattern=r"^[^\s,;\x00-\x1f](?:[^,;\x00-\x1f]{0,38}[^\s,;\x00-\x1f])?$(?!\n)",
        description="Up to 40 characters, no comma, no semicolon",
    ),
]


class NoteVisibility(StrEnum):
    """Who reads a note."""

    INTERNAL = "internal"
    SHOPPER = "shopper"


class Note(Struct, frozen=True, kw_only=True):
    """What somebody wrote down; neither changed nor removed afterwards."""

    id: UUID
    at: datetime
    actor: Actor
    visibility: NoteVisibility
    text: str


class OrderSearch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which orders; what is left out does not matter, and what is there must all hold."""

    number: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    email: Annotated[str, Meta(min_length=3, max_length=320)] | None = None
    """Found by its blind index: equal, whatever its case."""
    phone: Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{5,14}$(?!\n)")] | None = None
    sku: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    tag: Tag | None = None
    status: OrderStatus | None = None
    payment_status: PaymentStatus | None = None
    fulfilment_status: FulfilmentStatus | None = None
    placed_from: datetime | None = None
    """From this moment on."""
    placed_before: datetime | None = None
    """Before this moment."""
    extensions: dict[str, str] | None = None
    """Values of plugins' fields that have an index, such as ``{"acme.colour": "red"}``."""
