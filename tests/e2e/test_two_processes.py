"""Two server processes on one database, over real sockets: the last item, and kill -9 in every gap."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from commercekit.platform.db.embedded import EmbeddedServer
from commercekit.platform.failpoints import VARIABLE

pytestmark = pytest.mark.timeout(240)

MAIN = [sys.executable, "-c", "from commercekit.cli import main; main()"]
PATIENCE = 90.0
BUYERS = 50
SETTINGS = """
name = "Two processes"

[market]
currency = "CNY"
languages = ["en"]
countries = ["CN"]

[payments.methods.sandbox]
gateway = "sandbox"

[[fulfilment.accounts.table-rate.default.rates]]
amount = 1000

[demo]
products = "products.csv"
"""
PRODUCTS = """\
Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,Status
last,The last one,Title,Default Title,LAST,9.90,1,active
mug,Mug,Title,Default Title,MUG,45.00,10,active
"""
ADDRESS = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
}

Body = dict[str, Any]


class Server:
    """``commercekit run`` with two processes, on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.environ = {**os.environ, "COMMERCEKIT_DATA": str(self.data)}
        self.port = "0"
        self.token = ""
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, failpoints: str = "") -> None:
        """Start it and wait until it is ready; the port stays the same from the second time on."""
        output = self.folder / "output"
        with output.open("w") as written:
            self._process = subprocess.Popen(
                [*MAIN, "run", *self._config(), "--port", self.port, "--processes", "2"],
                env={**self.environ, VARIABLE: failpoints},
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while "Ctrl-C stops it." not in output.read_text():
            assert self._process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.1)
        told = json.loads((self.data / "run/server.json").read_text())
        self.token, self.url = told["token"], told["base_url"]
        self.port = self.url.rpartition(":")[2]

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self._process is None:
            self.start()

    def kill(self) -> None:
        """End the whole process group, at once and without a word."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def audit(self) -> subprocess.CompletedProcess[str]:
        """The books, by the command that operators use."""
        return subprocess.run(
            [*MAIN, "doctor", *self._config(), "--invariants"],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask as whoever the headers say; a server that is not there shows its last words."""
        try:
            return httpx.request(method, f"{self.url}{path}", timeout=20, **request)
        except httpx.ConnectError:
            pytest.fail(f"nobody listens at {self.url}\n{(self.folder / 'output').read_text()}")

    def admin(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask as staff."""
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        return self.ask(method, path, headers=headers, **request)

    def _config(self) -> list[str]:
        return ["--config", str(self.folder / "commercekit.toml")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One shop for the module: it is killed again and again, and goes on with its data."""
    folder = Path(tempfile.mkdtemp(prefix="commercekit-e2e-", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "commercekit.toml").write_text(SETTINGS)
    (folder / "products.csv").write_text(PRODUCTS)
    made = Server(folder)
    yield made
    made.kill()
    EmbeddedServer(made.data).stop()
    shutil.rmtree(folder, ignore_errors=True)


def wish(sku: str) -> Body:
    """One of ``sku``, in one call."""
    return {
        "lines": [{"sku": sku, "quantity": 1}],
        "address": ADDRESS,
        "email": "li.lei@example.com",
        "shipping": "table-rate-standard",
        "payment_method": "sandbox",
    }


def patiently(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """Ask as a good client does: again after 409 in flight, with the same key."""
    until = time.monotonic() + PATIENCE
    while (answer := ask()).status_code == httpx.codes.CONFLICT:
        assert answer.json()["type"].endswith("idempotency-key-in-flight"), answer.text
        assert time.monotonic() < until
        time.sleep(0.2)
    assert answer.status_code == status, answer.text
    return answer


def eventually(look: Callable[[], Body], holds: Callable[[Body], bool]) -> Body:
    """What ``look`` gives as soon as it ``holds``."""
    until = time.monotonic() + PATIENCE
    while not holds(found := look()):
        assert time.monotonic() < until, found
        time.sleep(0.2)
    return found


def test_killed_in_every_gap_there_is_one_order_one_payment_and_one_refund(server: Server) -> None:
    order_key = {"Idempotency-Key": str(uuid4())}

    def place() -> httpx.Response:
        return server.ask("POST", "/store/checkout", json=wish("MUG"), headers=order_key)

    server.start("checkout.placed=exit137")
    with pytest.raises(httpx.HTTPError):
        place()
    server.kill()

    server.start()
    order = patiently(place, 201).json()
    path, mine = f"/store/orders/{order['number']}", {"X-Order-Token": order["token"]}
    page = server.ask(
        "POST", order["payment"]["action"]["url"].removeprefix(server.url), data={"action": "pay"}
    )
    assert page.status_code in {200, 303}, page.text
    server.kill()

    server.start("orders.refund-approved=exit137")

    def read() -> Body:
        found: Body = server.ask("GET", path, headers=mine).json()
        return found

    eventually(read, lambda found: found["payment_status"] == "paid")
    body = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "Broken"}
    asked = server.ask(
        "POST",
        f"{path}/refund-requests",
        json=body,
        headers={**mine, "Idempotency-Key": str(uuid4())},
    )
    assert asked.status_code == 201, asked.text
    approve = f"/admin/refund-requests/{asked.json()['id']}/approve"
    # A token that outlives the run: a key belongs to whoever sent it.
    made = server.admin(
        "POST",
        "/admin/tokens",
        json={"name": "refunds", "scopes": ["refunds:approve"]},
        headers={"Idempotency-Key": str(uuid4())},
    )
    assert made.status_code == 201, made.text
    staff = {"Authorization": f"Bearer {made.json()['secret']}", "Idempotency-Key": str(uuid4())}

    def decide() -> httpx.Response:
        return server.ask("POST", approve, json={}, headers=staff)

    with pytest.raises(httpx.HTTPError):
        decide()
    server.kill()

    server.start()
    assert patiently(decide, 200).json()["status"] == "approved"
    found = eventually(
        read, lambda found: [refund["status"] for refund in found["refunds"]] == ["succeeded"]
    )
    assert patiently(place, 201).json()["number"] == order["number"]
    assert [payment["status"] for payment in found["payments"]] == ["paid"]
    assert [refund["amount"]["amount"] for refund in found["refunds"]] == [4500]
    assert [line["refunded"] for line in found["lines"]] == [1]
    assert len(server.admin("GET", "/admin/orders").json()["items"]) == 1
    audit = server.audit()
    assert audit.returncode == 0, audit.stdout


async def test_fifty_buyers_of_the_last_one_against_two_processes(server: Server) -> None:
    await asyncio.to_thread(server.ensure)
    before = len(server.admin("GET", "/admin/orders").json()["items"])

    async def buy() -> httpx.Response:
        # A connection each, so that both processes are asked.
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            headers = {"Idempotency-Key": str(uuid4())}
            return await client.post("/store/checkout", json=wish("LAST"), headers=headers)

    answers = await asyncio.gather(*(buy() for _ in range(BUYERS)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (BUYERS - 1)
    for answer in answers:
        if answer.status_code == httpx.codes.CONFLICT:
            assert answer.json()["type"].endswith("out-of-stock")
    page = server.admin("GET", "/admin/orders").json()
    assert len(page["items"]) == before + 1
    audit = server.audit()
    assert audit.returncode == 0, audit.stdout
