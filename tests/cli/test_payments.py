"""What a bookkeeper types, and what they read."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

EARLIER = """
INSERT INTO payment_sandbox_charge (id, account, amount, currency, state, captured, capture,
    scenario, created_at)
VALUES ('019abcde-0000-7000-8000-000000000001', 'default', 4990, 'CNY', 'paid', 4990, 'auto',
    'approve', now() - interval '2 days');
INSERT INTO payment_sandbox_movement (id, account, charge_id, kind, amount, currency, at)
VALUES ('019abcde-0000-7000-8000-000000000002', 'default', '019abcde-0000-7000-8000-000000000001',
    'charge', 4990, 'CNY', now() - interval '2 days');
SELECT (now() - interval '2 days') AT TIME ZONE 'UTC';
"""


@pytest.fixture
def shop(commercekit, empty_dsn, at, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", empty_dsn)
    assert commercekit("db", "upgrade")[0] == 0
    return commercekit


def two_days_ago(dsn):
    """The sandbox has money of two days ago that the shop never asked for."""

    async def change():
        connection = await asyncpg.connect(dsn)
        *changes, question = [part for part in EARLIER.split(";") if part.strip()]
        for change in changes:
            await connection.execute(change)
        moment = await connection.fetchval(question)
        await connection.close()
        return moment.date()

    return asyncio.run(change())


def test_a_day_is_read_decided_about_and_the_ledger_shows_it(shop, empty_dsn):
    assert shop("payments", "statement")[:2] == (0, "No statement was due yet.\n")
    assert shop("payments", "differences")[:2] == (0, "Statements and books agree.\n")
    assert shop("payments", "ledger")[:2] == (0, "Nothing is booked.\n")

    day = str(two_days_ago(empty_dsn))
    code, out, err = shop("payments", "statement", "sandbox", "--day", day)
    assert code == 0, err
    assert "sandbox/default" in out
    assert "read, 2 lines" in out
    assert "unknown-payment" in out
    assert "unknown-payment: Look the money up at the provider." in err

    code, out, _ = shop("payments", "differences", "--json")
    [difference] = json.loads(out)
    assert (code, difference["kind"], difference["expected"]) == (0, "unknown-payment", None)
    code, _, err = shop(
        "payments", "resolve", difference["id"], "--as", "booked", "--reason", "till"
    )
    assert (code, "booked by cli" in err) == (0, True)

    code, out, _ = shop("payments", "statement", "--json")
    assert [(each["state"], each["day"]) for each in json.loads(out)] == [("settled", day)]
    code, out, _ = shop("payments", "ledger", "--json")
    assert {each["account"]: each["balance"] for each in json.loads(out)} == {
        "bank": 4960,
        "fees:sandbox:default": 30,
        "gateway:sandbox:default": 0,
        "suspense:sandbox:default": -4990,
    }
    code, out, _ = shop("payments", "ledger", "--account", "bank", "--entries")
    assert (code, out.count("payout"), "49.60 CNY" in out) == (0, 1, True)
    code, out, _ = shop("audit", "search", "--action", "payments:resolve-difference", "--json")
    assert [each["reason"] for each in json.loads(out)] == ["till"]


def test_nothing_is_with_couriers_before_anything_was_collected(shop):
    assert shop("payments", "cash")[:2] == (0, "Everything that was collected is handed in.\n")
    assert shop("payments", "cash", "--gateway", "cod", "--json")[:2] == (0, "[]\n")
    code, _, err = shop("payments", "hand-in", "cod", "SLIP-1", "10.00")
    assert (code, "name the ORDERS" in err) == (2, True)
    code, _, err = shop("payments", "hand-in", "cod", "SLIP-1", "10.00", "CK-404")
    assert (code, "CK-404" in err) == (1, True)


def test_what_cannot_be_done_says_why(shop):
    code, _, err = shop("payments", "statement", "--day", "2026-11-22")
    assert (code, "name the GATEWAY" in err) == (2, True)
    code, _, err = shop("payments", "statement", "nobody")
    assert code != 0
    assert "'nobody'" in err
    code, _, err = shop("payments", "statement", "sandbox", "--day", "2999-01-01")
    assert code != 0
    assert "is ready at" in err
