"""A fact as a message: the body is its JSON, everything else stands in properties and headers.

All of it is signed with a key of the shop: what somebody else puts into a queue is no fact, whoever let
them into the broker.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from aiormq import spec

from commercekit.platform.bus.feeding import Fed
from commercekit.platform.bus.subscriptions import EventMeta
from commercekit.platform.security import redact

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage

__all__ = ["Arrived", "Secret", "Unreadable", "properties_of", "read"]

Secret: TypeAlias = Callable[[], bytes]
"""Gives the key that messages are signed with: asked each time, since it lies in the database."""
_SIGNATURE: Final = "signature"

_EXCERPT = 200
_LONGEST = 200


@dataclass(slots=True)
class Arrived:
    """A fact out of a queue."""

    meta: EventMeta
    payload: bytes
    returned: int
    """How often it went back into the queue because nobody acknowledged it."""

    @property
    def key(self) -> tuple[str, str]:
        """Its aggregate."""
        return self.meta.aggregate, self.meta.aggregate_id

    def fed(self, due_at: datetime, attempts: int = 0, error: str | None = None) -> Fed:
        """As what is written down to be served from the database."""
        meta = self.meta
        return Fed(
            event_id=meta.id,
            aggregate=meta.aggregate,
            aggregate_id=meta.aggregate_id,
            sequence=meta.sequence,
            type=meta.type,
            due_at=due_at,
            attempts=attempts,
            error=error,
        )


@dataclass(slots=True)
class Unreadable:
    """A message that does not say which fact it is."""

    id: UUID
    """The fact's if it names one, else made of what it holds, so that a second delivery is the same."""
    type: str
    reason: str


def properties_of(
    row: Any, app_id: str, body: bytes, secret: Secret | None = None
) -> spec.Basic.Properties:
    """What stands beside the ``body``; ``row`` is one of the outbox."""
    occurred_at: datetime = row["occurred_at"]
    signature = {}
    if secret is not None:
        meta = EventMeta(
            id=row["id"],
            aggregate=row["aggregate"],
            aggregate_id=row["aggregate_id"],
            sequence=row["sequence"],
            type=row["type"],
            version=row["version"],
            occurred_at=occurred_at,
        )
        signature = {_SIGNATURE: _signature(secret(), meta, body)}
    return spec.Basic.Properties(
        app_id=app_id,
        content_type="application/json",
        delivery_mode=2,
        headers={
            "aggregate": row["aggregate"],
            "aggregate_id": row["aggregate_id"],
            "sequence": row["sequence"],
            "version": row["version"],
            "occurred_at": occurred_at.isoformat(),
            **signature,
        },
        message_id=str(row["id"]),
        message_type=row["type"],
        timestamp=occurred_at,
    )


def read(message: DeliveredMessage, secret: Secret | None = None) -> Arrived | Unreadable:
    """What a message tells; never raises. With a ``secret`` only what was signed with it is a fact."""
    properties = message.header.properties
    headers = properties.headers or {}
    body = bytes(message.body)
    try:
        meta = EventMeta(
            id=UUID(str(properties.message_id)),
            aggregate=_text(headers["aggregate"]),
            aggregate_id=_text(headers["aggregate_id"]),
            sequence=_number(headers["sequence"]),
            type=_text(properties.message_type),
            version=_number(headers["version"]),
            occurred_at=_moment(headers["occurred_at"]),
        )
        if secret is not None:
            signature = str(headers.get(_SIGNATURE, "")).encode()
            if not hmac.compare_digest(signature, _signature(secret(), meta, body).encode()):
                return _forged(meta, body)
        return Arrived(meta, body, _returns(headers))
    except (KeyError, ValueError, TypeError) as error:
        said = body[:_EXCERPT].decode(errors="replace")
        return Unreadable(
            id=_id_of(properties.message_id, body),
            type=str(properties.message_type or "unreadable")[:_LONGEST].replace("\x00", "?"),
            reason=redact(f"no fact: {error} is missing or wrong; it begins with {said!r}"),
        )


def _signature(secret: bytes, meta: EventMeta, body: bytes) -> str:
    """Of everything that a consumer goes by; no part of it holds the byte between them."""
    parts = (
        str(meta.id),
        meta.type,
        meta.aggregate,
        meta.aggregate_id,
        str(meta.sequence),
        str(meta.version),
        meta.occurred_at.isoformat(),
    )
    return hmac.digest(secret, "\0".join(parts).encode() + b"\0" + body, "sha256").hex()


def _forged(meta: EventMeta, body: bytes) -> Unreadable:
    """Under an id of its own: the fact that it pretends to be may still come."""
    return Unreadable(
        id=_id_of(f"forged {meta.id}", body),
        type=meta.type,
        reason=redact(
            f"no fact: it claims to be {meta.id} of {meta.aggregate} {meta.aggregate_id}, and this shop did"
            " not sign it"
        ),
    )


def _returns(headers: dict[str, Any]) -> int:
    count = headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or "\x00" in value or len(value) > _LONGEST:
        raise ValueError(repr(value)[:_LONGEST])
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise ValueError(repr(value)[:_LONGEST])
    return value


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(repr(value)[:_LONGEST])
    return moment


def _id_of(given: object, body: bytes) -> UUID:
    try:
        return UUID(str(given))
    except ValueError:
        digest = hashlib.blake2b(repr(given).encode() + body, digest_size=16).digest()
        return UUID(bytes=digest, version=5)
