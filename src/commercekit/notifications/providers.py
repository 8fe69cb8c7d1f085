"""What a notifier plugin implements: carry one message, understand receipts.

A notifier only translates. The core owns the queue, the texts, retries and deduplication, and never
calls a notifier inside a transaction.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from email.headerregistry import HeaderRegistry
from email.policy import SMTP, EmailPolicy
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec import Struct

from commercekit.platform.plugins import since
from commercekit.platform.providers import (
    Ack,
    FailurePolicy,
    ProviderContext,
    ProviderKind,
    RawRequest,
    Verb,
)

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = [
    "NOTIFIERS",
    "PARSE",
    "SEND",
    "Channel",
    "Message",
    "Notifier",
    "Outcome",
    "Receipt",
    "ReceiptNotification",
    "ReceiptState",
    "mail_policy",
]


class Channel(StrEnum):
    """How a message reaches a person."""

    EMAIL = "email"
    SMS = "sms"


class Outcome(StrEnum):
    """What became of handing a message over."""

    SENT = "sent"
    """On its way; nothing more will be heard."""
    ACCEPTED = "accepted"
    """Taken; a receipt follows."""
    REJECTED = "rejected"
    """Never, with this address or text."""
    UNKNOWN = "unknown"
    """Nobody knows: it is handed over again under the same ``message_id``."""


class ReceiptState(StrEnum):
    """What a vendor tells later."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"


class Message(Struct, frozen=True, kw_only=True):
    """One message, ready to carry. Personal: never logged."""

    message_id: str
    """Ours, unique, 32 hex digits: the same message again has the same id."""
    channel: Channel
    to: str
    """An e-mail address or an E.164 number."""
    template: str
    params: dict[str, Any]
    """What the text was made of, for vendors who keep the templates themselves."""
    locale: str
    dedupe_key: str
    subject: str
    """One line."""
    text: str
    html: str | None = None


class Receipt(Struct, frozen=True, kw_only=True):
    """What became of a message that was accepted."""

    message_id: str
    state: ReceiptState
    code: str | None
    at: datetime


class ReceiptNotification(Struct, frozen=True, kw_only=True):
    """A vendor's push, verified and translated."""

    receipts: list[Receipt]
    ack: Ack
    nack: Ack


@since("0.1")
class Notifier(ABC):
    """One way to reach people. Stateless: what differs between accounts is in the context."""

    code: ClassVar[str]
    config_type: ClassVar[type[Struct]]
    channels: ClassVar[frozenset[Channel]]

    @abstractmethod
    async def send(self, ctx: ProviderContext, message: Message) -> Outcome:
        """Hand a message over; idempotent on ``message.message_id`` as far as the vendor is.

        :param message: rendered, with the parameters it was made of.
        :returns: what became of it.
        :raises ProviderUnavailable: surely not sent; the core tries again.
        :raises ProviderUnknown: as :attr:`Outcome.UNKNOWN`.
        """

    @abstractmethod
    async def parse_receipt(self, ctx: ProviderContext, req: RawRequest) -> ReceiptNotification:
        """Verify and translate a push; no side effects.

        :param req: the untouched request.
        :returns: receipts and the bytes to answer with.
        :raises SignatureInvalid: not from the vendor.
        """


# Queued before; not repeated at once: not every vendor knows a message again.
SEND: Final[Verb[Outcome]] = Verb(
    "notifications",
    "send",
    Outcome,
    effectful=True,
    policies=(FailurePolicy.RETRY_LATER,),
)
PARSE: Final[Verb[ReceiptNotification]] = Verb(
    "notifications", "parse_receipt", ReceiptNotification, from_strangers=True
)

NOTIFIERS: Final = ProviderKind("notifications", "notifier", (SEND, PARSE))
"""What a notifier is asked, and what the core does when it fails."""


class _OneClassForEachKind(HeaderRegistry):
    """Python makes a new class for each header of each mail, and classes are freed late.

    A shop that wrote ten mails a second held thousands of them: tens of megabytes that came and went,
    and a collector that took longer each time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[type, type] = {}

    def __getitem__(self, name: str) -> Any:
        kind = self.registry.get(name.lower(), self.default_class)
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = super().__getitem__(name)
        return made


_FACTORY = _OneClassForEachKind()


def mail_policy(policy: "EmailPolicy[EmailMessage]" = SMTP) -> "EmailPolicy[EmailMessage]":
    """``policy`` for writing one mail after the other, as a notifier does: ``EmailMessage(policy=...)``.

    The mails are the same, byte for byte. Make it once and keep it.
    """
    return policy.clone(header_factory=_FACTORY)
