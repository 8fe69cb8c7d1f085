"""Every query on the sandbox's own tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    DisputeState,
    PaymentState,
    RefundState,
    StatementKind,
)
from commercekit_payment_sandbox.models import (
    Charge,
    Delivery,
    Movement,
    PastDispute,
    PastRefund,
)
from commercekit_payment_sandbox.scenarios import Scenario

if TYPE_CHECKING:
    from commercekit.platform.db import Record, UnitOfWork

__all__ = [
    "charge",
    "delivered",
    "dispute_of",
    "insert_charge",
    "insert_notification",
    "lock_charge",
    "movements",
    "notification",
    "refund",
    "save_charge",
    "save_dispute",
    "save_refund",
]

_CHARGE = """id, account, amount, currency, state, captured, refunded, capture, scenario, notify_url,
    failure_code, capture_key, calls"""


class _Reader(Protocol):
    async def fetchrow(self, sql: str, *args: Any) -> Record | None: ...


async def insert_charge(uow: UnitOfWork, new: Charge) -> Charge:
    """The charge of that id, made if there is none, locked."""
    await uow.execute(
        """INSERT INTO payment_sandbox_charge (id, account, amount, currency, state, capture,
            scenario, notify_url, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING""",
        new.id,
        new.account,
        new.amount.amount,
        new.amount.currency,
        new.state.value,
        new.capture.value,
        new.scenario.value,
        new.notify_url,
        uow.clock.now(),
    )
    found = await lock_charge(uow, new.id)
    return found or new


async def lock_charge(uow: UnitOfWork, charge_id: UUID) -> Charge | None:
    """The charge, locked until the unit of work ends."""
    row = await uow.fetchrow(
        f"SELECT {_CHARGE} FROM payment_sandbox_charge WHERE id = $1 FOR UPDATE", charge_id
    )
    return None if row is None else _charge(row)


async def charge(db: _Reader, charge_id: UUID) -> Charge | None:
    """The charge as it stands."""
    row = await db.fetchrow(
        f"SELECT {_CHARGE} FROM payment_sandbox_charge WHERE id = $1", charge_id
    )
    return None if row is None else _charge(row)


async def save_charge(uow: UnitOfWork, changed: Charge) -> None:
    """Write what may change on a locked charge; money that was taken is a movement."""
    await uow.execute(
        """WITH before AS (SELECT captured FROM payment_sandbox_charge WHERE id = $1),
        after AS (
            UPDATE payment_sandbox_charge SET state = $2, captured = $3, refunded = $4,
                failure_code = $5, capture_key = $6, calls = $7, scenario = $8 WHERE id = $1
            RETURNING id, account, captured, currency
        )
        INSERT INTO payment_sandbox_movement (id, account, charge_id, kind, amount, currency, at)
        SELECT $9, after.account, after.id, 'charge', after.captured - before.captured,
            after.currency, $10
        FROM before, after WHERE after.captured > before.captured""",
        changed.id,
        changed.state.value,
        changed.captured,
        changed.refunded,
        changed.failure_code,
        changed.capture_key,
        changed.calls,
        changed.scenario.value,
        new_id(),
        uow.clock.now(),
    )


async def refund(db: _Reader, refund_id: UUID) -> PastRefund | None:
    """The refund as it stands."""
    row = await db.fetchrow(
        """SELECT id, charge_id, amount, currency, state, key, failure_code
        FROM payment_sandbox_refund WHERE id = $1""",
        refund_id,
    )
    if row is None:
        return None
    return PastRefund(
        id=UUID(int=row["id"].int),
        charge_id=UUID(int=row["charge_id"].int),
        amount=Money(row["amount"], row["currency"]),
        state=RefundState(row["state"]),
        key=row["key"],
        failure_code=row["failure_code"],
    )


async def save_refund(uow: UnitOfWork, changed: PastRefund) -> None:
    """Write the refund, new or changed, of a locked charge; money that goes or returns moves."""
    await uow.execute(
        """WITH before AS (
            SELECT coalesce((SELECT state FROM payment_sandbox_refund WHERE id = $1), '') AS state
        ), after AS (
            INSERT INTO payment_sandbox_refund (id, charge_id, amount, currency, state, key,
                failure_code, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, key = excluded.key,
                failure_code = excluded.failure_code
            RETURNING id, charge_id, amount, currency, state
        )
        INSERT INTO payment_sandbox_movement (id, account, charge_id, refund_id, kind, amount,
            currency, at)
        SELECT $9, c.account, c.id, after.id,
            CASE WHEN after.state = 'succeeded' THEN 'refund' ELSE 'refund_reversal' END,
            CASE WHEN after.state = 'succeeded' THEN -after.amount ELSE after.amount END,
            after.currency, $8
        FROM before, after JOIN payment_sandbox_charge c ON c.id = after.charge_id
        WHERE (after.state = 'succeeded') <> (before.state = 'succeeded')""",
        changed.id,
        changed.charge_id,
        changed.amount.amount,
        changed.amount.currency,
        changed.state.value,
        changed.key,
        changed.failure_code,
        uow.clock.now(),
        new_id(),
    )


async def dispute_of(db: _Reader, charge_id: UUID) -> PastDispute | None:
    """The dispute of a charge, if there is one."""
    row = await db.fetchrow(
        """SELECT id, charge_id, amount, withdrawn, state, evidence_due_at, updated_at
        FROM payment_sandbox_dispute WHERE charge_id = $1""",
        charge_id,
    )
    if row is None:
        return None
    return PastDispute(
        id=UUID(int=row["id"].int),
        charge_id=UUID(int=row["charge_id"].int),
        amount=row["amount"],
        withdrawn=row["withdrawn"],
        state=DisputeState(row["state"]),
        evidence_due_at=row["evidence_due_at"],
        updated_at=row["updated_at"],
    )


async def save_dispute(
    uow: UnitOfWork, charge_: Charge, changed: PastDispute, *, moved: int
) -> None:
    """Write the dispute of a locked charge, and what ``moved``: positive is taken from the shop."""
    await uow.execute(
        """INSERT INTO payment_sandbox_dispute (id, charge_id, amount, withdrawn, state,
            evidence_due_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET withdrawn = excluded.withdrawn, state = excluded.state,
            updated_at = excluded.updated_at""",
        changed.id,
        changed.charge_id,
        changed.amount,
        changed.withdrawn,
        changed.state.value,
        changed.evidence_due_at,
        changed.updated_at,
    )
    if moved:
        await uow.execute(
            """INSERT INTO payment_sandbox_movement (id, account, charge_id, dispute_id, kind,
                amount, currency, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            new_id(),
            charge_.account,
            charge_.id,
            changed.id,
            "dispute" if moved > 0 else "dispute_reversal",
            -moved,
            charge_.amount.currency,
            changed.updated_at,
        )


async def movements(
    db: Any, account: str, start: datetime, end: datetime, after: UUID | None, limit: int
) -> list[Movement]:
    """What moved from ``start`` to before ``end``, in the order of the ids, above ``after``."""
    rows = await db.fetch(
        """SELECT id, charge_id, refund_id, dispute_id, kind, amount, currency, at
        FROM payment_sandbox_movement
        WHERE account = $1 AND at >= $2 AND at < $3 AND ($4::uuid IS NULL OR id > $4)
        ORDER BY id LIMIT $5""",
        account,
        start,
        end,
        after,
        limit,
    )
    return [Movement(**{**dict(row), "kind": StatementKind(row["kind"])}) for row in rows]


async def insert_notification(
    uow: UnitOfWork, charge_: Charge, body: bytes, *, stale_first: bool
) -> UUID:
    """Keep a notification to deliver."""
    notification_id = new_id()
    await uow.execute(
        """INSERT INTO payment_sandbox_notification (id, charge_id, account, url, body, stale_first,
            created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        notification_id,
        charge_.id,
        charge_.account,
        charge_.notify_url,
        body,
        stale_first,
        uow.clock.now(),
    )
    return notification_id


async def notification(db: _Reader, notification_id: UUID) -> Delivery | None:
    """The notification, and whether it was delivered."""
    row = await db.fetchrow(
        """SELECT id, account, url, body, stale_first, delivered_at
        FROM payment_sandbox_notification WHERE id = $1""",
        notification_id,
    )
    return None if row is None else Delivery(**dict(row))


async def delivered(db: Any, notification_id: UUID, at: Any) -> None:
    """Note that the shop has taken it."""
    await db.execute(
        "UPDATE payment_sandbox_notification SET delivered_at = coalesce(delivered_at, $2) WHERE id = $1",
        notification_id,
        at,
    )


def _charge(row: Record) -> Charge:
    return Charge(
        id=UUID(int=row["id"].int),
        account=row["account"],
        amount=Money(row["amount"], row["currency"]),
        state=PaymentState(row["state"]),
        captured=row["captured"],
        refunded=row["refunded"],
        capture=CaptureMode(row["capture"]),
        scenario=Scenario(row["scenario"]),
        notify_url=row["notify_url"],
        failure_code=row["failure_code"],
        capture_key=row["capture_key"],
        calls=row["calls"],
    )
