"""What collectors still have of the shop's money, and what they handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.kernel import Money
from commercekit.payments.models import CashHeld, CashSum, HandIn, HandInLine, Payment
from commercekit.payments.repository.rows import PAYMENT, Reader, payment_from, plain_uuid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commercekit.platform.db import Record, UnitOfWork

__all__ = ["CashQueries"]

_COLLECTED_AT = """(SELECT min(l.booked_at) FROM payments_ledger_entry l
    WHERE l.payment_id = p.id AND l.kind = 'capture')"""
_HELD = "p.flow = 'offline' AND p.captured > p.handed_in"
_HAND_IN = """h.id, h.gateway, h.account, h.slip, h.amount, h.fee, h.currency, h.note, h.recorded_by,
    h.recorded_at, h.cancelled_at, h.cancelled_by, h.cancel_reason"""


class CashQueries:
    """Reads and writes hand-ins."""

    async def cash_held(
        self,
        db: Reader,
        *,
        limit: int,
        after: UUID | None = None,
        gateway: str | None = None,
        account: str | None = None,
        reference: str | None = None,
    ) -> list[CashHeld]:
        """Payments of which something is not handed in, oldest first."""
        rows = await db.fetch(
            f"""SELECT p.id, p.reference, p.gateway, p.account, p.captured, p.handed_in, p.currency,
                {_COLLECTED_AT} AS collected_at
            FROM payments_payment p
            WHERE {_HELD} AND ($2::uuid IS NULL OR p.id > $2)
              AND ($3::text IS NULL OR p.gateway = $3) AND ($4::text IS NULL OR p.account = $4)
              AND ($5::text IS NULL OR p.reference = $5)
            ORDER BY p.id LIMIT $1""",
            limit,
            after,
            gateway,
            account,
            reference,
        )
        return [_cash(row) for row in rows]

    async def cash_sums(
        self, db: Reader, *, gateway: str | None = None, account: str | None = None
    ) -> list[CashSum]:
        """What is not handed in, by account and currency."""
        rows = await db.fetch(
            f"""SELECT gateway, account, currency, count(*) AS payments,
                sum(captured - handed_in)::bigint AS left, min(collected_at) AS oldest
            FROM (SELECT p.*, {_COLLECTED_AT} AS collected_at FROM payments_payment p
                WHERE {_HELD} AND ($1::text IS NULL OR p.gateway = $1)
                  AND ($2::text IS NULL OR p.account = $2)) held
            GROUP BY gateway, account, currency ORDER BY gateway, account, currency""",
            gateway,
            account,
        )
        return [
            CashSum(
                gateway=row["gateway"],
                account=row["account"],
                payments=row["payments"],
                left=Money(row["left"], row["currency"]),
                oldest=row["oldest"],
            )
            for row in rows
        ]

    async def lock_cash(
        self, uow: UnitOfWork, payment_ids: Sequence[UUID]
    ) -> dict[UUID, tuple[Payment, CashHeld]]:
        """Lock payments, in the order of their ids, and say what is left of each."""
        rows = await uow.fetch(
            f"""SELECT {PAYMENT}, handed_in, {_COLLECTED_AT} AS collected_at
            FROM payments_payment p WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE""",
            list(payment_ids),
        )
        return {plain_uuid(row["id"]): (payment_from(row), _cash(row)) for row in rows}

    async def move_handed_in(self, uow: UnitOfWork, lines: Sequence[HandInLine], sign: int) -> None:
        """Count it on the payments."""
        await uow.execute(
            """UPDATE payments_payment p SET handed_in = p.handed_in + u.amount
            FROM unnest($1::uuid[], $2::bigint[]) AS u (id, amount) WHERE p.id = u.id""",
            [line.payment_id for line in lines],
            [sign * line.amount.amount for line in lines],
        )

    async def add_hand_in(self, uow: UnitOfWork, made: HandIn) -> bool:
        """Write it down with its lines; false when its slip was booked before."""
        tag = await uow.execute(
            """INSERT INTO payments_hand_in (id, gateway, account, slip, amount, fee, currency, note,
                recorded_by, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (gateway, account, slip) WHERE cancelled_at IS NULL DO NOTHING""",
            made.id,
            made.gateway,
            made.account,
            made.slip,
            made.amount.amount,
            made.fee.amount,
            made.amount.currency,
            made.note,
            made.recorded_by,
            made.recorded_at,
        )
        if not tag.endswith(" 1"):
            return False
        await uow.execute(
            """INSERT INTO payments_hand_in_line (hand_in_id, payment_id, reference, amount)
            SELECT $1, u.* FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS u""",
            made.id,
            [line.payment_id for line in made.lines],
            [line.reference for line in made.lines],
            [line.amount.amount for line in made.lines],
        )
        return True

    async def cancel_hand_in(
        self, uow: UnitOfWork, hand_in_id: UUID, *, by: str, reason: str
    ) -> None:
        """It was not so."""
        await uow.execute(
            """UPDATE payments_hand_in SET cancelled_at = $2, cancelled_by = $3, cancel_reason = $4
            WHERE id = $1 AND cancelled_at IS NULL""",
            hand_in_id,
            uow.clock.now(),
            by,
            reason,
        )

    async def hand_in(self, db: Reader, hand_in_id: UUID, *, lock: bool = False) -> HandIn | None:
        """One, with its lines."""
        row = await db.fetchrow(
            f"SELECT {_HAND_IN} FROM payments_hand_in h WHERE id = $1"
            + (" FOR UPDATE" if lock else ""),
            hand_in_id,
        )
        return None if row is None else (await self._with_lines(db, [row]))[0]

    async def hand_ins(
        self,
        db: Reader,
        *,
        limit: int,
        before: UUID | None = None,
        gateway: str | None = None,
        account: str | None = None,
    ) -> list[HandIn]:
        """Newest first, cancelled ones too."""
        rows = await db.fetch(
            f"""SELECT {_HAND_IN} FROM payments_hand_in h
            WHERE ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR gateway = $3)
              AND ($4::text IS NULL OR account = $4)
            ORDER BY id DESC LIMIT $1""",
            limit,
            before,
            gateway,
            account,
        )
        return await self._with_lines(db, rows)

    @staticmethod
    async def _with_lines(db: Reader, rows: Sequence[Record]) -> list[HandIn]:
        found = await db.fetch(
            """SELECT hand_in_id, payment_id, reference, amount FROM payments_hand_in_line
            WHERE hand_in_id = ANY ($1::uuid[]) ORDER BY payment_id""",
            [row["id"] for row in rows],
        )
        lines: dict[Any, list[Record]] = {row["id"]: [] for row in rows}
        for line in found:
            lines[line["hand_in_id"]].append(line)
        return [_hand_in(row, lines[row["id"]]) for row in rows]


def _cash(row: Record) -> CashHeld:
    currency = row["currency"]
    return CashHeld(
        id=plain_uuid(row["id"]),
        reference=row["reference"],
        gateway=row["gateway"],
        account=row["account"],
        collected=Money(row["captured"], currency),
        handed_in=Money(row["handed_in"], currency),
        collected_at=row["collected_at"],
    )


def _hand_in(row: Record, lines: Sequence[Record]) -> HandIn:
    currency = row["currency"]
    return HandIn(
        id=plain_uuid(row["id"]),
        gateway=row["gateway"],
        account=row["account"],
        slip=row["slip"],
        amount=Money(row["amount"], currency),
        fee=Money(row["fee"], currency),
        note=row["note"],
        recorded_by=row["recorded_by"],
        recorded_at=row["recorded_at"],
        lines=[
            HandInLine(
                payment_id=plain_uuid(line["payment_id"]),
                reference=line["reference"],
                amount=Money(line["amount"], currency),
            )
            for line in lines
        ],
        cancelled_at=row["cancelled_at"],
        cancelled_by=row["cancelled_by"],
        cancel_reason=row["cancel_reason"],
    )
