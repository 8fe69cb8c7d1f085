"""Decisions without a database: who wants what, what is signed, when to try again, when to give up."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any, Final
from uuid import UUID

import msgspec

from commercekit.errors import FieldError
from commercekit.platform.security import SignatureScheme, SigningKey
from commercekit.platform.webhooks.errors import (
    HeaderNotAllowed,
    MessageNotFound,
    UnknownEventType,
)

__all__ = [
    "TEST_TYPE",
    "body_of",
    "check_events",
    "check_headers",
    "headers_for",
    "is_hopeless",
    "matches",
    "message_name",
    "message_of",
    "public_text",
    "retry_after",
    "retry_at",
    "secret_text",
]

TEST_TYPE: Final = "webhook.Test"
"""What a test message is called; nobody has to ask for it."""
_LONGEST_REST: Final = timedelta(hours=24)
_PREFIX: Final = "msg_"
_PATTERN: Final = re.compile(r"[A-Za-z0-9_.*-]{1,100}")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,998}[\x21-\x7e])?")
_MOST_HEADERS: Final = 10
_OURS: Final = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect",
        "host", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
        "user-agent",
    }
)  # fmt: skip


def matches(patterns: Iterable[str], type_name: str) -> bool:
    """Whether one of ``patterns`` asks for the fact."""
    return any(fnmatchcase(type_name, pattern) for pattern in patterns)


def check_events(patterns: Sequence[str], known: Iterable[str]) -> list[str]:
    """The patterns, each once; raises :class:`UnknownEventType` for one that nothing fits."""
    names = sorted(known)
    errors = tuple(
        FieldError(f"/events/{place}", "unknown-event-type", f"Nothing is called {pattern!r}.")
        for place, pattern in enumerate(patterns)
        if not _PATTERN.fullmatch(pattern) or not any(fnmatchcase(name, pattern) for name in names)
    )
    if errors or not patterns:
        message = "Name facts of this shop, or patterns such as order.*; `known` lists them."
        raise UnknownEventType(message, errors=errors, known=names)
    return list(dict.fromkeys(patterns))


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers; raises :class:`HeaderNotAllowed` for ours, and for what would break the request."""
    if len(headers) > _MOST_HEADERS:
        message = f"At most {_MOST_HEADERS} headers."
        raise HeaderNotAllowed(message, errors=(FieldError("/headers", "too-many", message),))
    seen: set[str] = set()
    for name, value in headers.items():
        low = name.lower()
        message = ""
        if not _HEADER.fullmatch(name) or low in seen:
            message = f"{name[:100]!r} is no name of a header, or there twice."
        elif low in _OURS or low.startswith("webhook-"):
            message = f"{name} is set by the shop."
        elif not _VALUE.fullmatch(value):
            message = f"The value of {name} is not 1 to 1,000 printable ASCII characters."
        if message:
            place = name.replace("~", "~0").replace("/", "~1")[:100]
            error = FieldError(f"/headers/{place}", "header-not-allowed", message)
            raise HeaderNotAllowed(message, errors=(error,))
        seen.add(low)
    return dict(headers)


def body_of(type_name: str, occurred_at: datetime, fact: Any) -> str:
    """The bytes that are signed and sent, the same at every attempt."""
    payload = {"type": type_name, "timestamp": occurred_at, "data": fact}
    return msgspec.json.encode(payload).decode()


def message_name(message_id: UUID) -> str:
    """How the receiver knows a message: ``msg_…``, with no full stop in it."""
    return f"{_PREFIX}{message_id.hex}"


def message_of(name: str) -> UUID:
    """The other way round; raises :class:`MessageNotFound` for what is no such name."""
    try:
        return UUID(name.removeprefix(_PREFIX))
    except ValueError:
        message = "There is no such message."
        raise MessageNotFound(message) from None


def secret_text(key: SigningKey) -> str | None:
    """``whsec_…``; ``None`` for a key whose private half stays here."""
    if key.scheme is not SignatureScheme.HMAC_SHA256:
        return None
    return f"whsec_{base64.b64encode(key.material).decode()}"


def public_text(public: bytes | None) -> str | None:
    """``whpk_…``, if there is a public half."""
    return None if public is None else f"whpk_{base64.b64encode(public).decode()}"


def headers_for(
    message_id: UUID, at: datetime, body: str, keys: Sequence[SigningKey]
) -> dict[str, str]:
    """The three headers of Standard Webhooks; every key signs, so that receivers may change theirs."""
    name, moment = message_name(message_id), str(int(at.timestamp()))
    content = f"{name}.{moment}.{body}".encode()
    signatures = [
        f"{key.scheme.value},{base64.b64encode(key.sign(content)).decode()}" for key in keys
    ]
    return {
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(signatures),
    }


def retry_after(header: str | None, now: datetime) -> datetime | None:
    """Until when the other side wants to be left alone, at most a day; ``None`` if it does not say."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        wanted = timedelta(seconds=min(int(text[:9]), 10**7))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        wanted = moment - now
    return now + min(wanted, _LONGEST_REST) if wanted > timedelta() else None


def retry_at(
    retries: Sequence[timedelta], failures: int, now: datetime, *, jitter: float = 1.0
) -> datetime | None:
    """When to try again after so many failures; ``None`` when the message is given up."""
    return now + retries[failures - 1] * jitter if failures <= len(retries) else None


def is_hopeless(
    failing_since: datetime | None,
    failures: int,
    now: datetime,
    *,
    after: timedelta,
    attempts: int,
) -> bool:
    """Whether an endpoint has failed for so long, and so often, that it is disabled."""
    return failing_since is not None and failures >= attempts and now - failing_since >= after
