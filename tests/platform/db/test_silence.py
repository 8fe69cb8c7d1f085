"""A server that says nothing any more: whoever waits for it is told, and the next one is served."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from commercekit.platform.db import CommitOutcomeUnknown, Database
from commercekit.testing import FaultProxy

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def wire(dsn):
    async with FaultProxy.for_url(dsn) as proxy:
        yield proxy


@pytest.fixture
async def far(wire, dsn, clock, monkeypatch):
    """A database behind the wire, which is given up after a third of a second."""
    monkeypatch.setattr("commercekit.platform.db.pool.ANSWER_SECONDS", 0.3)
    database = Database(wire.url(dsn), clock=clock, pool_size=2)
    await database.open()
    await database.execute("CREATE TABLE number (n int PRIMARY KEY)")
    yield database
    wire.heal()
    await database.close()


async def works_again(far):
    await far.execute("INSERT INTO number VALUES (9)")
    assert far.in_use == 0


async def test_a_statement_without_an_answer_is_an_outage_and_the_next_one_works(far, wire):
    assert await far.fetchval("SELECT 1") == 1
    wire.half_open()
    with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="has not answered"):
        await far.fetchval("SELECT 1")
    await works_again(far)


@pytest.mark.parametrize("verb", ["fetch", "fetchrow", "fetchval", "execute", "executemany"])
async def test_no_verb_of_a_unit_of_work_waits_for_ever(far, wire, verb):
    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        async with far.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            wire.half_open()
            more = ([(2,)],) if verb == "executemany" else (2,)
            await getattr(uow, verb)("INSERT INTO number VALUES ($1)", *more)
    await works_again(far)
    assert await far.fetch("SELECT n FROM number") == [(9,)]


async def test_silence_during_commit_leaves_the_outcome_unknown(far, wire):
    with pytest.raises(CommitOutcomeUnknown):
        async with far.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            wire.blackhole(way="to_client")
    wire.heal()
    await works_again(far)
    assert await far.fetch("SELECT n FROM number ORDER BY n") == [(1,), (9,)]


async def test_who_gives_up_in_the_middle_is_not_kept_waiting_for_the_rollback(
    far, wire, monkeypatch
):
    monkeypatch.setattr("commercekit.platform.db.database._UNDO_SECONDS", 0.2)
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(5), far.unit_of_work() as uow:
            await uow.execute("INSERT INTO number VALUES (1)")
            wire.freeze()
            raise ZeroDivisionError
    wire.thaw()
    await works_again(far)
    assert await far.fetch("SELECT n FROM number") == [(9,)]


async def test_who_is_patient_is_waited_for(far):
    async with far.unit_of_work() as uow:
        await uow.be_patient(timedelta(seconds=5))
        assert await uow.fetchval("SHOW statement_timeout") == "5s"
        assert await uow.fetchval("SELECT 1 FROM pg_sleep(0.5)") == 1
    assert await far.fetchval("SHOW statement_timeout") == "10s"


async def test_patience_has_its_end_in_postgresql(far):
    with pytest.raises(asyncpg.QueryCanceledError):
        async with far.unit_of_work() as uow:
            await uow.be_patient(timedelta(seconds=0.1))
            await uow.fetchval("SELECT pg_sleep(2)")
    await works_again(far)


def test_nobody_lifts_postgresqls_limit_alone():
    """It would be given up from this side all the same."""
    lifting = [
        str(file.relative_to(ROOT))
        for folder in (ROOT / "src", *(ROOT / "plugins").glob("*/src"))
        for file in folder.rglob("*.py")
        if "LOCAL statement_timeout" in file.read_text(encoding="utf-8")
    ]
    assert lifting == ["src/commercekit/platform/db/unit_of_work.py"]


class _Open:
    """A connection that its server is about to leave."""

    @staticmethod
    def is_closed():
        return False


@pytest.mark.parametrize(
    ("said", "told"),
    [
        # asyncpg refuses to send while it takes in the server's last words: COMMIT never left.
        (
            "cannot switch to state 15; another operation (2) is in progress",
            asyncpg.ConnectionDoesNotExistError,
        ),
        ("got result for unknown protocol state 3", CommitOutcomeUnknown),
    ],
)
async def test_a_commit_that_was_never_sent_is_not_in_doubt(said, told):
    async def commit():
        raise asyncpg.InternalClientError(said)

    with pytest.raises(told):
        await Database._commit(commit, _Open())


@pytest.fixture
def slow_at_first(monkeypatch):
    """A server that lets nobody in for a while; gives how often it was asked."""
    asked, real = [], asyncpg.create_pool

    def make(times):
        async def create_pool(*arguments, **options):
            asked.append(1)
            if len(asked) <= times:
                raise TimeoutError
            return await real(*arguments, **options)

        monkeypatch.setattr(asyncpg, "create_pool", create_pool)
        return asked

    return make


async def test_a_start_waits_for_a_server_that_is_slow_to_let_anybody_in(dsn, clock, slow_at_first):
    asked = slow_at_first(2)
    database = Database(dsn, clock=clock)
    await database.open()
    assert await database.fetchval("SELECT 1") == 1
    assert len(asked) == 3
    await database.close()


async def test_a_start_does_not_wait_for_ever(dsn, clock, slow_at_first, monkeypatch):
    monkeypatch.setattr("commercekit.platform.db.database.OPEN_SECONDS", 0.0)
    asked = slow_at_first(10)
    database = Database(dsn, clock=clock)
    with pytest.raises(TimeoutError):
        await database.open()
    assert len(asked) == 1
