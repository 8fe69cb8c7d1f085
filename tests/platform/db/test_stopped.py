"""PostgreSQL is stopped in order while something long is under way: a migration, a report."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from commercekit.kernel import SystemClock
from commercekit.platform.db import Database, MigrationFailed, Migrator
from commercekit.platform.db.embedded import EmbeddedServer
from commercekit.platform.jobs import JobKind, Jobs, JobState
from commercekit.testing import core_piccolo_apps

pytestmark = [pytest.mark.promise("R4"), pytest.mark.timeout(600)]

SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
STEPS = "SELECT app_name || ' ' || name FROM migration ORDER BY 1"
SHAPE = """
SELECT c.oid::regclass::text || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT indexdef || ' ' || i.indisvalid FROM pg_indexes
JOIN pg_index i ON i.indexrelid = indexname::regclass WHERE schemaname = 'public'
UNION ALL
SELECT oid::regprocedure || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT tgrelid::regclass || ' ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1
"""
ENDED = (MigrationFailed, ConnectionError, asyncpg.PostgresError, asyncpg.InterfaceError)


@pytest.fixture(scope="module")
def server():
    """One of its own, since it is stopped; the test run's server goes on for the others."""
    folder = Path(tempfile.mkdtemp(prefix="commercekit-stopped-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = EmbeddedServer(folder, settings={"fsync": "off", "autovacuum": "off"})
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dsn(server, request):
    """An empty database there."""
    server.start()
    name = f"stopped_{abs(hash(request.node.nodeid)):x}"
    server.drop_database(name)
    return server.create_database(name)


async def asked(dsn, query):
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def sleeping(dsn):
    """Until the long statement is under way."""
    async with asyncio.timeout(30):
        while await asked(dsn, SLEEPING) == [0]:
            await asyncio.sleep(0.02)


async def restart(server):
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


async def test_a_migration_that_a_stop_interrupts_left_nothing_and_is_run_again(
    server, dsn, make_app
):
    long = "CREATE TABLE half (id int); INSERT INTO half VALUES (1); SELECT pg_sleep(600)"
    shelf = make_app("shelf", {"1": ("CREATE TABLE shelf (id int)", ""), "2": (long, "")})
    migrating = asyncio.ensure_future(Migrator(dsn, [shelf]).forwards())
    await sleeping(dsn)
    await asyncio.to_thread(server.stop)
    with pytest.raises(ENDED):
        await migrating
    await asyncio.to_thread(server.start)
    assert await asked(dsn, STEPS) == ["shelf 1"]
    assert await asked(dsn, "SELECT to_regclass('half')") == [None]
    again = make_app("shelf", {"2": (long.replace("600", "0"), "")})
    assert [str(step) for step in await Migrator(dsn, [again]).forwards()] == ["shelf 2"]
    assert await asked(dsn, "SELECT count(*) FROM half") == [1]


async def test_a_report_that_a_stop_interrupts_is_made_again_when_postgresql_is_back(server, dsn):
    await Migrator(dsn, core_piccolo_apps("platform")).forwards()
    database = Database(dsn, clock=SystemClock())
    await database.open()
    runs = []

    async def report(context):
        runs.append(context.attempt)
        async with database.unit_of_work() as uow:
            await uow.execute("CREATE TABLE report (line int); INSERT INTO report VALUES (1)")
            if len(runs) == 1:
                await uow.be_patient(timedelta(minutes=10))
                await uow.execute("SELECT pg_sleep(600)")

    kind = JobKind("report", report, backoff=lambda _attempt: timedelta())
    jobs = Jobs(database, SystemClock(), [kind], poll=0.1, lease=timedelta(seconds=2))
    async with database.unit_of_work() as uow:
        job = await jobs.enqueue(uow, "report")
    try:
        async with jobs.running():
            await sleeping(dsn)
            await restart(server)
            async with asyncio.timeout(30):
                while await asked(dsn, "SELECT state FROM platform_job") != [JobState.DONE]:
                    await asyncio.sleep(0.1)
        assert (await jobs.get(job)).state is JobState.DONE
        assert await database.fetchval("SELECT count(*) FROM report") == 1
        assert database.in_use == 0
    finally:
        await database.close()
    assert runs == [1, 2]


@pytest.mark.faults
async def test_the_shops_own_migrations_are_stopped_anywhere_and_end_as_if_nothing_had_been(
    server, dsn, profile, figure
):
    apps = core_piccolo_apps()
    steps = [str(step) for step in await Migrator(dsn, apps).forwards()]
    whole = (await asked(dsn, STEPS), await asked(dsn, SHAPE))
    dice = random.Random(4)
    stops = profile.times(quick=1, full=5)
    for number in range(stops):
        broken = await asyncio.to_thread(server.create_database, f"anywhere_{number}")
        left = dice.randrange(1, len(steps))
        stopping = []

        def at(_step, left=left, stopping=stopping):
            if len(stopping) == left:
                stopping.append(asyncio.ensure_future(asyncio.to_thread(server.stop)))
            elif len(stopping) < left:
                stopping.append(None)

        with pytest.raises(ENDED):
            await Migrator(broken, apps).forwards(on_step=at)
        await stopping[-1]
        await asyncio.to_thread(server.start)
        before = await asked(broken, STEPS)
        rest = [str(step) for step in await Migrator(broken, apps).forwards()]
        assert len(before) + len(rest) == len(steps)
        assert (await asked(broken, STEPS), await asked(broken, SHAPE)) == whole
    figure("migrations stopped somewhere and run again", stops)
