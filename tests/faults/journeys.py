"""Ways through the shop, over HTTP only, walked by somebody who never gives up.

Every request that changes anything carries a key and is repeated with it until it is answered. A journey
checks at its end that everything was done exactly once. The same journeys are walked in one process,
which fails at its failpoints, and against two processes, which are killed there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

Body = dict[str, Any]
SETTINGS = """
name = "Shop with failpoints"

[market]
currency = "CNY"
languages = ["en"]
countries = ["CN"]

[payments.methods.sandbox]
gateway = "sandbox"

[payments.methods.sandbox-hold]
gateway = "sandbox"
capture = "manual"

[payments.methods.cod]
gateway = "cod"

[[fulfilment.accounts.table-rate.default.rates]]
amount = 1000

[plugins.refund-rules-standard]
person_reasons = ["defective"]

[demo]
products = "products.csv"
"""
PRODUCTS = """\
Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,Status
mug,Mug,Title,Default Title,MUG,45.00,1000,active
shirt,Shirt,Size,M,SHIRT-BLUE-M,199.00,10,active
"""
ADDRESS = {
    "name": "Li Lei",
    "phone": "+8613800138000",
    "country": "CN",
    "region": "Shanghai",
    "city": "Shanghai",
    "line1": "88 Century Avenue",
}
_PATIENCE = 600.0  # forty processes die, and on a busy machine each takes a while to begin


@dataclass
class Walker:
    """A client that asks until it is answered: shopper, staff and carrier in one."""

    client: httpx.AsyncClient
    staff_token: str
    settle: Callable[[], Awaitable[None]]
    """What makes time go on: the shop's own work, where the shop does not do it by itself."""

    async def get(self, path: str, **headers: str) -> Any:
        """Read until there is an answer."""
        return await self._answered(lambda: self.client.get(path, headers=headers), {200})

    async def admin(self, path: str) -> Any:
        """Read as staff."""
        return await self.get(path, Authorization=f"Bearer {self.staff_token}")

    async def post(
        self, path: str, body: Any, *, staff: bool = False, method: str = "POST", **headers: str
    ) -> Any:
        """Do something once, however often it has to be asked for."""
        sent = {"Idempotency-Key": str(uuid4()), **headers}
        if staff:
            sent["Authorization"] = f"Bearer {self.staff_token}"
        return await self._answered(
            lambda: self.client.request(method, path, json=body, headers=sent), {200, 201}
        )

    async def make(self, path: str, body: Any) -> None:
        """Make something with a name of its own, which says so when it is there already."""
        staff = {"Authorization": f"Bearer {self.staff_token}"}
        await self._answered(lambda: self.client.post(path, json=body, headers=staff), {201, 409})

    async def press(self, url: str, button: str) -> None:
        """Open a payment page and press a button; the page says so when it was pressed before."""
        path = urlsplit(url).path
        await self._answered(
            lambda: self.client.post(path, data={"action": button}), {200, 303, 410}
        )

    async def _answered(
        self, ask: Callable[[], Awaitable[httpx.Response]], wanted: set[int]
    ) -> Any:
        until = time.monotonic() + _PATIENCE
        while True:
            told = "no answer"
            try:
                answer = await ask()
            except httpx.TransportError as error:
                told = repr(error)
            else:
                if answer.status_code in wanted:
                    is_json = "json" in answer.headers.get("content-type", "")
                    return answer.json() if is_json else None
                told = f"{answer.status_code} {answer.text}"
                in_flight = "idempotency-key-in-flight" in answer.text
                assert answer.status_code >= 500 or in_flight, told
            assert time.monotonic() < until, told
            await self.settle()

    async def until(self, look: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
        """What ``look`` gives as soon as it ``holds``."""
        until = time.monotonic() + _PATIENCE
        while not holds(found := await look()):
            assert time.monotonic() < until, found
            await self.settle()
        return found

    # --------------------------------------------------------------------------- steps of a way

    async def place(
        self, quantity: int = 1, *, sku: str = "MUG", method: str = "sandbox", line2: str = ""
    ) -> Body:
        """An order in one call; gives it with its token and payment."""
        address = {**ADDRESS, **({"line2": line2} if line2 else {})}
        body = {
            "lines": [{"sku": sku, "quantity": quantity}],
            "address": address,
            "email": f"{uuid4().hex[:12]}@example.com",
            "shipping": "table-rate-standard",
            "payment_method": method,
        }
        order: Body = await self.post("/store/checkout", body)
        return order

    async def read(self, order: Body) -> Body:
        """The order as its shopper sees it."""
        path = f"/store/orders/{order['number']}"
        found: Body = await self.get(path, **{"X-Order-Token": order["token"]})
        return {**found, "token": order["token"]}

    async def about(self, order: Body, path: str, body: Any) -> Any:
        """Ask for something about an order, as its shopper."""
        token = {"X-Order-Token": order["token"]}
        return await self.post(f"/store/orders/{order['number']}{path}", body, **token)

    async def pay(self, order: Body, wanted: str = "paid") -> Body:
        """Pay on the gateway's page, and wait until the shop has heard of it."""
        await self.press(order["payment"]["action"]["url"], "pay")
        seen: Body = await self.until(
            lambda: self.read(order), lambda found: found["payment_status"] == wanted
        )
        return seen

    async def bought(self, quantity: int = 1, **more: Any) -> Body:
        """An order that was placed and paid."""
        return await self.pay(await self.place(quantity, **more))

    async def ship(self, order: Body, **more: Any) -> Body:
        """All of it, by the sandbox carrier."""
        body = {"carrier": "sandbox", "service": "standard", **more}
        path = f"/admin/orders/{order['number']}/shipments"
        shipped: Body = await self.post(path, body, staff=True)
        return shipped

    async def carry(self, shipment: Body) -> None:
        """Let the carrier's script run to its end."""
        path = f"/plugins/carrier-sandbox/parcels/{shipment['tracking_number']}/advance"
        for _ in range(12):
            answer = await self._until_answered(path)
            if answer == 409:
                return

    async def _until_answered(self, path: str) -> int:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                answer = await self.client.post(path)
            except httpx.TransportError:
                assert time.monotonic() < until
                await self.settle()
                continue
            if answer.status_code in {200, 409}:
                return answer.status_code
            assert time.monotonic() < until, answer.text
            await self.settle()

    async def stock(self, sku: str = "MUG") -> tuple[int, int]:
        """On hand and allocated."""
        level = await self.admin(f"/admin/stock/{sku}")
        return level["on_hand"], level["allocated"]


def _money(order: Body) -> tuple[int, int]:
    """What was captured of the order, and what went back."""
    captured = sum(payment["captured"]["amount"] for payment in order["payments"])
    gone = sum(r["amount"]["amount"] for r in order["refunds"] if r["status"] == "succeeded")
    return captured, gone


def _refunds_are(*statuses: str) -> Callable[[Body], bool]:
    return lambda order: [refund["status"] for refund in order["refunds"]] == list(statuses)


async def buy_and_receive(walker: Walker) -> None:
    on_hand, allocated = await walker.stock()
    order = await walker.bought(2)
    shipped = await walker.ship(order)
    (shipment,) = shipped["shipments"]
    await walker.carry(shipment)
    seen = await walker.until(
        lambda: walker.read(order), lambda found: found["status"] == "completed"
    )
    assert _money(seen) == (10_000, 0)
    assert [payment["status"] for payment in seen["payments"]] == ["paid"]
    assert [each["status"] for each in seen["shipments"]] == ["delivered"]
    assert [line["shipped"] for line in seen["lines"]] == [2]
    assert await walker.stock() == (on_hand - 2, allocated)


async def take_some_of_the_last(walker: Walker) -> None:
    on_hand, allocated = await walker.stock("SHIRT-BLUE-M")
    order = await walker.place(2, sku="SHIRT-BLUE-M", method="cod")
    assert await walker.stock("SHIRT-BLUE-M") == (on_hand, allocated + 2)
    shown = await walker.get("/store/products/shirt")
    assert shown["variants"][0]["available"] == on_hand - allocated - 2
    await walker.about(order, "/cancel", {})
    assert await walker.stock("SHIRT-BLUE-M") == (on_hand, allocated)


async def pay_another_way(walker: Walker) -> None:
    order = await walker.place()
    await walker.press(order["payment"]["action"]["url"], "decline")
    await walker.until(
        lambda: walker.read(order), lambda found: found["payments"][0]["status"] == "failed"
    )
    again = await walker.about(order, "/payments", {"payment_method": "sandbox"})
    seen = await walker.pay({**again, "token": order["token"]})
    assert [payment["status"] for payment in seen["payments"]] == ["failed", "paid"]
    assert _money(seen) == (5500, 0)


async def change_ones_mind(walker: Walker) -> None:
    before = await walker.stock()
    order = await walker.bought()
    cancelled = await walker.about(order, "/cancel", {})
    assert cancelled["status"] == "cancelled"
    seen = await walker.until(lambda: walker.read(order), _refunds_are("succeeded"))
    assert _money(seen) == (5500, 5500)
    assert await walker.stock() == before


async def hold_and_take(walker: Walker) -> None:
    order = await walker.place(method="sandbox-hold")
    await walker.pay(order, "authorised")
    path = f"/admin/payments/{order['payment']['id']}"
    await walker.post(f"{path}/capture", {}, staff=True)
    seen = await walker.until(
        lambda: walker.read(order), lambda found: found["payment_status"] == "paid"
    )
    assert _money(seen) == (5500, 0)


async def hold_and_let_go(walker: Walker) -> None:
    order = await walker.place(method="sandbox-hold")
    await walker.pay(order, "authorised")
    path = f"/admin/payments/{order['payment']['id']}"
    await walker.post(f"{path}/void", {}, staff=True)
    seen = await walker.until(
        lambda: walker.read(order), lambda found: found["payments"][0]["status"] == "closed"
    )
    assert _money(seen) == (0, 0)


async def send_money_back(walker: Walker) -> None:
    order = await walker.bought(3)
    line = {"line_id": order["lines"][0]["id"], "quantity": 1}
    body = {"lines": [line], "reason": "Broken"}
    request = await walker.about(order, "/refund-requests", body)
    path = f"/admin/refund-requests/{request['id']}"
    decided = await walker.post(f"{path}/approve", {}, staff=True)
    assert decided["status"] == "approved"
    seen = await walker.until(lambda: walker.read(order), _refunds_are("succeeded"))
    assert _money(seen) == (14_500, 4500)
    assert [line["refunded"] for line in seen["lines"]] == [1]


async def call_back(walker: Walker) -> None:
    on_hand, allocated = await walker.stock()
    order = await walker.bought()
    (shipment,) = (await walker.ship(order))["shipments"]
    path = f"/admin/shipments/{shipment['id']}/cancel"
    await walker.post(path, {}, staff=True)
    seen = await walker.until(
        lambda: walker.read(order),
        lambda found: [each["status"] for each in found["shipments"]] == ["cancelled"],
    )
    assert [line["shipped"] for line in seen["lines"]] == [0]
    assert await walker.stock() == (on_hand, allocated + 1)


async def arrange_by_hand(walker: Walker) -> None:
    on_hand, allocated = await walker.stock()
    order = await walker.bought(line2="refused")
    (shipment,) = (await walker.ship(order))["shipments"]
    path = f"/admin/shipments/{shipment['id']}/hand-over"
    body = {"tracking_number": "VAN-1", "carrier_name": "Li's van"}
    done = await walker.post(path, body, staff=True)
    assert done["status"] == "handed_over"
    seen = await walker.read(order)
    assert [line["shipped"] for line in seen["lines"]] == [1]
    assert await walker.stock() == (on_hand - 1, allocated)


async def come_back(walker: Walker) -> None:
    on_hand, allocated = await walker.stock()
    order = await walker.bought(line2="returned")
    (shipment,) = (await walker.ship(order))["shipments"]
    await walker.carry(shipment)
    path = f"/admin/shipments/{shipment['id']}"
    await walker.until(lambda: walker.admin(path), lambda found: found["status"] == "returned")
    found = {"line_id": order["lines"][0]["id"], "sellable": 1, "damaged": 0}
    await walker.post(f"{path}/parcels/1/inspection", {"lines": [found]}, staff=True)
    await walker.post(f"{path}/parcels/1/send-again", {}, staff=True)
    again = await walker.ship(order)
    assert len(again["shipments"]) == 2
    assert await walker.stock() == (on_hand - 1, allocated)


async def keep_stock(walker: Walker) -> None:
    north = f"n-{uuid4().hex[:8]}"
    place = {"code": north, "name": "North", "priority": 900}
    await walker.make("/admin/locations", place)
    on_hand, allocated = await walker.stock()
    goods = {"quantity": 5, "location": north}
    await walker.post("/admin/stock/MUG/receipts", goods, staff=True)
    broken = {"delta": -1, "reason": "broken", "location": north}
    await walker.post("/admin/stock/MUG/adjustments", broken, staff=True)
    line = {"sku": "MUG", "quantity": 1}
    load = {"source": north, "target": "main", "lines": [line], "in_transit": True}
    for end in ("receive", "call-back"):
        sent = await walker.post("/admin/stock-transfers", load, staff=True)
        await walker.post(f"/admin/stock-transfers/{sent['id']}/{end}", {}, staff=True)
    order = await walker.bought(2)
    queue = await walker.admin("/admin/stock/MUG/allocations?limit=100")
    (promise,) = (each for each in queue["items"] if each["reference"] == order["id"])
    path = f"/admin/stock-allocations/{promise['id']}/move"
    moved = await walker.post(path, {"location": north, "quantity": 2}, staff=True)
    assert (moved["location"], moved["held"]) == (north, 2)
    what = {"location": north, "skus": ["MUG"]}
    count = await walker.post("/admin/stock-counts", what, staff=True)
    path = f"/admin/stock-counts/{count['id']}"
    found = {"lines": [{"sku": "MUG", "counted": 4}]}
    etag = {"If-Match": f'"{count["version"]}"'}
    await walker.post(f"{path}/lines", found, staff=True, method="PUT", **etag)
    await walker.post(f"{path}/finish", {}, staff=True)
    await walker.post(f"{path}/close", {}, staff=True)
    assert await walker.stock() == (on_hand + 5, allocated + 2)
    await walker.about(order, "/cancel", {})
    thrown = {"delta": -4, "reason": "thrown away", "location": north}
    await walker.post("/admin/stock/MUG/adjustments", thrown, staff=True)
    thrown = {"delta": -1, "reason": "thrown away"}
    await walker.post("/admin/stock/MUG/adjustments", thrown, staff=True)
    assert await walker.stock() == (on_hand, allocated)


async def send_goods_back(walker: Walker) -> None:
    on_hand, allocated = await walker.stock()
    order = await walker.bought(2)
    (shipment,) = (await walker.ship(order))["shipments"]
    await walker.carry(shipment)
    await walker.until(lambda: walker.read(order), lambda found: found["status"] == "completed")
    line = order["lines"][0]["id"]
    body = {"lines": [{"line_id": line, "quantity": 1}], "reason": "Too small"}
    asked = await walker.about(order, "/returns", body)
    path = f"/admin/returns/{asked['id']}"
    await walker.post(f"{path}/approve", {}, staff=True)
    await walker.post(f"{path}/receive", {}, staff=True)
    counted = {"line_id": line, "sellable": 1, "damaged": 0, "missing": 0}
    await walker.post(f"{path}/inspect", {"lines": [counted]}, staff=True)
    closed = await walker.post(f"{path}/close", {}, staff=True)
    assert closed["status"] == "closed"
    seen = await walker.until(lambda: walker.read(order), _refunds_are("succeeded"))
    assert _money(seen) == (10_000, 4500)
    assert await walker.stock() == (on_hand - 1, allocated)


async def think_better_of_it(walker: Walker) -> None:
    """Staff take one of three off, and another one by an edit that adds one at a price by hand."""
    on_hand, allocated = await walker.stock()
    order = await walker.bought(3)
    line = order["lines"][0]["id"]
    path = f"/admin/orders/{order['number']}"
    body = {"reason": "Chipped", "lines": [{"line_id": line, "quantity": 1}]}
    await walker.post(f"{path}/cancel", body, staff=True)
    wish = {
        "lines": [{"line_id": line, "quantity": 1}],
        "add": [{"sku": "MUG", "quantity": 1, "unit_price": {"amount": 1500, "currency": "CNY"}}],
    }
    outcome = await walker.post(f"{path}/edits", wish, staff=True, **{"If-Match": "*"})
    assert outcome["refund"]["amount"] == 3000
    seen = await walker.until(lambda: walker.read(order), _refunds_are("succeeded", "succeeded"))
    assert _money(seen) == (14_500, 7_500)
    assert seen["current_totals"]["total"]["amount"] == 7_000
    assert seen["payment_status"] == "paid"
    assert await walker.stock() == (on_hand, allocated + 2)


Journey = Callable[[Walker], Awaitable[None]]
JOURNEYS: tuple[Journey, ...] = (
    buy_and_receive,
    take_some_of_the_last,
    pay_another_way,
    change_ones_mind,
    hold_and_take,
    hold_and_let_go,
    send_money_back,
    call_back,
    arrange_by_hand,
    come_back,
    keep_stock,
    send_goods_back,
    think_better_of_it,
)
ON_ONE_SHELF = {
    buy_and_receive,
    take_some_of_the_last,
    change_ones_mind,
    call_back,
    arrange_by_hand,
    come_back,
    send_goods_back,
    keep_stock,
    think_better_of_it,
}
"""They read what is on the shelf before and after, so that only one of them can walk at a time."""


async def pause() -> None:
    """The shop works by itself meanwhile."""
    await asyncio.sleep(0.2)
