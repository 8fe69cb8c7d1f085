import logging

import pytest
import structlog

from commercekit.cli import cli
from commercekit.cli.exits import run_cli


@pytest.fixture
def at(tmp_path, monkeypatch):
    """An empty folder, far from anybody's shop and settings."""
    for name in ("COMMERCEKIT_CONFIG", "COMMERCEKIT_DATA", "DATA", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def commercekit(at, capfd):
    """Runs a command line as the console script does: exit code, output, errors."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config()

    def run(*arguments):
        def command(**options):
            return cli.main(args=list(arguments), prog_name="commercekit", **options)

        code = run_cli(command)
        told = capfd.readouterr()
        return int(code), told.out, told.err

    yield run
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.configure(**before[2])


@pytest.fixture
def empty_dsn(postgres, request):
    """The DSN of a database without anything in it."""
    name = f"empty_{abs(hash(request.node.nodeid)) % 10**9}"
    postgres.drop(name)
    yield postgres._server.create_database(name)
    postgres.drop(name)
