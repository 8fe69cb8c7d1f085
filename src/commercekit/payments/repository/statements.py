"""Statements and their lines, and what the books have for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.payments.models import (
    LineOutcome,
    Statement,
    StatementState,
    StatementSum,
    StoredLine,
)
from commercekit.payments.providers import StatementKind, StatementLine
from commercekit.payments.repository.rows import PAYMENT, REFUND, Reader, plain_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["StatementQueries"]

_STATEMENT = """id, gateway, account, day, state, lines, attempts, problem, due_at, first_due_at,
    read_at, settled_at"""
_LINE = """id, statement_id, gateway, account, line_id, kind, amount, currency, fee, fee_currency,
    settled, settled_currency, payment_ref, refund_ref, dispute_ref, payment_id, refund_id,
    provider_ref, batch, text, occurred_at, outcome"""
_OUR_VERSION = 7


class StatementQueries:
    """Reads and writes statements, line by line."""

    async def first_payment_day(
        self, db: Reader, gateway: str, account: str, offset: timedelta
    ) -> date | None:
        """The provider's day on which the account was used first."""
        moment = await db.fetchval(
            """SELECT created_at FROM payments_payment WHERE gateway = $1 AND account = $2
            ORDER BY id LIMIT 1""",
            gateway,
            account,
        )
        return None if moment is None else (moment + offset).date()

    async def last_statement_day(self, db: Reader, gateway: str, account: str) -> date | None:
        """The newest day that is asked for, or was."""
        found: date | None = await db.fetchval(
            "SELECT max(day) FROM payments_statement WHERE gateway = $1 AND account = $2",
            gateway,
            account,
        )
        return found

    async def expect_statements(
        self, uow: UnitOfWork, gateway: str, account: str, days: Iterable[tuple[date, datetime]]
    ) -> None:
        """Ask for the statements of ``days`` from the moments they are ready on; once each."""
        await uow.executemany(
            """INSERT INTO payments_statement (id, gateway, account, day, state, due_at, first_due_at)
            VALUES ($1, $2, $3, $4, 'waiting', $5, $5)
            ON CONFLICT ON CONSTRAINT payments_statement_once DO NOTHING""",
            [(new_id(), gateway, account, day, ready) for day, ready in days],
        )

    async def claim_statement(
        self, uow: UnitOfWork, *, now: datetime, again: datetime, only: UUID | None = None
    ) -> Statement | None:
        """One that is due, or ``only``; put off to ``again`` so that no other process reads it too."""
        row = await uow.fetchrow(
            f"""UPDATE payments_statement SET due_at = $2, attempts = attempts + 1
            WHERE id = (SELECT id FROM payments_statement
                WHERE CASE WHEN $3::uuid IS NULL THEN due_at <= $1 ELSE id = $3 END
                ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING {_STATEMENT}""",
            now,
            again,
            only,
        )
        return None if row is None else _statement(row)

    async def statement(
        self, db: Reader, statement_id: UUID, *, lock: bool = False
    ) -> Statement | None:
        """One statement, locked if asked."""
        row = await db.fetchrow(
            f"SELECT {_STATEMENT} FROM payments_statement WHERE id = $1"
            + (" FOR UPDATE" if lock else ""),
            statement_id,
        )
        return None if row is None else _statement(row)

    async def statement_of(
        self, db: Reader, gateway: str, account: str, day: date
    ) -> Statement | None:
        """The statement of a day."""
        row = await db.fetchrow(
            f"""SELECT {_STATEMENT} FROM payments_statement
            WHERE gateway = $1 AND account = $2 AND day = $3""",
            gateway,
            account,
            day,
        )
        return None if row is None else _statement(row)

    async def statement_page(
        self,
        db: Reader,
        *,
        limit: int,
        before: tuple[date, UUID] | None,
        gateway: str | None,
        account: str | None,
        state: str | None,
    ) -> list[Statement]:
        """Statements, the newest day first, below ``before``."""
        day, last = before or (None, None)
        rows = await db.fetch(
            f"""SELECT {_STATEMENT} FROM payments_statement
            WHERE ($1::date IS NULL OR (day, id) < ($1, $2))
              AND ($3::text IS NULL OR gateway = $3) AND ($4::text IS NULL OR account = $4)
              AND ($5::text IS NULL OR state = $5)
            ORDER BY day DESC, id DESC LIMIT $6""",
            day,
            last,
            gateway,
            account,
            state,
            limit,
        )
        return [_statement(row) for row in rows]

    async def keep_lines(
        self, uow: UnitOfWork, statement: Statement, lines: Sequence[StatementLine]
    ) -> None:
        """Write what was read, each line once, whatever is read again."""
        rows = [_line_row(statement, line) for line in lines]
        columns = [list(column) for column in zip(*rows, strict=True)]
        await uow.execute(
            f"""INSERT INTO payments_statement_line ({_LINE.replace(", outcome", "")})
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[],
                $6::text[], $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::bigint[],
                $12::text[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::uuid[],
                $18::text[], $19::text[], $20::text[], $21::timestamptz[])
            ON CONFLICT ON CONSTRAINT payments_statement_line_once DO NOTHING""",
            *columns,
        )

    async def mark_read(self, uow: UnitOfWork, statement_id: UUID) -> None:
        """All of it is here; count it."""
        await uow.execute(
            """UPDATE payments_statement SET state = 'read', problem = '', read_at = $2, lines =
                (SELECT count(*) FROM payments_statement_line WHERE statement_id = $1)
            WHERE id = $1""",
            statement_id,
            uow.clock.now(),
        )

    async def put_off_statement(
        self, uow: UnitOfWork, statement_id: UUID, *, due_at: datetime, problem: str
    ) -> None:
        """It could not be read: why, and when it is tried again."""
        await uow.execute(
            "UPDATE payments_statement SET due_at = $2, problem = $3 WHERE id = $1",
            statement_id,
            due_at,
            problem[:500],
        )

    async def end_statement(
        self, uow: UnitOfWork, statement_id: UUID, *, settled: bool, due_at: datetime | None
    ) -> None:
        """Every line was looked at; ``due_at`` is when those that differ are looked at again."""
        await uow.execute(
            """UPDATE payments_statement SET state = $2, due_at = $3, settled_at = $4
            WHERE id = $1""",
            statement_id,
            (StatementState.SETTLED if settled else StatementState.READ).value,
            due_at,
            uow.clock.now() if settled else None,
        )

    async def read_again(self, uow: UnitOfWork, statement_id: UUID, now: datetime) -> None:
        """Have all of it read once more."""
        await uow.execute(
            "UPDATE payments_statement SET state = 'waiting', due_at = $2 WHERE id = $1",
            statement_id,
            now,
        )

    async def lines_to_judge(
        self, uow: UnitOfWork, statement_id: UUID, *, after: UUID | None, limit: int
    ) -> list[StoredLine]:
        """Lines that nothing became of yet, or whose difference is open; in the order of their ids."""
        rows = await uow.fetch(
            f"""SELECT {_LINE} FROM payments_statement_line l
            WHERE statement_id = $1 AND ($2::uuid IS NULL OR id > $2)
              AND (outcome IS NULL OR outcome = 'differs' AND EXISTS (
                SELECT FROM payments_difference d
                WHERE d.line_id = l.id AND d.resolved_at IS NULL))
            ORDER BY id LIMIT $3""",
            statement_id,
            after,
            limit,
        )
        return [_line(row) for row in rows]

    async def statement_lines(
        self,
        db: Reader,
        statement_id: UUID,
        *,
        after: UUID | None,
        limit: int,
        outcome: str | None = None,
    ) -> list[StoredLine]:
        """Lines of a statement, in the order they were read."""
        rows = await db.fetch(
            f"""SELECT {_LINE} FROM payments_statement_line
            WHERE statement_id = $1 AND ($2::uuid IS NULL OR id > $2)
              AND ($3::text IS NULL OR outcome = $3)
            ORDER BY id LIMIT $4""",
            statement_id,
            after,
            outcome,
            limit,
        )
        return [_line(row) for row in rows]

    async def line(self, db: Reader, line_id: UUID) -> StoredLine | None:
        """One line."""
        row = await db.fetchrow(
            f"SELECT {_LINE} FROM payments_statement_line WHERE id = $1", line_id
        )
        return None if row is None else _line(row)

    async def undecided(self, db: Reader, statement_id: UUID) -> bool:
        """Whether there are lines that nobody has looked at."""
        found: bool = await db.fetchval(
            """SELECT EXISTS (SELECT FROM payments_statement_line
                WHERE statement_id = $1 AND outcome IS NULL)""",
            statement_id,
        )
        return found

    async def decide_lines(
        self, uow: UnitOfWork, outcomes: Sequence[tuple[UUID, LineOutcome]]
    ) -> None:
        """Write what became of lines."""
        await uow.execute(
            """UPDATE payments_statement_line l SET outcome = u.outcome
            FROM unnest($1::uuid[], $2::text[]) AS u (id, outcome) WHERE l.id = u.id""",
            [line_id for line_id, _ in outcomes],
            [outcome.value for _, outcome in outcomes],
        )

    async def counterparts(
        self, db: Reader, lines: Sequence[StoredLine]
    ) -> tuple[dict[UUID, Record], dict[UUID, Record], dict[UUID, tuple[int, int]]]:
        """Rows of payments and refunds that lines name, and what moved for them up to each line, and in all."""
        refund_ids = [line.refund_id for line in lines if line.refund_id is not None]
        refunds = await db.fetch(
            f"SELECT {REFUND} FROM payments_refund WHERE id = ANY ($1::uuid[])", refund_ids
        )
        named = {line.payment_id for line in lines if line.payment_id is not None}
        named |= {plain_uuid(row["payment_id"]) for row in refunds}
        payments = await db.fetch(
            f"SELECT {PAYMENT} FROM payments_payment WHERE id = ANY ($1::uuid[])", list(named)
        )
        stated = await db.fetch(
            """SELECT id, (sum(amount) OVER (PARTITION BY payment_id ORDER BY id))::bigint AS stated,
                0::bigint AS in_all
            FROM payments_statement_line
            WHERE payment_id = ANY ($1::uuid[]) AND kind = 'charge'
            UNION ALL
            SELECT id, (sum(amount) OVER (PARTITION BY refund_id ORDER BY id))::bigint,
                (sum(amount) OVER (PARTITION BY refund_id))::bigint
            FROM payments_statement_line
            WHERE refund_id = ANY ($2::uuid[]) AND kind IN ('refund', 'refund_reversal')""",
            list(named),
            refund_ids,
        )
        return (
            {plain_uuid(row["id"]): row for row in payments},
            {plain_uuid(row["id"]): row for row in refunds},
            {plain_uuid(row["id"]): (row["stated"], row["in_all"]) for row in stated},
        )

    async def sums_of(self, db: Reader, statement_id: UUID) -> list[StatementSum]:
        """What a statement says by kind, outcome and currency."""
        rows = await db.fetch(
            """SELECT kind, outcome, currency, count(*) AS lines, sum(amount)::bigint AS amount,
                sum(fee)::bigint AS fees
            FROM payments_statement_line WHERE statement_id = $1
            GROUP BY kind, outcome, currency ORDER BY kind, outcome, currency""",
            statement_id,
        )
        return [
            StatementSum(
                kind=StatementKind(row["kind"]),
                outcome=None if row["outcome"] is None else LineOutcome(row["outcome"]),
                currency=row["currency"],
                lines=row["lines"],
                amount=row["amount"],
                fees=row["fees"],
            )
            for row in rows
        ]


def _ours(ref: str | None) -> UUID | None:
    """The id of ours that a statement's text is, if it is one."""
    if ref is None:
        return None
    try:
        found = UUID(ref)
    except ValueError:
        return None
    return found if found.version == _OUR_VERSION else None


def _line_row(statement: Statement, line: StatementLine) -> tuple[Any, ...]:
    fee, settled = line.fee, line.settled
    return (
        new_id(),
        statement.id,
        statement.gateway,
        statement.account,
        line.line_id,
        line.kind.value,
        line.amount.amount,
        line.amount.currency,
        0 if fee is None else fee.amount,
        None if fee is None else fee.currency,
        None if settled is None else settled.amount,
        None if settled is None else settled.currency,
        line.payment_id,
        line.refund_id,
        line.dispute_id,
        _ours(line.payment_id),
        _ours(line.refund_id),
        line.provider_ref,
        line.batch,
        line.text[:500],
        line.occurred_at,
    )


def _statement(row: Record) -> Statement:
    fields: dict[str, Any] = dict(row)
    fields["id"], fields["state"] = plain_uuid(row["id"]), StatementState(row["state"])
    return Statement(**fields)


def _line(row: Record) -> StoredLine:
    fields: dict[str, Any] = dict(row)
    fee, fee_currency = fields.pop("fee"), fields.pop("fee_currency")
    settled, settled_currency = fields.pop("settled"), fields.pop("settled_currency")
    fields["amount"] = Money(fields["amount"], fields.pop("currency"))
    fields["fee"] = None if fee_currency is None else Money(fee, fee_currency)
    fields["settled"] = None if settled is None else Money(settled, settled_currency)
    fields["kind"] = StatementKind(row["kind"])
    fields["outcome"] = None if row["outcome"] is None else LineOutcome(row["outcome"])
    for name in ("id", "statement_id", "payment_id", "refund_id"):
        fields[name] = None if row[name] is None else plain_uuid(row[name])
    return StoredLine(**fields)
