"""The commands as people use them: real processes, a real database, over HTTP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest

from commercekit.platform.db.embedded import EmbeddedServer
from tests.platform.plugins.site import install

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples/reference-store/commercekit.toml"
MAIN = [sys.executable, "-c", "from commercekit.cli import main; main()"]
PATIENCE = 90.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Shop:
    """``commercekit run`` on a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.output = data.with_suffix(".out")
        self.process: subprocess.Popen | None = None
        self.environ = {**os.environ, "LANG": "C.UTF-8", "COMMERCEKIT_DATA": str(data)}

    def start(self, *options: str) -> dict:
        """Start it and wait until it told where it is; gives what it told other commands."""
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*MAIN, "run", "--config", str(EXAMPLE), *options],
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while "Ctrl-C stops it." not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < until, self.output.read_text()
            time.sleep(0.1)
        return self.told()

    def told(self) -> dict:
        return json.loads((self.data / "run/server.json").read_text())

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*MAIN, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def keep_database(self) -> None:
        """So that a row of commands need not each start it."""
        EmbeddedServer(self.data).start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> int:
        os.killpg(self.process.pid, signal.SIGINT)  # as a terminal does: the whole group
        return self.process.wait(timeout=PATIENCE)


@pytest.fixture
def shop():
    folder = Path(tempfile.mkdtemp(prefix="commercekit-cli-", dir="/var/tmp"))
    folder.chmod(0o755)  # the database's own account must pass
    made = Shop(folder / "data")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(timeout=PATIENCE)
    EmbeddedServer(made.data).stop()
    shutil.rmtree(folder)


def children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def admin(told: dict, token: str, path: str) -> httpx.Response:
    return httpx.get(
        f"{told['base_url']}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )


def test_a_shop_sells_survives_a_kill_and_stops_in_order(shop):
    first = shop.start("--port", "0")
    assert "Demo catalogue: 40 products" in shop.output.read_text()

    bought = shop.command("demo")
    assert (bought.returncode, bought.stderr) == (0, "")
    assert "Every step held" in bought.stdout

    again = shop.command("run", "--port", "0")
    assert again.returncode == 3
    assert f"This shop runs already, at {first['base_url']}" in again.stderr

    workers = children(first["pid"])
    assert len(workers) >= 2
    shop.kill()
    psutil.wait_procs(workers, timeout=20)
    assert not [each for each in workers if each.is_running()]

    port = first["base_url"].rpartition(":")[2]
    second = shop.start("--port", port)
    assert second["base_url"] == first["base_url"]
    assert "Demo catalogue" not in shop.output.read_text()
    orders = admin(second, second["token"], "/admin/orders").json()["items"]
    assert [order["payment_status"] for order in orders] == ["partially_refunded"]
    assert admin(second, first["token"], "/admin/orders").status_code == 401

    books = shop.command("doctor", "--invariants", "--json")
    assert books.returncode == 0, books.stdout
    found = {finding["check"]: finding["well"] for finding in json.loads(books.stdout)}
    assert found["the-ledger-balances"] is True
    assert found["server"] is True

    assert shop.interrupt() == 0
    assert "Stopped. The data stays in" in shop.output.read_text()
    assert (shop.told()["running"], shop.told()["token"]) == (False, "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{first['base_url']}/livez")


def test_commands_open_a_shop_that_does_not_run(shop, tmp_path):
    file = tmp_path / "products.csv"
    file.write_text(
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty\n"
        "mug,Mug,Size,Small,,19.90,5\n"
        "mug,,,Large,,24.90,5\n"
        "bowl,Bowl,Title,Default Title,BOWL,not a price,5\n",
        encoding="utf-8",
    )
    shop.keep_database()
    assert shop.command("db", "status").returncode == 1
    missing = shop.command("token", "list")
    assert missing.returncode == 3
    assert "run: commercekit db upgrade" in missing.stderr

    assert shop.command("db", "upgrade").returncode == 0
    assert shop.command("db", "upgrade").stderr == "Nothing to do: the schema is up to date.\n"
    steps = json.loads(shop.command("db", "status", "--json").stdout)
    assert all(step["ran_on"] for step in steps)

    imported = shop.command("import", "products", str(file), "--json")
    assert imported.returncode == 1, imported.stderr
    report = json.loads(imported.stdout)
    assert (report["created"], report["failed"], report["variants"]) == (1, 1, 2)
    assert [error["row"] for error in report["errors"]] == [4]
    second = json.loads(shop.command("import", "products", str(file), "--json").stdout)
    assert (second["created"], second["unchanged"], second["failed"]) == (0, 1, 1)

    made = shop.command("token", "create", "reports", "--scope", "orders:read", "--expires", "1h")
    assert made.returncode == 0
    assert made.stdout.startswith("ck_")
    (listed,) = json.loads(shop.command("token", "list", "--json").stdout)
    assert (listed["name"], listed["scopes"]) == ("reports", ["orders:read"])
    assert made.stdout.strip() not in json.dumps(listed)
    assert shop.command("token", "revoke", "reports").returncode == 0
    assert json.loads(shop.command("token", "list", "--json").stdout) == []
    assert shop.command("token", "revoke", "reports").returncode == 1

    assert shop.command("outbox", "parked").returncode == 0
    refused = shop.command("outbox", "retry", "01938a00-0000-7000-8000-000000000001")
    assert refused.returncode == 1
    assert refused.stderr == (
        "commercekit: No delivery of this fact is in a state that allows it.\n"
    )
    undone = shop.command("db", "downgrade", "commercekit_checkout", "--yes")
    assert (undone.returncode, undone.stderr) == (0, "1 migrations undone.\n")
    assert shop.command("db", "status").returncode == 1


BROKEN = {
    "another version of the core": {"requires": ["commercekit>=7"]},
    "a dependency that is missing": {"requires": ["acme-absent"]},
    "an error while it is imported": {"plugin": "raise RuntimeError('no')\n"},
    "an unknown hook": {"plugin": "from commercekit import hookimpl\n@hookimpl\ndef hook(): ...\n"},
    "a step that fails": {
        "plugin": "from commercekit import hookimpl\n@hookimpl\n"
        "def register_piccolo_apps():\n    return ['acme_bad.piccolo_app']\n",
        "files": {
            "piccolo_app.py": "from pathlib import Path\n"
            "from piccolo.conf.apps import AppConfig\n"
            "APP_CONFIG = AppConfig(app_name='acme_bad', table_classes=[],\n"
            "    migrations_folder_path=str(Path(__file__).parent / 'piccolo_migrations'))\n",
            "piccolo_migrations/__init__.py": "",
            "piccolo_migrations/acme_bad_2026_11_22t00_00_00_000000.py": "from commercekit.platform.db "
            "import sql_migration\nID = '2026-11-22T00:00:00:000000'\nVERSION = '1.38.0'\n"
            "DESCRIPTION = 'what fails'\nforwards = sql_migration(ID, app_name='acme_bad', "
            "forwards='CREATE TABLE acme_bad (id nonsense)', backwards='')\n",
        },
    },
}


def test_a_broken_plugin_stops_the_start_with_one_sentence_and_safe_mode_sells_on(shop, tmp_path):
    shop.start("--port", "0")
    assert shop.interrupt() == 0
    shop.keep_database()
    for number, (why, broken) in enumerate(BROKEN.items()):
        site = tmp_path / f"site-{number}"
        site.mkdir()
        install(site, "bad", **broken)
        shop.environ["PYTHONPATH"] = str(site)
        refused = shop.command("run", "--config", str(EXAMPLE), "--port", "0")
        assert refused.returncode == 3, why
        (sentence,) = (line for line in refused.stderr.splitlines() if "commercekit: " in line)
        assert "plugin 'bad'" in sentence, why
        assert sentence.endswith("; without plugins it starts with --safe-mode"), why
        assert "Traceback" not in refused.stderr, why
    told = shop.start("--port", "0", "--safe-mode")
    assert "SAFE MODE: no plugin works." in shop.output.read_text()
    assert "payments.methods.sandbox" in shop.output.read_text()
    listed = httpx.get(f"{told['base_url']}/store/products", timeout=10)
    assert len(listed.json()["items"]) > 0
    assert admin(told, told["token"], "/admin/orders").status_code == 200
    webhook = httpx.post(f"{told['base_url']}/webhooks/payments/sandbox/default", timeout=10)
    assert (webhook.status_code, webhook.headers["retry-after"]) == (503, "60")
    assert shop.interrupt() == 0
    del shop.environ["PYTHONPATH"]
    again = shop.start("--port", "0")
    assert "SAFE MODE" not in shop.output.read_text()
    assert httpx.get(f"{again['base_url']}/readyz", timeout=10).status_code == 200
