"""The classic captcha: what the picture shows, and the token that stands for it. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import msgspec
from msgspec import Struct

__all__ = ["Ticket", "answer_of", "open_ticket", "seal_ticket"]

_DIGITS: Final = 6
_MAC: Final = 32


class Ticket(Struct, frozen=True, array_like=True):
    """What a captcha was given for. It opens nothing else."""

    id: str
    realm: str
    action: str
    visit: str
    """The digest of the visit's cookie."""
    expires_at: float


def seal_ticket(key: bytes, ticket: Ticket) -> str:
    """The ticket as a browser keeps it; it cannot be changed there."""
    body = msgspec.json.encode(ticket)
    return base64.urlsafe_b64encode(_mac(key, b"ticket", body) + body).decode().rstrip("=")


def open_ticket(key: bytes, text: str) -> Ticket | None:
    """The ticket; ``None`` for what this shop did not seal."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        mac, body = raw[:_MAC], raw[_MAC:]
        if not hmac.compare_digest(mac, _mac(key, b"ticket", body)):
            return None
        return msgspec.json.decode(body, type=Ticket)
    except (ValueError, msgspec.MsgspecError):
        return None


def answer_of(key: bytes, ticket: Ticket) -> str:
    """The digits on the picture: nobody works them out without the key, and nobody stores them."""
    number = int.from_bytes(_mac(key, b"answer", ticket.id.encode()), "big")
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def _mac(key: bytes, purpose: bytes, body: bytes) -> bytes:
    return hmac.digest(key, purpose + b"|" + body, hashlib.sha256)
