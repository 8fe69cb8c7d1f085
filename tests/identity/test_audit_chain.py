"""The trail against those who may write to the database: the application's role, and a superuser."""

from __future__ import annotations

import asyncio
import secrets

import asyncpg
import msgspec
import pytest

from commercekit.identity import AuditFilter, AuditHead, AuditTrail
from commercekit.identity.rules import hash_of
from commercekit.kernel import PageRequest
from commercekit.platform.security import AuditEntry


@pytest.fixture
def invariants():
    """These tests break the books themselves."""
    return ()


@pytest.fixture
def trail(database, clock, sealer):
    return AuditTrail(database, clock, sealer)


async def told(trail, count=5):
    for number in range(count):
        await trail.note(AuditEntry(actor="ann", action="orders:cancel", subject=f"order/{number}"))


async def tamper(dsn, *statements):
    """Do as a superuser does who knows about the triggers."""
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("identity_audit_entry", "identity_audit_lane"):
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def breaches(report):
    return [(each.lane, each.number, each.kind) for each in report.breaches]


async def test_an_untouched_trail_is_whole(trail):
    await told(trail)
    report = await trail.verify()
    assert (report.is_whole, report.checked, report.unprotected) == (True, 5, 0)
    assert [(head.lane, head.number) for head in report.heads] == [(0, 5)]


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'bob'",
        "at = at - interval '1 microsecond'",
        "reason = 'because'",
        "details = '{\"a\": 1}'",
        "subject = 'order/9'",
    ],
)
async def test_an_edited_entry_is_named(trail, dsn, change):
    await told(trail)
    await tamper(dsn, f"UPDATE identity_audit_entry SET {change} WHERE number = 3")
    report = await trail.verify()
    assert breaches(report) == [(0, 3, "changed")]
    (entry, *_), _ = await trail.search(AuditFilter(), PageRequest(limit=3))
    assert entry.id != report.breaches[0].entry


async def test_a_removed_entry_leaves_a_gap(trail, dsn):
    await told(trail)
    await tamper(dsn, "DELETE FROM identity_audit_entry WHERE number IN (2, 3)")
    report = await trail.verify()
    assert breaches(report) == [(0, 4, "missing")]
    assert report.breaches[0].told == "entries 2 to 3 are missing before it"


async def test_a_cut_off_end_is_missed_by_the_head(trail, dsn):
    await told(trail)
    await tamper(dsn, "DELETE FROM identity_audit_entry WHERE number > 3")
    assert breaches(await trail.verify()) == [(0, 3, "cut-off")]


async def test_an_end_cut_off_together_with_its_head_is_missed_by_an_anchor(trail, dsn):
    await told(trail)
    anchors = await trail.heads()
    await tamper(
        dsn,
        "DELETE FROM identity_audit_entry WHERE number > 3",
        "UPDATE identity_audit_lane l SET number = 3, hash ="
        " (SELECT hash FROM identity_audit_entry WHERE number = 3) WHERE lane = 0",
    )
    assert (await trail.verify()).is_whole
    assert breaches(await trail.verify(anchors)) == [(0, 5, "cut-off")]
    other = AuditHead(lane=0, number=2, hash="00" * 32)
    assert breaches(await trail.verify([other])) == [(0, 2, "forged")]


async def test_whoever_computes_the_chain_anew_lacks_the_key(trail, dsn, database):
    await told(trail, 2)
    (last,) = [e async for e in trail.export(AuditFilter(subject="order/1"))]
    forged = msgspec.structs.replace(last.record, actor="bob")
    place = {"lane": 0, "number": 2, "previous": last.link.previous}
    rehashed = hash_of(forged, **place).hex()
    await tamper(
        dsn,
        f"UPDATE identity_audit_entry SET actor = 'bob', hash = '\\x{rehashed}' WHERE number = 2",
        f"UPDATE identity_audit_lane SET hash = '\\x{rehashed}' WHERE lane = 0",
    )
    assert breaches(await trail.verify()) == [(0, 2, "forged")]
    # The seal of another entry does not fit either, nor does none.
    await tamper(
        dsn,
        "UPDATE identity_audit_entry SET seal ="
        " (SELECT seal FROM identity_audit_entry WHERE number = 1) WHERE number = 2",
    )
    assert breaches(await trail.verify()) == [(0, 2, "forged")]
    await tamper(dsn, "UPDATE identity_audit_entry SET seal = NULL WHERE number = 2")
    assert breaches(await trail.verify()) == [(0, 2, "unsealed")]


async def test_an_entry_slipped_in_outside_of_the_chain_is_named(trail, dsn):
    await told(trail, 1)
    await tamper(
        dsn,
        "ALTER TABLE identity_audit_entry DROP CONSTRAINT identity_audit_entry_is_chained",
        "INSERT INTO identity_audit_entry (id, at, actor, action, subject, reason, request_id,"
        " details) SELECT gen_random_uuid(), at + interval '1 second', 'x', 'a:b', '', '', '', '{}'"
        " FROM identity_audit_entry",
    )
    report = await trail.verify()
    assert breaches(report) == [(-1, 0, "unchained")]
    assert report.unprotected == 1


STATEMENTS = [
    "UPDATE identity_audit_entry SET actor = 'someone else'",
    "DELETE FROM identity_audit_entry",
    "TRUNCATE identity_audit_entry",
    "UPDATE identity_audit_lane SET number = 0",
    "DELETE FROM identity_audit_lane",
    "INSERT INTO identity_audit_lane (lane) VALUES (99)",
    "INSERT INTO identity_audit_entry (id, at, actor, action, subject, reason, request_id, details)"
    " VALUES (gen_random_uuid(), now(), 'x', 'a:b', '', '', '', '{}')",
]


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_even_a_superuser_has_to_take_the_triggers_away_first(trail, database, statement):
    await told(trail, 2)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
        await database.execute(statement)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
        async with database.unit_of_work() as uow:
            await uow.execute("SET LOCAL session_replication_role = replica")
            await uow.execute(statement)
    assert (await trail.verify()).is_whole


async def test_a_role_that_owns_the_tables_is_denied_by_permission(trail, dsn, database):
    await told(trail, 2)
    role = f"shop_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE ROLE {role}")
        for table in ("identity_audit_entry", "identity_audit_lane"):
            await connection.execute(f"ALTER TABLE {table} OWNER TO {role}")
        await connection.execute(f"SET ROLE {role}")
        for statement in STATEMENTS[:5]:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        assert await connection.fetchval("SELECT count(*) FROM identity_audit_entry") == 2
    finally:
        await connection.execute("RESET ROLE")
        await connection.execute(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        await connection.execute(f"DROP OWNED BY {role}")
        await connection.execute(f"DROP ROLE {role}")
        await connection.close()


async def test_writers_at_the_same_moment_do_not_wait_for_each_other(trail, database):
    has_written, others_are_through = asyncio.Event(), asyncio.Event()

    async def slow():
        async with database.unit_of_work() as uow:
            await trail.record(uow, AuditEntry(actor="slow", action="orders:cancel"))
            has_written.set()
            await others_are_through.wait()
            await trail.record(uow, AuditEntry(actor="slow", action="orders:ship"))

    async def quick():
        await has_written.wait()
        await trail.note(AuditEntry(actor="quick", action="orders:ship"))
        others_are_through.set()

    async with asyncio.timeout(30):
        await asyncio.gather(slow(), quick())
    assert [(head.lane, head.number) for head in await trail.heads()] == [(0, 2), (1, 1)]
    assert (await trail.verify()).is_whole


async def test_what_is_rolled_back_leaves_no_gap(trail, database):
    with pytest.raises(RuntimeError, match="no"):
        async with database.unit_of_work() as uow:
            await trail.record(uow, AuditEntry(actor="a", action="orders:cancel"))
            raise RuntimeError("no")
    await told(trail, 1)
    report = await trail.verify()
    assert (report.is_whole, report.checked) == (True, 1)


async def test_many_writers_make_whole_chains(trail):
    await asyncio.gather(*(told(trail, 5) for _ in range(8)))
    report = await trail.verify()
    assert (report.is_whole, report.checked) == (True, 40)


async def test_verification_goes_on_from_heads_that_were_right(trail, dsn):
    await told(trail, 3)
    heads = await trail.heads()
    await told(trail, 2)
    assert (await trail.verify(since=heads)).checked == 2
    await tamper(dsn, "UPDATE identity_audit_entry SET actor = 'bob' WHERE number = 4")
    assert breaches(await trail.verify(since=heads)) == [(0, 4, "changed")]


async def test_search_finds_by_everything_an_entry_says(trail, clock):
    await told(trail, 3)
    clock.advance(hours=1)
    entry = AuditEntry(actor="bob", action="orders:ship", subject="order_9", request_id="r-1")
    await trail.note(entry)

    async def found(**wanted):
        records, _ = await trail.search(AuditFilter(**wanted), PageRequest())
        return [record.subject for record in records]

    assert await found(actor="bob") == ["order_9"]
    assert await found(action="orders:*", actor="ann") == ["order/2", "order/1", "order/0"]
    assert await found(subject="order/*") == ["order/2", "order/1", "order/0"]
    assert await found(subject="order_*") == ["order_9"]
    assert await found(subject="%*") == []
    assert await found(request_id="r-1") == ["order_9"]
    assert await found(since=clock.now()) == ["order_9"]
    assert await found(until=clock.now(), subject="order/1") == ["order/1"]
    page, after = await trail.search(AuditFilter(actor="ann"), PageRequest(limit=2))
    rest, end = await trail.search(AuditFilter(actor="ann"), PageRequest(limit=2, after=after))
    assert ([r.subject for r in page + rest], end) == (["order/2", "order/1", "order/0"], None)
