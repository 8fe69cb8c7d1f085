"""What an auditor types, and what they read."""

from __future__ import annotations

import asyncio
import csv
import json

import asyncpg
import pytest


@pytest.fixture
def shop(commercekit, empty_dsn, at, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", empty_dsn)
    assert commercekit("db", "upgrade")[0] == 0
    for name in ("one", "two"):
        assert commercekit("token", "create", name, "--scope", "orders:read")[0] == 0
    return commercekit


def as_superuser(dsn, *statements):
    async def change():
        connection = await asyncpg.connect(dsn)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(change())


def test_the_trail_is_searched_exported_and_verified(shop, at, empty_dsn):
    code, out, _ = shop("audit", "search", "--action", "tokens:*", "--json")
    found = json.loads(out)
    assert (code, [e["details"]["name"] for e in found]) == (0, ["two", "one"])
    code, out, _ = shop("audit", "search", "--until", "2001-01-01")
    assert (code, out) == (0, "No entry fits.\n")

    code, out, err = shop("audit", "verify")
    assert (code, out) == (0, "Every entry is what was written.\n")
    assert "2 entries in 1 chains." in err
    code, out, _ = shop("audit", "heads")
    (at / "heads.json").write_text(out)
    assert shop("audit", "verify", "--anchor", "heads.json")[0] == 0

    code, out, err = shop("audit", "export", "--format", "csv", "--actor", "cli")
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["action"] for row in rows] == ["tokens:create", "tokens:create", "audit:export"]
    assert rows[1]["previous"] == rows[0]["hash"]
    assert "3 entries." in err

    as_superuser(
        empty_dsn,
        "ALTER TABLE identity_audit_entry DISABLE TRIGGER ALL",
        "UPDATE identity_audit_entry SET actor = 'nobody' WHERE number = 2",
    )
    code, out, _ = shop("audit", "verify", "--anchor", "heads.json", "--json")
    report = json.loads(out)
    assert (code, report["whole"]) == (1, False)
    assert [(b["number"], b["entry"], b["kind"]) for b in report["breaches"]] == [
        (2, found[0]["id"], "changed")
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("audit", "search", "--since", "yesterday"), 2, "is no day or moment"),
        (("audit", "verify", "--anchor", "nowhere.json"), 2, "does not exist"),
        (("audit", "verify", "--anchor", "bad.json"), 1, "holds no heads"),
        (("audit", "search", "--limit", "0"), 2, "1<=x<=1000"),
    ],
)
def test_what_cannot_be_understood_is_said(commercekit, at, arguments, code, told):
    (at / "bad.json").write_text('[{"lane": "x"}]')
    found, _, err = commercekit(*arguments)
    assert found == code
    assert told in err
