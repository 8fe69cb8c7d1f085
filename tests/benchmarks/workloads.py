"""The workloads, each with the floor it is compared to."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import asyncpg
import httpx

from commercekit.kernel import new_id
from tests.benchmarks.calls import CallFloor, run_calls
from tests.benchmarks.floors import Statement, WriteFloor, capture_rows, run_writes
from tests.benchmarks.load import Sample
from tests.benchmarks.notifications import NotificationWorkload, notification_floor
from tests.benchmarks.shop import BenchShop

__all__ = [
    "ColdWorkload",
    "DisturbedWorkload",
    "OverloadWorkload",
    "ReadWorkload",
    "SharedWorkload",
    "Workload",
    "WriteWorkload",
    "all_workloads",
    "checkouts",
    "orders_to_pay",
    "selling",
]

CARTS = 256
ADDRESS = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "region": "Shanghai",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
    "postcode": "200120",
}


@dataclass
class ReadWorkload:
    """GETs of ``paths``, against a bare application that sends the same bytes."""

    name: str
    paths: list[str]
    file: Path
    at_least: float | None = None


@dataclass
class SharedWorkload:
    """GETs that Valkey answers and memory does not, against valkey-py fetching as many bytes."""

    name: str
    paths: list[str]
    file: Path
    at_least: float | None = None


@dataclass
class ColdWorkload:
    """GETs that no cache answers, against the shop's own statements and bytes."""

    name: str
    kind: str
    names: list[str]
    paths: list[str]
    file: Path
    at_least: float | None = None


@dataclass
class DisturbedWorkload:
    """GETs while something else goes on, against the same without it."""

    name: str
    file: Path
    disturb: Callable[[], AbstractContextManager[None]]
    at_least: float | None = None


@dataclass
class OverloadWorkload:
    """POSTs by three times as many clients as saturate the shop, against those who do."""

    name: str
    file: Path
    arguments: list[str]
    at_least: float | None = None


@dataclass
class WriteWorkload:
    """POSTs, against the same rows written without HTTP."""

    name: str
    file: Path
    dsn: str
    floor: WriteFloor | CallFloor
    with_key: bool
    at_least: float | None = None

    def arguments(self) -> list[str]:
        """For the wrk script: whether requests carry keys, and what makes them unlike earlier ones."""
        return ["key", new_id().hex] if self.with_key else []

    def run_floor(self, seconds: float) -> Sample:
        """The floor, in processes of its own."""
        if isinstance(self.floor, CallFloor):
            return run_calls(self.dsn, self.floor, seconds)
        return run_writes(self.dsn, self.floor, seconds)


Workload = (
    OverloadWorkload
    | ReadWorkload
    | SharedWorkload
    | ColdWorkload
    | DisturbedWorkload
    | WriteWorkload
    | NotificationWorkload
)


def all_workloads(shop: BenchShop) -> Iterator[Workload]:
    """Made one by one, just before they are measured."""
    details = [f"/store/products/{slug}" for slug in shop.slugs[:500]]
    yield _reads(shop, "product_list", ["/store/products"], 0.85)
    yield _reads(shop, "product_detail", details, 0.8)
    yield _reads(shop, "category_page", [_third_page(shop)], 0.8)
    yield SharedWorkload(
        "page_from_valkey", details[:200], _file(shop, "page_from_valkey", details[:200]), 0.7
    )
    yield _cold(shop, "list_cold", "list", [""], ["/store/products"])
    yield _cold(shop, "detail_cold", "detail", shop.slugs[:100], details[:100])
    words = [f"product {number}" for number in range(100)]
    searches = [f"/store/products?q=product+{number}" for number in range(100)]
    yield _cold(shop, "search_cold", "search", words, searches)
    yield DisturbedWorkload(
        "list_under_change",
        _file(shop, "list_under_change", ["/store/products"]),
        partial(_changing, shop),
        0.8,
    )
    yield DisturbedWorkload(
        "list_under_checkout",
        _file(shop, "list_under_checkout", ["/store/products"]),
        partial(selling, shop),
        0.5,
    )
    yield _cart_add(shop)
    yield _checkout(shop, "checkout_spread", shop.skus, 1.2)
    yield _checkout(shop, "checkout_hot", shop.skus[:1], 2.0)
    yield _checkout_call(shop)
    spread = _checkout(shop, "checkout_overload", shop.skus)
    yield OverloadWorkload(spread.name, spread.file, spread.arguments(), 0.8)
    yield from _notifications(shop)


def _file(shop: BenchShop, name: str, paths: list[str]) -> Path:
    file = shop.folder / f"{name}.txt"
    file.write_text("\n".join(paths) + "\n", encoding="utf-8")
    return file


def _reads(shop: BenchShop, name: str, paths: list[str], at_least: float) -> ReadWorkload:
    return ReadWorkload(name, paths, _file(shop, name, paths), at_least)


def _cold(
    shop: BenchShop, name: str, kind: str, names: list[str], paths: list[str]
) -> ColdWorkload:
    return ColdWorkload(name, kind, names, paths, _file(shop, name, paths), 0.5)


def _third_page(shop: BenchShop) -> str:
    path = "/store/products?category=bench"
    with httpx.Client(base_url=shop.url) as client:
        for _ in range(2):
            cursor = client.get(path).raise_for_status().json()["next_cursor"]
            path = f"/store/products?category=bench&cursor={quote(cursor)}"
    return path


@contextmanager
def _changing(shop: BenchShop) -> Iterator[None]:
    """Five products on the first page change their price each second."""
    stop = threading.Event()
    newest = shop.slugs[-5:]
    thread = threading.Thread(target=lambda: asyncio.run(shop.reprice(newest, 0.2, stop)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def selling(shop: BenchShop) -> Iterator[None]:
    """Fifty checkouts a second, each of another product."""
    stop = threading.Event()

    async def sell() -> None:
        with httpx.Client(base_url=shop.url) as plain:
            body = _order(plain, shop.skus[0])
        async with httpx.AsyncClient(base_url=shop.url, timeout=20) as client:
            under_way: set[asyncio.Task[Any]] = set()
            for turn in count():
                if stop.is_set():
                    break
                line = {"sku": shop.skus[-1 - turn % len(shop.skus)], "quantity": 1}
                task = asyncio.create_task(
                    client.post(
                        "/store/checkout",
                        json={**body, "lines": [line]},
                        headers={"Idempotency-Key": str(new_id())},
                    )
                )
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                await asyncio.sleep(0.02)
            for answer in await asyncio.gather(*under_way):
                answer.raise_for_status()

    thread = threading.Thread(target=lambda: asyncio.run(sell()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _cart_add(shop: BenchShop) -> WriteWorkload:
    """One more of one of four SKUs, in one of 256 carts."""
    lines: list[str] = []
    chance = random.Random(1)
    with httpx.Client(base_url=shop.url) as client:
        for _ in range(CARTS):
            cart = client.post("/store/carts", json={}).raise_for_status().json()
            for sku in chance.sample(shop.skus, 4):
                body = json.dumps({"sku": sku, "quantity": 1})
                lines.append(f"/store/carts/{cart['id']}/lines\t{cart['token']}\t{body}")
        # Four lines in each from the start: every measured request does the same work.
        for line in lines:
            path, token, body = line.split("\t")
            headers = {"X-Cart-Token": token, "Content-Type": "application/json"}
            client.post(path, content=body, headers=headers).raise_for_status()
    chance.shuffle(lines)
    file = shop.folder / "cart_add.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    floor = asyncio.run(_cart_floor(shop.dsn))
    return WriteWorkload("cart_add", file, shop.dsn, floor, with_key=False, at_least=0.8)


async def _cart_floor(dsn: str) -> WriteFloor:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT id, lines FROM checkout_cart LIMIT 1000")
    await connection.close()
    update = Statement(
        "UPDATE checkout_cart SET lines = $2, version = version + 1 WHERE id = $1",
        (None, rows[0]["lines"]),
    )
    return WriteFloor((), frozenset(), update, tuple(row["id"] for row in rows))


def _checkout(
    shop: BenchShop, name: str, skus: list[str], at_least: float | None = None
) -> WriteWorkload:
    """One-call checkout of one piece, paid on delivery."""
    with httpx.Client(base_url=shop.url) as client:
        body = _order(client, skus[0])
        since = new_id()
        order = _place(client, body)
        item = skus
    lines = [
        f"/store/checkout\t-\t{json.dumps({**body, 'lines': [{'sku': sku, 'quantity': 1}]})}"
        for sku in skus
    ]
    random.Random(2).shuffle(lines)
    file = shop.folder / f"{name}.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    floor = asyncio.run(_checkout_floor(shop.dsn, order, since, item))
    return WriteWorkload(name, file, shop.dsn, floor, with_key=True, at_least=at_least)


def checkouts(shop: BenchShop) -> WriteWorkload:
    """One-call checkouts over all SKUs, paid on delivery."""
    return _checkout(shop, "checkouts", shop.skus)


def _checkout_call(shop: BenchShop) -> WriteWorkload:
    """As ``checkout_hot``, against the same call sent once for each order without HTTP."""
    workload = _checkout(shop, "checkout_hot_call", shop.skus[:1], 1.2)
    with httpx.Client(base_url=shop.url) as client:
        body = _order(client, shop.skus[0])
    since = new_id()
    return replace(workload, floor=asyncio.run(shop.recorded_call(body, since)))


def _notifications(shop: BenchShop) -> Iterator[NotificationWorkload]:
    """Of each gateway, signed as its vendor signs, that an order of one piece was paid."""
    orders = orders_to_pay(shop)
    for gateway, teller in shop.tellers.items():
        with httpx.Client(base_url=shop.url) as client:
            order = _place(client, _to_be_paid(client, shop))
        yield NotificationWorkload(
            "notification" if gateway == "sandbox" else f"notification_{gateway}",
            shop.url,
            shop.dsn,
            shop.folder,
            orders,
            teller,
            asyncio.run(notification_floor(shop.url, shop.dsn, teller, order)),
            0.5 if gateway == "sandbox" else 0.6,
        )


def orders_to_pay(shop: BenchShop) -> Path:
    """Orders of one piece each that the sandbox is to be paid for, as a file for the load script."""
    with httpx.Client(base_url=shop.url) as client:
        body = _to_be_paid(client, shop)
    lines = [
        f"/store/checkout\t-\t{json.dumps({**body, 'lines': [{'sku': sku, 'quantity': 1}]})}"
        for sku in shop.skus
    ]
    random.Random(4).shuffle(lines)
    orders = shop.folder / "notification_orders.txt"
    orders.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return orders


def _to_be_paid(client: httpx.Client, shop: BenchShop) -> dict[str, Any]:
    return {**_order(client, shop.skus[0]), "payment_method": "sandbox"}


def _order(client: httpx.Client, sku: str) -> dict[str, Any]:
    """The body of a checkout that this shop accepts."""
    cart = client.post("/store/carts", json={}).raise_for_status().json()
    path, headers = f"/store/carts/{cart['id']}", {"X-Cart-Token": cart["token"]}
    client.post(
        f"{path}/lines", json={"sku": sku, "quantity": 1}, headers=headers
    ).raise_for_status()
    client.put(f"{path}/address", json=ADDRESS, headers=headers).raise_for_status()
    options = client.get(f"{path}/shipping-options", headers=headers).raise_for_status().json()
    return {
        "lines": [{"sku": sku, "quantity": 1}],
        "address": ADDRESS,
        "email": "li.lei@example.com",
        "shipping": options[0]["code"],
        "payment_method": "cod",
    }


def _place(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Idempotency-Key": str(new_id())}
    order: dict[str, Any] = (
        client.post("/store/checkout", json=body, headers=headers).raise_for_status().json()
    )
    return order


async def _checkout_floor(
    dsn: str, order: dict[str, Any], since: UUID, skus: list[str]
) -> WriteFloor:
    """The rows that the shop wrote for ``order`` before it answered."""
    order_id, payment_id = UUID(order["id"]), UUID(order["payment"]["id"])
    reference = str(order_id)
    connection = await asyncpg.connect(dsn)
    statements, fresh = await capture_rows(
        connection,
        {
            "platform_idempotency_key": ("work_id = $1", order_id),
            "orders_number": ("order_id = $1", order_id),
            "orders_order": ("id = $1", order_id),
            "orders_line": ("order_id = $1", order_id),
            "orders_history": ("order_id = $1", order_id),
            "inventory_allocation": ("reference = $1", reference),
            "payments_payment": ("id = $1", payment_id),
            "payments_history": ("payment_id = $1", payment_id),
            "platform_event_sequence": ("aggregate_id = ANY ($1)", [reference, str(payment_id)]),
            "platform_outbox": ("aggregate_id = ANY ($1)", [reference, str(payment_id)]),
        },
        since,
    )
    items = await connection.fetch("SELECT id FROM inventory_stock_item WHERE sku = ANY ($1)", skus)
    await connection.close()
    take = Statement(
        "UPDATE inventory_stock_item SET allocated = allocated + 1, version = version + 1"
        " WHERE id = $1 AND on_hand - allocated + backorder_limit >= 1",
        (None,),
    )
    floor = WriteFloor(tuple(statements), frozenset(fresh), take, tuple(r["id"] for r in items))
    return replace(floor, texts=frozenset({order["number"], _key_of(statements)}))


def _key_of(statements: list[Statement]) -> str:
    """The idempotency key among the captured values: unique, so the floor must make its own too."""
    first = statements[0]
    columns = first.sql.partition("(")[2].partition(")")[0].split(", ")
    key = first.values[columns.index("key")]
    return str(key)
