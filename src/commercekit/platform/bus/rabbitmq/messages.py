"""A fact as a message: the body is its JSON, everything else stands in properties and headers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiormq import spec

from commercekit.platform.bus.feeding import Fed
from commercekit.platform.bus.subscriptions import EventMeta
from commercekit.platform.security import redact

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage

__all__ = ["Arrived", "Unreadable", "properties_of", "read"]

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


def properties_of(row: Any, app_id: str) -> spec.Basic.Properties:
    """What stands beside the body; ``row`` is one of the outbox."""
    occurred_at: datetime = row["occurred_at"]
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
        },
        message_id=str(row["id"]),
        message_type=row["type"],
        timestamp=occurred_at,
    )


def read(message: DeliveredMessage) -> Arrived | Unreadable:
    """What a message tells; never raises."""
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
        return Arrived(meta, body, _returns(headers))
    except (KeyError, ValueError, TypeError) as error:
        said = body[:_EXCERPT].decode(errors="replace")
        return Unreadable(
            id=_id_of(properties.message_id, body),
            type=str(properties.message_type or "unreadable")[:_LONGEST].replace("\x00", "?"),
            reason=redact(f"no fact: {error} is missing or wrong; it begins with {said!r}"),
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
