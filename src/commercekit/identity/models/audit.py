"""The audit trail, as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import asdict

__all__ = [
    "AuditBreach",
    "AuditFilter",
    "AuditHead",
    "AuditLink",
    "AuditRecord",
    "AuditReport",
    "ChainedRecord",
]


class AuditRecord(Struct, frozen=True, kw_only=True):
    """One privileged act or security event, as written down."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    request_id: str
    details: Mapping[str, str | int | bool | None]


class AuditLink(Struct, frozen=True, kw_only=True):
    """Where an entry stands in its chain, and what it is chained to."""

    lane: int
    number: int
    previous: bytes
    hash: bytes
    seal: bytes | None = None
    """The hash, sealed with a key that is not in the database."""


class ChainedRecord(Struct, frozen=True, kw_only=True):
    """An entry with its place; one from before there was a chain has none."""

    record: AuditRecord
    link: AuditLink | None

    def as_line(self) -> dict[str, Any]:
        """Flat, with hashes in hexadecimal: what an export holds."""
        line: dict[str, Any] = asdict(self.record)
        if self.link is not None:
            line |= {
                "lane": self.link.lane,
                "number": self.link.number,
                "previous": self.link.previous.hex(),
                "hash": self.link.hash.hex(),
            }
        return line


class AuditHead(Struct, frozen=True, kw_only=True):
    """The end of one chain. Kept elsewhere, it proves later that nothing before it was cut off."""

    lane: int
    number: int
    hash: str
    """Hexadecimal."""


class AuditFilter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries are wanted; all of what is given has to hold."""

    actor: Annotated[str, Meta(max_length=200)] | None = None
    action: Annotated[str, Meta(max_length=100)] | None = None
    """``tokens:create``, or the beginning of it with a star: ``tokens:*``."""
    subject: Annotated[str, Meta(max_length=300)] | None = None
    """``token/abc``, or the beginning of it with a star: ``token/*``."""
    request_id: Annotated[str, Meta(max_length=100)] | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    """Up to but not including this moment."""


class AuditBreach(Struct, frozen=True, kw_only=True):
    """One thing that is not as it was written."""

    lane: int
    number: int
    entry: UUID | None
    kind: str
    """``changed``, ``missing``, ``unchained``, ``unsealed``, ``forged`` or ``cut-off``."""
    told: str


class AuditReport(Struct, frozen=True, kw_only=True):
    """What a verification found."""

    checked: int
    unprotected: int
    """Entries from before there was a chain."""
    breaches: list[AuditBreach]
    heads: list[AuditHead]

    @property
    def is_whole(self) -> bool:
        """Whether every entry is what was once written."""
        return not self.breaches
