"""Every query about the audit trail."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from commercekit.identity.models import AuditHead, AuditLink, AuditRecord, ChainedRecord
from commercekit.identity.rules import LANES

if TYPE_CHECKING:
    from uuid import UUID

    from commercekit.identity.models import AuditFilter
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["AuditRepository", "Place"]

_COLUMNS = "id, at, actor, action, subject, reason, request_id, details"
_LINK = "lane, number, previous, hash, seal"


class Place(NamedTuple):
    """The end of a chain, held until the transaction is over."""

    lane: int
    number: int
    hash: bytes


class AuditRepository:
    """Audit entries in PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take_place(self, uow: UnitOfWork) -> Place:
        """Hold the end of a chain that no other writer holds; wait only if all are held.

        A transaction that holds one already gets it again, with what it wrote.
        """
        row = await uow.fetchrow(
            "SELECT lane, number, hash FROM identity_audit_lane ORDER BY lane LIMIT 1"
            " FOR UPDATE SKIP LOCKED"
        )
        if row is None:
            row = await uow.fetchrow(
                "SELECT lane, number, hash FROM identity_audit_lane WHERE lane = $1 FOR UPDATE",
                secrets.randbelow(LANES),
            )
        if row is None:
            message = "identity_audit_lane has lost rows that its migration made"
            raise RuntimeError(message)
        return Place(row["lane"], row["number"], row["hash"])

    async def append(self, uow: UnitOfWork, record: AuditRecord, link: AuditLink) -> None:
        """Write an entry down at the end of the chain that was taken."""
        await uow.execute(
            "WITH head AS (UPDATE identity_audit_lane SET number = $10, hash = $12 WHERE lane = $9)"
            f" INSERT INTO identity_audit_entry ({_COLUMNS}, {_LINK})"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13)",
            record.id,
            record.at,
            record.actor,
            record.action,
            record.subject,
            record.reason,
            record.request_id,
            msgspec.json.encode(record.details).decode(),
            link.lane,
            link.number,
            link.previous,
            link.hash,
            link.seal,
        )

    async def search(
        self, wanted: AuditFilter, *, before: UUID | None, limit: int, only_by: str | None = None
    ) -> list[AuditRecord]:
        """Newest first, those that fit; ``only_by`` whoever it names, whatever is wanted."""
        conditions, values = _conditions(wanted, only_by)
        if before is not None:
            values.append(before)
            conditions.append(f"id < ${len(values)}")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        values.append(limit)
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS} FROM identity_audit_entry{where}"
            f" ORDER BY id DESC LIMIT ${len(values)}",
            *values,
        )
        return [_record(row) for row in rows]

    async def export(
        self, wanted: AuditFilter, *, after: UUID | None, limit: int, only_by: str | None = None
    ) -> list[ChainedRecord]:
        """Oldest first with their places in the chain, those that fit; see :meth:`search`."""
        conditions, values = _conditions(wanted, only_by)
        if after is not None:
            values.append(after)
            conditions.append(f"id > ${len(values)}")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        values.append(limit)
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS}, {_LINK} FROM identity_audit_entry{where}"
            f" ORDER BY id LIMIT ${len(values)}",
            *values,
        )
        return [_chained(row) for row in rows]

    async def chain(self, lane: int, *, after: int, limit: int) -> list[ChainedRecord]:
        """The entries of one chain behind ``after``, in order."""
        rows = await self._db.fetch(
            f"SELECT {_COLUMNS}, {_LINK} FROM identity_audit_entry"
            " WHERE lane = $1 AND number > $2 ORDER BY number LIMIT $3",
            lane,
            after,
            limit,
        )
        return [_chained(row) for row in rows]

    async def unchained(self) -> tuple[int, list[UUID]]:
        """How many entries have no place, and those of them that are no older than the chain."""
        count = await self._db.fetchval(
            "SELECT count(*) FROM identity_audit_entry WHERE lane IS NULL"
        )
        rows = await self._db.fetch(
            "SELECT id FROM identity_audit_entry WHERE lane IS NULL AND at >"
            " (SELECT min(at) FROM identity_audit_entry WHERE number = 1) ORDER BY id LIMIT 100"
        )
        return int(count), [row["id"] for row in rows]

    async def heads(self) -> list[AuditHead]:
        """The end of every chain that has begun."""
        rows = await self._db.fetch(
            "SELECT lane, number, hash FROM identity_audit_lane WHERE number > 0 ORDER BY lane"
        )
        return [
            AuditHead(lane=row["lane"], number=row["number"], hash=row["hash"].hex())
            for row in rows
        ]


def _conditions(wanted: AuditFilter, only_by: str | None) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []

    def add(condition: str, value: Any) -> None:
        values.append(value)
        conditions.append(condition.format(f"${len(values)}"))

    if wanted.actor is not None:
        add("actor = {}", wanted.actor)
    if only_by is not None:
        add("actor = {}", only_by)
    for column, text in (("action", wanted.action), ("subject", wanted.subject)):
        if text is None:
            continue
        if text.endswith("*"):
            add(f"starts_with({column}, {{}})", text[:-1])
            # What the index needs to find the beginning; the function above compares to the letter.
            add(f"{column} LIKE {{}}", _pattern(text[:-1]))
        else:
            add(f"{column} = {{}}", text)
    if wanted.request_id is not None:
        add("request_id = {}", wanted.request_id)
    if wanted.since is not None:
        add("at >= {}", wanted.since)
    if wanted.until is not None:
        add("at < {}", wanted.until)
    return conditions, values


def _pattern(beginning: str) -> str:
    escaped = beginning.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"


def _record(row: Any) -> AuditRecord:
    said = {name: row[name] for name in AuditRecord.__struct_fields__}
    return AuditRecord(**{**said, "details": msgspec.json.decode(row["details"])})


def _chained(row: Any) -> ChainedRecord:
    link = None
    if row["lane"] is not None:
        link = AuditLink(**{name: row[name] for name in AuditLink.__struct_fields__})
    return ChainedRecord(record=_record(row), link=link)
