"""Two server processes on one database, killed together with their parent in the middle of everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.server import PATIENCE, Server, serving

pytestmark = pytest.mark.timeout(240)

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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One shop for the module: it is killed again and again, and goes on with its data."""
    with serving(SETTINGS, PRODUCTS) as made:
        yield made


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
