"""Messages to people, and where they go."""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from commercekit.notifications.providers import Channel
from commercekit.platform.settings import Section

__all__ = ["TEMPLATES", "MessageState", "MessageView", "NotificationSettings", "RouteSettings"]

TEMPLATES = (
    "order-placed",
    "order-paid",
    "order-shipped",
    "order-delivered",
    "order-refunded",
    "order-cancelled",
    "order-changed",
    "refund-requested",
    "refund-approved",
    "refund-rejected",
    "refund-withdrawn",
    "refund-delayed",
    "return-requested",
    "return-approved",
    "return-rejected",
    "return-withdrawn",
    "return-received",
    "return-closed",
)
"""What the shop tells its shoppers."""


class MessageState(StrEnum):
    """How far a message has come."""

    QUEUED = "queued"
    SENT = "sent"
    """Handed to whoever carries it."""
    ACCEPTED = "accepted"
    """Taken by the vendor, who will tell what became of it."""
    DELIVERED = "delivered"
    REJECTED = "rejected"
    """Refused for good, such as for an address that does not exist."""
    BOUNCED = "bounced"
    FAILED = "failed"
    """Given up after the last attempt, or there is nobody to carry it."""


class MessageView(Struct, frozen=True, kw_only=True):
    """A message as operators see it: neither the address nor what it says."""

    id: UUID
    channel: Channel
    template: str
    locale: str
    state: MessageState
    attempts: int
    notifier: str | None
    failure_code: str | None
    created_at: datetime
    sent_at: datetime | None


class RouteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who carries the messages of one channel."""

    notifier: Annotated[str, Meta(description="Code of an installed notifier.")]
    account: Annotated[str, Meta(description="Which of the accounts there.")] = "default"


class NotificationSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``[notifications]``: how this shop writes to people."""

    shop_name: Annotated[str, Meta(description="How messages are signed.")] = "CommerceKit"
    routes: Annotated[
        dict[str, RouteSettings],
        Meta(
            description="Who carries what: [notifications.routes.email] notifier = … Without an "
            "entry the first installed notifier that can."
        ),
    ] = field(default_factory=dict)
    accounts: Annotated[
        dict[str, dict[str, Section]],
        Meta(
            description="[notifications.accounts.<notifier>.<account>], as the notifier wants it."
        ),
    ] = field(default_factory=dict)
    templates: Annotated[
        Path | None,
        Meta(
            description="A folder whose <language>/<template>.txt come before the shop's own texts."
        ),
    ] = None
    keep: Annotated[timedelta, Meta(description="Messages older than this are deleted.")] = (
        timedelta(days=90)
    )
