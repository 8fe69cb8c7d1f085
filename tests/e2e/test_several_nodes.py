"""The example of several nodes, as it stands in ``examples/``: restarted, killed, and asked at either node."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tests.e2e.server import MAIN, PATIENCE
from tests.promises.plugin import Figure, Profile

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "several-nodes" / "several_nodes.py"
SLUG = "dragon-well-green"


def _example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("several_nodes", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["several_nodes"] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shop() -> Iterator[Any]:
    """Two nodes, two workers, a balancer and what they share, with plenty of tea."""
    folder = Path(tempfile.mkdtemp(prefix="commercekit-e2e-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        with _example().SeveralNodes(folder) as running:
            running.folder = folder
            running.sku = _a_sku(running)
            body = {"quantity": 100_000, "reason": "a large harvest"}
            answer = admin(
                running, running.url, "POST", f"/admin/stock/{running.sku}/receipts", json=body
            )
            assert answer.status_code == 201, answer.text
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _a_sku(shop: Any) -> str:
    found = httpx.get(f"{shop.url}/store/products/{SLUG}", timeout=20).json()
    return str(found["variants"][0]["sku"])


def admin(shop: Any, url: str, method: str, path: str, **request: Any) -> httpx.Response:
    """Ask as staff, with the token of the node that made it last."""
    told = json.loads((shop.folder / "node-a/run/server.json").read_text())
    headers = {
        "Authorization": f"Bearer {told['token']}",
        "Idempotency-Key": str(uuid4()),
        **request.pop("headers", {}),
    }
    return httpx.request(method, f"{url}{path}", headers=headers, timeout=20, **request)


def wish(shop: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku": shop.sku, "quantity": 1}],
        "address": {
            "name": "Li Lei",
            "phone": "+8613800138000",
            "country": "CN",
            "city": "Shanghai",
            "line1": "88 Century Avenue",
        },
        "email": "li.lei@example.com",
        "shipping": "economy",
        "payment_method": "sandbox",
    }


class Load:
    """Shoppers who read and buy without a pause longer than theirs, and what each was answered."""

    def __init__(self, shop: Any, *, readers: int = 2, buyers: int = 2, rate: float = 10.0) -> None:
        self.reads: Counter[int | str] = Counter()
        self.orders: dict[str, int | str] = {}
        self._shop = shop
        self._over = threading.Event()
        self._pause = 1 / rate
        self._threads = [threading.Thread(target=self._read) for _ in range(readers)]
        self._threads += [threading.Thread(target=self._buy) for _ in range(buyers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        paths = (f"/store/products/{SLUG}", "/store/products?limit=5")
        with httpx.Client(base_url=self._shop.url, timeout=30) as client:
            while not self._over.wait(self._pause):
                for path in paths:
                    self.reads[_status(client, "GET", path)] += 1

    def _buy(self) -> None:
        body = wish(self._shop)
        with httpx.Client(base_url=self._shop.url, timeout=30) as client:
            while not self._over.wait(self._pause):
                key = str(uuid4())
                self.orders[key] = _status(
                    client, "POST", "/store/checkout", json=body, headers={"Idempotency-Key": key}
                )


def _status(client: httpx.Client, method: str, path: str, **request: Any) -> int | str:
    try:
        answer = client.request(method, path, **request)
    except httpx.HTTPError as error:
        return type(error).__name__
    return answer.status_code


def placed(shop: Any) -> int:
    """How many orders there are, by the database."""
    dsn = shop.environment["COMMERCEKIT_DATABASE__DSN"]
    return int(_sql(dsn, "SELECT count(*) FROM orders_order"))


def _sql(dsn: str, query: str) -> Any:
    import asyncio

    import asyncpg

    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def settled(shop: Any) -> None:
    """Wait until no fact is on its way any more, then have the books audited."""
    dsn = shop.environment["COMMERCEKIT_DATABASE__DSN"]
    until = time.monotonic() + PATIENCE
    while waiting := _sql(dsn, "SELECT count(*) FROM platform_outbox WHERE published_at IS NULL"):
        assert time.monotonic() < until, f"{waiting} facts were never published"
        time.sleep(0.2)
    audit = subprocess.run(
        [*MAIN, "doctor", "--invariants"],
        env={**shop.environment, "COMMERCEKIT_DATA": str(shop.folder / "doctor")},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert audit.returncode == 0, audit.stdout


def test_it_is_one_shop_whichever_node_is_asked(shop: Any) -> None:
    one, other = (node.url for node in shop.nodes)

    # Whoever a token was given to is known at the other.
    lists = admin(shop, other, "GET", "/admin/price-lists")
    assert lists.status_code == 200, lists.text

    # A page begun here goes on there: one key signs both cursors.
    first = httpx.get(f"{one}/store/products?limit=2", timeout=20).json()
    second = httpx.get(f"{other}/store/products?limit=2&cursor={first['next_cursor']}", timeout=20)
    assert second.status_code == 200, second.text
    assert not {p["slug"] for p in first["items"]} & {p["slug"] for p in second.json()["items"]}

    # A picture lies in the folder that both share.
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, "PNG")
    uploaded = admin(
        shop, one, "POST", "/admin/media", files={"file": ("tea.png", file.getvalue(), "image/png")}
    )
    assert uploaded.status_code == 201, uploaded.text
    path = httpx.URL(uploaded.json()["sizes"][-1]["webp"]).path
    assert httpx.get(f"{other}{path}", timeout=20).status_code == 200

    # An order that was placed here can be read, and is not placed again, there.
    key = {"Idempotency-Key": str(uuid4())}
    order = httpx.post(f"{one}/store/checkout", json=wish(shop), headers=key, timeout=20)
    assert order.status_code == 201, order.text
    again = httpx.post(f"{other}/store/checkout", json=wish(shop), headers=key, timeout=20)
    assert again.json()["number"] == order.json()["number"]
    mine = {"X-Order-Token": order.json()["token"]}
    read = httpx.get(f"{other}/store/orders/{order.json()['number']}", headers=mine, timeout=20)
    assert read.status_code == 200, read.text


def test_a_price_that_is_changed_at_one_node_is_soon_the_price_of_the_other(shop: Any) -> None:
    one, other = (node.url for node in shop.nodes)
    page = f"/store/products/{SLUG}"
    code = admin(shop, one, "GET", "/admin/price-lists").json()["items"][0]["code"]
    path = f"/admin/price-lists/{code}/prices/{shop.sku}"
    for amount in (7100, 7200, 7300):
        for url in (one, other):  # both have the old one at hand
            assert httpx.get(f"{url}{page}", timeout=20).status_code == 200
        etag = admin(shop, one, "GET", path).headers["etag"]
        body = {"amount": {"amount": amount, "currency": "CNY"}}
        done = admin(shop, one, "PUT", path, json=body, headers={"If-Match": etag})
        assert done.status_code == 200, done.text
        assert _price(one, page, shop.sku) == amount  # where it was changed, at once
        until = time.monotonic() + 5
        while _price(other, page, shop.sku) != amount:
            assert time.monotonic() < until, "the other node still shows the old price"
            time.sleep(0.01)


def _price(url: str, page: str, sku: str) -> int:
    variants = httpx.get(f"{url}{page}", timeout=20).json()["variants"]
    return int(next(v["price"]["amount"] for v in variants if v["sku"] == sku))


def test_operators_pages_are_not_for_the_world(shop: Any) -> None:
    for path in ("/readyz", "/livez", "/metrics"):
        assert httpx.get(f"{shop.url}{path}", timeout=20).status_code == 404
        assert httpx.get(f"{shop.nodes[0].url}{path}", timeout=20).status_code == 200


def test_a_node_of_another_key_is_refused_with_the_way_out(shop: Any) -> None:
    environment = {
        **shop.environment,
        "COMMERCEKIT_SECURITY__MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "COMMERCEKIT_DATA": str(shop.folder / "stranger"),
    }
    refused = subprocess.run(
        [*MAIN, "run", "--port", "0"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert refused.returncode == 3, refused.stderr
    assert "all nodes of a shop have the same" in refused.stderr


@pytest.mark.promise("R31")
def test_everything_is_restarted_piece_by_piece_without_a_failed_request(
    shop: Any, profile: Profile, figure: Figure
) -> None:
    before = placed(shop)
    with Load(shop) as load:
        time.sleep(1)
        for _ in range(profile.times(quick=1, full=3)):
            pids = [member.pid for member in [*shop.nodes, *shop.workers]]
            shop.roll()
            now = [member.pid for member in [*shop.nodes, *shop.workers]]
            assert not set(pids) & set(now)
        time.sleep(1)

    assert set(load.reads) == {200}, load.reads
    assert Counter(load.orders.values()).keys() == {201}, Counter(load.orders.values())
    assert placed(shop) - before == len(load.orders) > 20
    settled(shop)
    figure("requests while everything was restarted", load.reads.total() + len(load.orders))
    figure("failed", 0)


@pytest.mark.promise("R31")
def test_a_node_that_is_killed_costs_its_requests_in_flight_and_nothing_else(
    shop: Any, profile: Profile, figure: Figure
) -> None:
    before, lost = placed(shop), 0
    buyers = 2
    kills = profile.times(quick=1, full=10)
    with Load(shop, buyers=buyers) as load:
        time.sleep(1)
        for number in range(kills):
            node, worker = shop.nodes[number % 2], shop.workers[number % 2]
            node.kill()
            worker.kill()
            time.sleep(2)
            for member in (node, worker):
                member.start()
                member.wait()
            shop.await_balancer()

    # What changes nothing was sent again by the balancer; nobody who only read has noticed.
    assert set(load.reads) == {200}, load.reads
    told = Counter(load.orders.values())
    lost = told.total() - told[201]
    # On a connection that was used before HAProxy closes without a word, as the node did.
    assert set(told) <= {201, 502, "RemoteProtocolError"}, told
    assert lost <= buyers * kills, told
    # A shopper whose answer was lost asks again with the same key, and has one order.
    for key, status in load.orders.items():
        if status != 201:
            assert _again(shop, key) == 201
    assert placed(shop) - before == len(load.orders) > 20
    settled(shop)
    figure("orders whose answer was lost at a kill, and which the second ask found", lost)


def _again(shop: Any, key: str) -> int:
    until = time.monotonic() + PATIENCE
    while True:
        answer = httpx.post(
            f"{shop.url}/store/checkout",
            json=wish(shop),
            headers={"Idempotency-Key": key},
            timeout=30,
        )
        if answer.status_code != httpx.codes.CONFLICT:
            return answer.status_code
        assert answer.json()["type"].endswith("idempotency-key-in-flight"), answer.text
        assert time.monotonic() < until
        time.sleep(0.5)
