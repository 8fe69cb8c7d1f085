"""Differences between statements and the books, and the ledger's own sums."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.payments.models import (
    Balance,
    Decision,
    Difference,
    DifferenceKind,
    LedgerEntry,
    Statement,
)
from commercekit.payments.repository.rows import Reader, plain_uuid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["BookedEntry", "DifferenceQueries"]

_COLUMNS = """id, statement_id, line_id, kind, gateway, account, day, payment_id, refund_id,
    reference, stated, expected, currency, detail, opened_at, resolved_at, resolved_by, decision,
    resolution"""
_NEW = _COLUMNS.replace(", resolved_at, resolved_by, decision,\n    resolution", "")


class BookedEntry(NamedTuple):
    """A line of the ledger with its place in it, and what it is about."""

    id: UUID
    reference: str
    entry: LedgerEntry

    @property
    def place(self) -> tuple[datetime, UUID]:
        """Lines are read in the order of these."""
        return self.entry.booked_at, self.id


class DifferenceQueries:
    """Opens, reads and resolves differences; posts what statements book."""

    async def open_differences(self, uow: UnitOfWork, found: Sequence[Difference]) -> None:
        """Write those that are new; a difference that was resolved is not opened again."""
        await uow.executemany(
            f"""INSERT INTO payments_difference ({_NEW})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            ON CONFLICT DO NOTHING""",
            [_row(each) for each in found],
        )

    async def resolve_line_differences(
        self, uow: UnitOfWork, line_ids: Sequence[UUID], *, keep: Sequence[tuple[UUID, str]] = ()
    ) -> None:
        """The books agree now, or differ in another way: what was open for these lines came right."""
        await uow.execute(
            """UPDATE payments_difference d SET resolved_at = $2, resolved_by = 'system',
                decision = 'explained', resolution = 'the books agree now'
            WHERE d.line_id = ANY ($1::uuid[]) AND d.resolved_at IS NULL
              AND NOT EXISTS (SELECT FROM unnest($3::uuid[], $4::text[]) AS k (line_id, kind)
                WHERE k.line_id = d.line_id AND k.kind = d.kind)""",
            list(line_ids),
            uow.clock.now(),
            [line_id for line_id, _ in keep],
            [kind for _, kind in keep],
        )

    async def resolve_missing(self, uow: UnitOfWork, statement: Statement) -> None:
        """What was missing on a statement, and came on a later one."""
        await uow.execute(
            """UPDATE payments_difference d SET resolved_at = $2, resolved_by = 'system',
                decision = 'explained', resolution = 'it came on a later statement'
            WHERE d.statement_id = $1 AND d.resolved_at IS NULL AND d.line_id IS NULL AND (
                d.kind = 'refund-missing' AND EXISTS (SELECT FROM payments_statement_line l
                    WHERE l.refund_id = d.refund_id AND l.kind = 'refund')
                OR d.kind = 'charge-missing' AND (SELECT coalesce(sum(l.amount), 0)
                    FROM payments_statement_line l
                    WHERE l.payment_id = d.payment_id AND l.kind = 'charge') >=
                    (SELECT captured FROM payments_payment p WHERE p.id = d.payment_id))""",
            statement.id,
            uow.clock.now(),
        )

    async def missing_charges(
        self, db: Reader, statement: Statement, clearing: str, since: datetime, until: datetime
    ) -> list[Difference]:
        """What was captured then and stands on no statement."""
        rows = await db.fetch(
            """SELECT p.id, p.reference, p.captured, p.currency, s.stated
            FROM (SELECT DISTINCT payment_id FROM payments_ledger_entry
                WHERE account = $1 AND kind = 'capture' AND booked_at >= $2 AND booked_at < $3) l
            JOIN payments_payment p ON p.id = l.payment_id
            CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0)::bigint AS stated
                FROM payments_statement_line s
                WHERE s.payment_id = p.id AND s.kind = 'charge') s
            WHERE s.stated < p.captured""",
            clearing,
            since,
            until,
        )
        return [
            _missing(statement, DifferenceKind.CHARGE_MISSING, row, row["captured"] - row["stated"])
            for row in rows
        ]

    async def missing_refunds(
        self, db: Reader, statement: Statement, clearing: str, since: datetime, until: datetime
    ) -> list[Difference]:
        """What went back then and stands on no statement; what was paid out by hand never does."""
        rows = await db.fetch(
            """SELECT p.id, p.reference, r.id AS refund_id, r.amount, r.currency
            FROM (SELECT DISTINCT refund_id FROM payments_ledger_entry
                WHERE account = $1 AND kind = 'refund' AND booked_at >= $2 AND booked_at < $3) l
            JOIN payments_refund r ON r.id = l.refund_id AND r.status = 'succeeded'
            JOIN payments_payment p ON p.id = r.payment_id
            WHERE NOT EXISTS (SELECT FROM payments_statement_line s
                    WHERE s.refund_id = r.id AND s.kind = 'refund')
              AND NOT EXISTS (SELECT FROM payments_provider_event e
                    WHERE e.payment_id = p.id AND e.refund_id = r.id AND e.source = 'staff')""",
            clearing,
            since,
            until,
        )
        return [
            _missing(statement, DifferenceKind.REFUND_MISSING, row, -row["amount"]) for row in rows
        ]

    async def open_count(self, db: Reader, statement_id: UUID) -> int:
        """How many differences of a statement nobody has resolved."""
        count: int = await db.fetchval(
            """SELECT count(*) FROM payments_difference
            WHERE statement_id = $1 AND resolved_at IS NULL""",
            statement_id,
        )
        return count

    async def difference(
        self, db: Reader, difference_id: UUID, *, lock: bool = False
    ) -> Difference | None:
        """One difference, locked if asked."""
        row = await db.fetchrow(
            f"SELECT {_COLUMNS} FROM payments_difference WHERE id = $1"
            + (" FOR UPDATE" if lock else ""),
            difference_id,
        )
        return None if row is None else _difference(row)

    async def difference_page(
        self,
        db: Reader,
        *,
        limit: int,
        after: UUID | None,
        kind: str | None,
        statement_id: UUID | None,
        gateway: str | None,
        resolved: bool | None,
    ) -> list[Difference]:
        """Differences, oldest first, after ``after``; ``resolved`` of ``None`` gives all."""
        rows = await db.fetch(
            f"""SELECT {_COLUMNS} FROM payments_difference
            WHERE ($1::uuid IS NULL OR id > $1) AND ($2::text IS NULL OR kind = $2)
              AND ($3::uuid IS NULL OR statement_id = $3) AND ($4::text IS NULL OR gateway = $4)
              AND ($5::boolean IS NULL OR (resolved_at IS NOT NULL) = $5)
            ORDER BY id LIMIT $6""",
            after,
            kind,
            statement_id,
            gateway,
            resolved,
            limit,
        )
        return [_difference(row) for row in rows]

    async def resolve_difference(
        self, uow: UnitOfWork, difference_id: UUID, *, by: str, decision: Decision, reason: str
    ) -> Difference:
        """Close a locked one in the name of a person."""
        [row] = await uow.fetch(
            f"""UPDATE payments_difference SET resolved_at = $2, resolved_by = $3, decision = $4,
                resolution = $5 WHERE id = $1 RETURNING {_COLUMNS}""",
            difference_id,
            uow.clock.now(),
            by,
            decision.value,
            reason,
        )
        return _difference(row)

    async def call_for_statement(
        self, uow: UnitOfWork, statement: Statement, kind: str, detail: str
    ) -> bool:
        """Have a person look at a statement; ``False`` when somebody was called before."""
        made = await uow.fetchval(
            """INSERT INTO payments_attention (id, kind, statement_id, reference, gateway, account,
                detail, opened_at) VALUES ($1, $2, $3, '', $4, $5, $6, $7)
            ON CONFLICT DO NOTHING RETURNING true""",
            new_id(),
            kind,
            statement.id,
            statement.gateway,
            statement.account,
            detail,
            uow.clock.now(),
        )
        return bool(made)

    async def settle_statement_call(self, uow: UnitOfWork, statement_id: UUID, kind: str) -> None:
        """It came right, by itself or by what a person decided about each difference."""
        await uow.execute(
            """UPDATE payments_attention SET resolved_at = $3
            WHERE statement_id = $1 AND kind = $2 AND resolved_at IS NULL""",
            statement_id,
            kind,
            uow.clock.now(),
        )

    async def post_all(self, uow: UnitOfWork, entries: Sequence[tuple[Any, ...]]) -> None:
        """Append bookings, both sides of each in one statement."""
        await uow.execute(
            """INSERT INTO payments_ledger_entry (id, transaction_id, payment_id, refund_id, line_id,
                reference, kind, account, debit, credit, currency, booked_at)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],
                $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[],
                $12::timestamptz[])""",
            *([list(column) for column in zip(*entries, strict=True)]),
        )

    async def balances(
        self, db: Reader, *, account: str | None, until: datetime | None
    ) -> list[Balance]:
        """What each account holds; ``account`` may end with ``*``."""
        pattern = None if account is None else _pattern(account)
        rows = await db.fetch(
            """SELECT account, currency, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
            FROM payments_ledger_entry
            WHERE ($1::text IS NULL OR account LIKE $1)
              AND ($2::timestamptz IS NULL OR booked_at < $2)
            GROUP BY account, currency ORDER BY account, currency""",
            pattern,
            until,
        )
        return [Balance(**dict(row)) for row in rows]

    async def ledger_page(
        self,
        db: Reader,
        *,
        limit: int,
        account: str | None,
        after: tuple[datetime, UUID] | None,
        since: datetime | None,
        until: datetime | None,
    ) -> list[BookedEntry]:
        """Bookings by the moment they were made, oldest first."""
        moment, last = after or (None, None)
        rows = await db.fetch(
            """SELECT id, transaction_id, nullif(payment_id, line_id) AS payment_id, refund_id,
                line_id, kind, account, debit, credit, currency, booked_at, reference
            FROM payments_ledger_entry
            WHERE ($1::text IS NULL OR account LIKE $1)
              AND ($2::timestamptz IS NULL OR (booked_at, id) > ($2, $3))
              AND ($4::timestamptz IS NULL OR booked_at >= $4)
              AND ($5::timestamptz IS NULL OR booked_at < $5)
            ORDER BY booked_at, id LIMIT $6""",
            None if account is None else _pattern(account),
            moment,
            last,
            since,
            until,
            limit,
        )
        return [BookedEntry(plain_uuid(row["id"]), row["reference"], _entry(row)) for row in rows]


def _pattern(account: str) -> str:
    escaped = account.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped[:-1]}%" if escaped.endswith("*") else escaped


def _entry(row: Record) -> LedgerEntry:
    fields: dict[str, Any] = dict(row)
    del fields["id"], fields["reference"]
    for name in ("transaction_id", "payment_id", "refund_id", "line_id"):
        fields[name] = None if row[name] is None else plain_uuid(row[name])
    return LedgerEntry(**fields)


def _row(each: Difference) -> tuple[Any, ...]:
    money = each.stated or each.expected
    return (
        each.id,
        each.statement_id,
        each.line_id,
        each.kind.value,
        each.gateway,
        each.account,
        each.day,
        each.payment_id,
        each.refund_id,
        each.reference,
        None if each.stated is None else each.stated.amount,
        None if each.expected is None else each.expected.amount,
        "XXX" if money is None else money.currency,
        each.detail,
        each.opened_at,
    )


def _missing(statement: Statement, kind: DifferenceKind, row: Record, amount: int) -> Difference:
    fields = dict(row)
    refund_id = fields.get("refund_id")
    return Difference(
        id=new_id(),
        statement_id=statement.id,
        line_id=None,
        kind=kind,
        gateway=statement.gateway,
        account=statement.account,
        day=statement.day,
        payment_id=plain_uuid(row["id"]),
        refund_id=None if refund_id is None else plain_uuid(refund_id),
        reference=row["reference"],
        stated=None,
        expected=Money(amount, row["currency"]),
        detail="",
        opened_at=statement.first_due_at,
    )


def _difference(row: Record) -> Difference:
    fields: dict[str, Any] = dict(row)
    currency = fields.pop("currency")
    for name in ("stated", "expected"):
        fields[name] = None if row[name] is None else Money(row[name], currency)
    for name in ("id", "statement_id", "line_id", "payment_id", "refund_id"):
        fields[name] = None if row[name] is None else plain_uuid(row[name])
    fields["kind"] = DifferenceKind(row["kind"])
    fields["decision"] = None if row["decision"] is None else Decision(row["decision"])
    return Difference(**fields)
