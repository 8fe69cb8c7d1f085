"""`make test` sees to the servers it needs; `make services` keeps them up."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import asyncpg
import psutil
import pytest
import valkey.asyncio

from commercekit.testing.services.process import wait_until

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / ".ci" / "services.py"


@pytest.fixture
def services():
    specification = importlib.util.spec_from_file_location("ci_services", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def bare(services, monkeypatch, tmp_path):
    """A machine without any of the servers; a file in the folder stands for an installed one."""
    monkeypatch.setattr(services, "_FOLDERS", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def install(bare, *names):
    for name in names:
        program = bare / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)


def test_where_all_is_there_nothing_is_said_or_done(services, bare, capsys):
    install(bare, "rabbitmq-server", "valkey-server", "haproxy")

    assert services.need(run=lambda _: pytest.fail("nothing to install")) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "lacking", [{"is_root": False, "apt": "apt-get"}, {"is_root": True, "apt": None}]
)
def test_without_root_or_apt_one_sentence_names_the_packages(services, bare, capsys, lacking):
    install(bare, "haproxy")

    assert services.need(run=lambda _: pytest.fail("not ours to install"), **lacking) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "The tests need servers that this machine lacks: on Debian and Ubuntu, as root, "
        "`apt-get install rabbitmq-server redis-server`.\n"
    )


def test_root_installs_what_is_missing_and_no_service_starts_meanwhile(services, bare):
    policy, commands = bare / "policy-rc.d", []
    install(bare, "haproxy")

    def run(command):
        commands.append(command)
        assert subprocess.run([policy], check=False).returncode == 101
        install(bare, "rabbitmq-server", "redis-server")
        return True

    assert services.need(is_root=True, apt="apt-get", run=run, policy=policy) == 0
    assert [command[1] for command in commands] == ["install"]
    assert commands[0][-2:] == ["rabbitmq-server", "redis-server"]
    assert not policy.exists()


def test_old_lists_of_packages_are_renewed_once(services, bare):
    commands = []

    def run(command):
        commands.append(command[1])
        if commands == ["install", "update", "install"]:
            install(bare, "rabbitmq-server", "redis-server", "haproxy")
        return commands != ["install"]

    assert services.need(is_root=True, apt="apt-get", run=run, policy=bare / "policy") == 0
    assert commands == ["install", "update", "install"]


def test_what_cannot_be_installed_ends_the_run_with_a_sentence(services, bare, capsys):
    policy = bare / "policy-rc.d"

    assert services.need(is_root=True, apt="apt-get", run=lambda _: False, policy=policy) == 1

    assert (
        "could not be installed; `apt-get install rabbitmq-server redis-server haproxy` says why"
        in (capsys.readouterr().err)
    )
    assert not policy.exists()


def test_a_policy_of_the_machines_own_is_put_back(services, bare):
    policy = bare / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o700)

    with pytest.raises(KeyboardInterrupt), services.starting_nothing(policy):
        assert "exit 101" in policy.read_text()
        raise KeyboardInterrupt

    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert policy.stat().st_mode & 0o777 == 0o700


def test_a_policy_that_a_killed_run_left_goes_with_the_next(services, bare):
    policy = bare / "policy-rc.d"
    killed = services.starting_nothing(policy)
    killed.__enter__()

    with services.starting_nothing(policy):
        pass

    assert not policy.exists()


def test_running_the_shop_needs_none_of_them():
    make = shutil.which("make")
    steps = subprocess.run(
        [make, "--dry-run", "run"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "services.py" not in steps
    for target in ("test", "test-full"):
        steps = subprocess.run(
            [make, "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert steps.index("services.py need") < steps.index("ruff check")


@pytest.fixture
def kept():
    """`make services` as a script starts it in the background, without SIGINT; nothing of it is left."""
    services = subprocess.Popen(
        ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, SCRIPT, "keep"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with services:
        yield services
        if services.poll() is None:
            family = psutil.Process(services.pid).children(recursive=True)
            for process in (services, *family):
                process.kill()


async def test_a_developer_gets_three_servers_and_the_settings_to_paste(kept):
    services = kept
    lines = []
    while not lines or not lines[-1].startswith('url = "redis:'):
        lines.append(services.stdout.readline())
        assert lines[-1], "".join(lines)
    family = psutil.Process(services.pid).children(recursive=True)

    said = "".join(lines)
    settings = tomllib.loads(said[said.index("[database]") :])
    connection = await asyncpg.connect(settings["database"]["dsn"])
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    client = valkey.asyncio.Valkey.from_url(settings["cache"]["url"])
    assert await client.ping() is True
    await client.aclose()
    assert settings["bus"]["url"].startswith("amqp://commercekit:")

    services.send_signal(signal.SIGINT)

    assert services.wait(30) == 0
    assert services.stdout.read().endswith("Stopped.\n")
    wait_until(
        lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family),
        10,
        "a server outlived the command",
    )
    with pytest.raises(OSError):
        await asyncpg.connect(settings["database"]["dsn"])
