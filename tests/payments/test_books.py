"""What the database itself refuses, whatever the code above it does."""

from __future__ import annotations

import asyncpg
import pytest

from commercekit.kernel import new_id


async def test_refunds_above_the_capture_break_a_constraint(till):
    payment = await till.paid()
    with pytest.raises(asyncpg.CheckViolationError):
        await till.db.execute(
            "UPDATE payments_payment SET refund_pending = captured + 1 WHERE id = $1", payment.id
        )


async def test_a_payment_is_not_paid_without_money(till):
    payment = await till.started()
    with pytest.raises(asyncpg.CheckViolationError):
        await till.db.execute(
            "UPDATE payments_payment SET status = 'paid' WHERE id = $1", payment.id
        )


@pytest.mark.parametrize("table", ["payments_ledger_entry", "payments_history"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET payment_id = payment_id"])
async def test_books_and_history_are_only_added_to(till, table, change):
    await till.paid()
    with pytest.raises(asyncpg.RestrictViolationError):
        await till.db.execute(change.format(table))


async def test_one_side_alone_is_not_booked(till):
    payment = await till.paid()
    with pytest.raises(asyncpg.CheckViolationError):
        await till.db.execute(
            """INSERT INTO payments_ledger_entry (id, transaction_id, payment_id, reference, kind,
                account, debit, credit, currency, booked_at)
            VALUES ($1, $2, $3, 'r', 'capture', 'received', 5, 0, 'CNY', now())""",
            new_id(),
            new_id(),
            payment.id,
        )


async def test_an_event_is_noted_once_per_account(till):
    insert = """INSERT INTO payments_provider_event (id, gateway, account, event_id, source, kind,
        state, fingerprint, received_at)
        VALUES ($1, 'fake', $2, 'evt', 'notification', 'payment', '', '', now())"""
    await till.db.execute(insert, new_id(), "default")
    await till.db.execute(insert, new_id(), "other")
    with pytest.raises(asyncpg.UniqueViolationError):
        await till.db.execute(insert, new_id(), "default")


async def test_payments_lie_in_the_partition_of_their_month(till):
    payment = await till.started()
    where = "SELECT tableoid::regclass::text FROM payments_payment WHERE id = $1"
    month = f"payments_payment_y{payment.created_at:%Y}m{payment.created_at:%m}"
    assert await till.db.fetchval(where, payment.id) == month
