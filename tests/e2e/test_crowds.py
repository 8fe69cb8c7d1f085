"""Crowds against two processes, over real sockets: exact, no deadlock that a client sees, no server error."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.e2e.server import Server, serving
from tests.promises import Figure, Profile

pytestmark = pytest.mark.timeout(3600)

SETTINGS = """
name = "Crowds"

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
Handle,Title,Variant SKU,Variant Price,Variant Inventory Tracker,Variant Inventory Qty,Status
last,The last one,LAST,9.90,shopify,0,active
flash,Flash sale,FLASH,19.90,shopify,0,active
mug,Mug,MUG,45.00,shopify,100000,active
hat,Hat,HAT,30.00,shopify,100000,active
pen,Pen,PEN,3.00,shopify,100000,active
"""
ADDRESS = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
}
Basket = dict[str, int]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Two processes on one database, for all crowds."""
    with serving(SETTINGS, PRODUCTS) as made:
        made.start()
        yield made


async def _buy(client: httpx.AsyncClient, basket: Basket, **more: Any) -> httpx.Response:
    """One buyer."""
    body = {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in basket.items()],
        "address": ADDRESS,
        "email": f"{uuid4().hex[:12]}@example.com",
        "shipping": "table-rate-standard",
        "payment_method": "sandbox",
        **more,
    }
    return await _told(client, "/store/checkout", body)


async def _told(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    """The answer; asks again when told to come back later, with the same key."""
    sent = {"Idempotency-Key": str(uuid4()), **headers}
    for _ in range(60):
        answer = await client.post(path, json=body, headers=sent)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        assert "retry-after" in answer.headers, answer.text
        await asyncio.sleep(min(2.0, float(answer.headers["retry-after"])) * random.random())
    return answer


async def _crowd(server: Server, baskets: list[Basket], *, at_once: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    timeout = httpx.Timeout(120, pool=None)  # the crowd queues here, however slow the machine is
    async with httpx.AsyncClient(base_url=server.url, timeout=timeout, limits=limits) as client:
        return await asyncio.gather(*(_buy(client, basket) for basket in baskets))


def _refused(answer: httpx.Response) -> list[dict[str, Any]]:
    """The lines of a refusal for want of stock; anything else is wrong."""
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert problem["type"].endswith("out-of-stock"), answer.text
    lines: list[dict[str, Any]] = problem["lines"]
    return lines


def _receive(server: Server, sku: str, quantity: int) -> None:
    path = f"/admin/stock/{sku}/receipts"
    headers = {"Idempotency-Key": str(uuid4())}
    answer = server.admin("POST", path, json={"quantity": quantity}, headers=headers)
    assert answer.status_code == 201, answer.text


def _stock(server: Server, sku: str) -> tuple[int, int]:
    level = server.admin("GET", f"/admin/stock/{sku}").json()
    return level["on_hand"], level["allocated"]


def _audited(server: Server) -> None:
    audit = server.audit()
    assert audit.returncode == 0, audit.stdout


def _last_item(server: Server, rounds: int) -> None:
    for _ in range(rounds):
        _, sold = _stock(server, "LAST")
        _receive(server, "LAST", 1)
        answers = asyncio.run(_crowd(server, [{"LAST": 1}] * 200, at_once=200))
        won = [answer for answer in answers if answer.status_code == 201]
        assert len(won) == 1
        for answer in answers:
            if answer is not won[0]:
                assert [line["sku"] for line in _refused(answer)] == ["LAST"]
        assert _stock(server, "LAST") == (sold + 1, sold + 1)
    _audited(server)


@pytest.mark.promise("R12")
def test_of_200_buyers_of_the_last_one_exactly_one_wins(
    server: Server, profile: Profile, figure: Figure
) -> None:
    rounds = profile.times(quick=3, full=40)
    _last_item(server, rounds)
    figure("last ones sold once to 200 buyers", rounds)


def _flash_sale(server: Server, buyers: int) -> None:
    dice = random.Random(buyers)
    baskets: list[Basket] = []
    for _ in range(buyers):
        wanted = {"FLASH": dice.randint(1, 5)}
        wanted |= {sku: dice.randint(1, 2) for sku in dice.sample(["MUG", "HAT", "PEN"], 2)}
        lines = list(wanted.items())
        dice.shuffle(lines)
        baskets.append(dict(lines))
    before = {sku: _stock(server, sku) for sku in ("FLASH", "MUG", "HAT", "PEN")}
    _receive(server, "FLASH", 100)
    answers = asyncio.run(_crowd(server, baskets, at_once=200))
    sold: Counter[str] = Counter()
    refused = []
    for basket, answer in zip(baskets, answers, strict=True):
        if answer.status_code == 201:
            sold.update(basket)
        else:
            assert [line["sku"] for line in _refused(answer)] == ["FLASH"]
            refused.append(basket["FLASH"])
    left = 100 - sold["FLASH"]
    assert 0 <= left <= 4
    assert all(wanted > left for wanted in refused), "nobody is sent away who could be served"
    assert len(refused) + sum(1 for answer in answers if answer.status_code == 201) == buyers
    for sku, (on_hand, allocated) in before.items():
        more = 100 if sku == "FLASH" else 0
        assert _stock(server, sku) == (on_hand + more, allocated + sold[sku])
    if left:
        basket = {"FLASH": left}
        assert [a.status_code for a in asyncio.run(_crowd(server, [basket], at_once=1))] == [201]
    _audited(server)


@pytest.mark.promise("R13")
def test_buyers_with_mixed_baskets_share_100_units_exactly(
    server: Server, profile: Profile, figure: Figure
) -> None:
    buyers = profile.times(quick=300, full=2000)
    _flash_sale(server, buyers)
    figure("buyers of 100 units", buyers)


@pytest.mark.promise("R16")
def test_50_partial_refunds_at_once_never_return_more_than_came(
    server: Server, profile: Profile
) -> None:
    async def story() -> tuple[Counter[int], dict[str, Any]]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits) as client:
            order = (await _buy(client, {"MUG": 30})).json()
            page = urlsplit(order["payment"]["action"]["url"]).path
            await client.post(page, data={"action": "pay"})
            path, mine = f"/store/orders/{order['number']}", {"X-Order-Token": order["token"]}

            async def seen() -> dict[str, Any]:
                return dict((await client.get(path, headers=mine)).json())

            for _ in range(300):
                if (await seen())["payment_status"] == "paid":
                    break
                await asyncio.sleep(0.2)

            async def ask() -> httpx.Response:
                line = {"line_id": order["lines"][0]["id"], "quantity": 1}
                body = {"lines": [line], "reason": "Broken"}
                return await _told(client, f"{path}/refund-requests", body, **mine)

            asked = await asyncio.gather(*(ask() for _ in range(50)))
            made = [answer.json()["id"] for answer in asked if answer.status_code == 201]
            for answer in asked:
                assert answer.status_code in {201, 409}, answer.text

            async def approve(request: str) -> httpx.Response:
                path = f"/admin/refund-requests/{request}/approve"
                return await _told(client, path, {}, Authorization=f"Bearer {server.token}")

            decided = await asyncio.gather(*(approve(request) for request in made * 2))
            codes = Counter(answer.status_code for answer in decided)
            for _ in range(300):
                read = await seen()
                if all(refund["status"] == "succeeded" for refund in read["refunds"]):
                    break
                await asyncio.sleep(0.2)
            return codes, read

    for _ in range(profile.times(quick=1, full=20)):
        codes, order = asyncio.run(story())
        assert codes == Counter({200: 30, 409: 30})
        assert len(order["refunds"]) == 30
        assert sum(refund["amount"]["amount"] for refund in order["refunds"]) == 30 * 4500
        assert [payment["captured"]["amount"] for payment in order["payments"]] == [136_000]
    _audited(server)
