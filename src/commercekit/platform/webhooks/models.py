"""Endpoints, their messages and what became of them, as values."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from commercekit.platform.security import SignatureScheme, SigningKey

__all__ = [
    "DisabledReason",
    "Due",
    "Endpoint",
    "EndpointChange",
    "EndpointState",
    "EventType",
    "IssuedEndpoint",
    "MessageState",
    "NewEndpoint",
    "Replay",
    "SecretView",
    "Target",
    "WebhookAttempt",
    "WebhookMessage",
]


class EndpointState(StrEnum):
    """Whether anything is sent."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why nothing is sent."""

    BY_HAND = "by-hand"
    FAILING = "failing"
    GONE = "gone"


class MessageState(StrEnum):
    """What became of a message; ``failed`` ones are given up and kept, to be replayed."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Replay(StrEnum):
    """Which messages of a period are sent again."""

    FAILED = "failed"
    """Those that were tried and have not got through: given up, or waiting for the next attempt."""
    ALL = "all"
    MISSED = "missed"
    """Facts told while the endpoint was disabled or did not ask for them, as far as they are kept."""


class NewEndpoint(Struct, frozen=True, kw_only=True):
    """What an endpoint is to be."""

    url: str
    events: list[str]
    description: str = ""
    headers: Mapping[str, str] = {}
    signature: SignatureScheme = SignatureScheme.HMAC_SHA256


class EndpointChange(Struct, frozen=True, kw_only=True):
    """What is to be different; ``None`` stays as it is."""

    url: str | None = None
    events: list[str] | None = None
    description: str | None = None
    headers: Mapping[str, str] | None = None


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where facts are sent to. Of its own headers only the names are shown, of its secrets nothing."""

    id: UUID
    url: str
    description: str
    events: list[str]
    """Names of facts, or patterns such as ``order.*``."""
    signature: SignatureScheme
    state: EndpointState
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    header_names: list[str]
    failing_since: datetime | None
    """The first failure since the last success."""
    failures: int
    """Attempts in a row that failed."""
    rests_until: datetime | None
    """The endpoint asked to be left alone until then."""
    delivered_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    version: int


class SecretView(Struct, frozen=True, kw_only=True):
    """A secret as lists show it."""

    id: UUID
    signature: SignatureScheme
    created_at: datetime
    ends_at: datetime | None
    """Messages are signed with it until then, beside the newer one."""
    public_key: str | None
    """``whpk_…`` for ed25519; nothing for a shared secret, which nobody can see again."""


class IssuedEndpoint(Struct, frozen=True, kw_only=True):
    """An endpoint with its new secret, which is shown this once."""

    endpoint: Endpoint
    secret: str | None = None
    """``whsec_…``, to check ``v1`` signatures with; ``null`` for ed25519."""
    public_key: str | None = None
    """``whpk_…``, to check ``v1a`` signatures with."""

    def __repr__(self) -> str:
        return f"IssuedEndpoint({self.endpoint.id})"


class WebhookMessage(Struct, frozen=True, kw_only=True):
    """One fact for one endpoint. ``id`` is what the receiver sees, the same at every attempt."""

    id: str
    endpoint_id: UUID
    type: str
    occurred_at: datetime
    state: MessageState
    attempts: int
    """Since it was made, or replayed for the last time."""
    due_at: datetime | None
    """When it is tried next."""
    created_at: datetime
    finished_at: datetime | None
    last_status: int | None
    last_error: str | None


class WebhookAttempt(Struct, frozen=True, kw_only=True):
    """One attempt: what was answered, or why nothing was."""

    id: UUID
    message_id: str
    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str
    """The first bytes of the answer, without what looks like a secret."""


class EventType(Struct, frozen=True, kw_only=True):
    """A fact that can be asked for, with the JSON Schema of its ``data``."""

    type: str
    description: str
    version: int
    schema: dict[str, Any]


class Due(Struct, frozen=True, kw_only=True):
    """A message that is to be sent now."""

    id: UUID
    endpoint_id: UUID
    type: str
    body: str
    attempts: int
    tries: int


class Target(Struct, frozen=True, kw_only=True):
    """Everything that sending takes, its seals opened for the moment."""

    id: UUID
    url: str
    state: EndpointState
    rests_until: datetime | None
    headers: dict[str, str]
    keys: list[SigningKey]
    """Newest first."""

    def __repr__(self) -> str:
        return f"Target({self.id})"
