"""How entries of the audit trail hang together. Pure; anybody can do the same over an export."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Final

import msgspec

from commercekit.identity.models import AuditBreach, ChainedRecord

if TYPE_CHECKING:
    from commercekit.identity.models import AuditRecord

__all__ = ["BEGINNING", "LANES", "ChainReader", "hash_of"]

BEGINNING: Final = bytes(32)
"""What the first entry of a chain is chained to."""

LANES: Final = 32
"""So many writers append at the same moment without one waiting for the other."""


def hash_of(record: AuditRecord, *, lane: int, number: int, previous: bytes) -> bytes:
    """SHA-256 over everything that an entry says, its place, and the entry before it."""
    said = [
        lane,
        number,
        previous.hex(),
        str(record.id),
        record.at.astimezone(UTC).isoformat(timespec="microseconds"),
        record.actor,
        record.action,
        record.subject,
        record.reason,
        record.request_id,
        dict(record.details),
    ]
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).digest()


class ChainReader:
    """Walks along one chain and says what is not as it was written.

    After a breach it goes on from what it found, so that one changed entry is one breach.
    """

    def __init__(self, lane: int, *, number: int = 0, previous: bytes | None = BEGINNING) -> None:
        """Begin after ``number``; without ``previous`` the first entry is taken at its word."""
        self.lane = lane
        self.number = number
        self.previous = previous

    def read(self, entry: ChainedRecord) -> list[AuditBreach]:
        """What is wrong with the next ``entry`` of the chain; nothing most of the time."""
        link = entry.link
        if link is None:
            message = "an entry without a place in a chain cannot be walked to"
            raise ValueError(message)
        found: list[AuditBreach] = []
        if link.number != self.number + 1:
            first, last = self.number + 1, link.number - 1
            which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            found.append(self._breach(entry, "missing", f"{which} missing before it"))
        elif self.previous is not None and link.previous != self.previous:
            found.append(self._breach(entry, "changed", "it is chained to another entry before it"))
        computed = hash_of(entry.record, lane=link.lane, number=link.number, previous=link.previous)
        if computed != link.hash:
            found.append(self._breach(entry, "changed", "it says something else than when written"))
        self.number, self.previous = link.number, link.hash
        return found

    def _breach(self, entry: ChainedRecord, kind: str, told: str) -> AuditBreach:
        number = entry.link.number if entry.link else 0
        return AuditBreach(
            lane=self.lane, number=number, entry=entry.record.id, kind=kind, told=told
        )
