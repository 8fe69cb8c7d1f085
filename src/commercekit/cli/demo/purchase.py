"""The purchase itself, step by step; each step checks what it was promised."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from commercekit.cli.demo.client import ShopClient, StepFailed, new_key
from commercekit.cli.demo.narration import Narrator, money
from commercekit.cli.demo.payment_page import forms_of

if TYPE_CHECKING:
    import httpx

__all__ = ["Purchase"]

_QUANTITY = 2
_ADDRESS = {
    "name": "Li Wei",
    "phone": "+8613800138000",
    "country": "CN",
    "region": "Zhejiang",
    "city": "Hangzhou",
    "line1": "1 West Lake Road",
    "postcode": "310000",
}
_EMAIL = "li.wei@example.com"


@dataclass
class Purchase:
    """One shopper's way through the shop, and what is known on it."""

    client: ShopClient
    narrator: Narrator
    base_url: str
    method: str | None = None
    """How it is paid; a way of the sandbox gateway if nothing is said."""
    product: dict[str, Any] = field(default_factory=dict)
    variant: dict[str, Any] = field(default_factory=dict)
    cart: dict[str, Any] = field(default_factory=dict)
    cart_token: tuple[str, str] = ("", "")
    order: dict[str, Any] = field(default_factory=dict)
    order_token: tuple[str, str] = ("", "")
    request: dict[str, Any] = field(default_factory=dict)

    def walk(self) -> None:
        """All of it; raises at the first step that does not hold."""
        started = time.monotonic()
        steps: tuple[Callable[[], None], ...] = (
            self._arrive,
            self._choose,
            self._fill_cart,
            self._say_where_and_how,
            self._look_at_the_price,
            self._place,
            self._pay,
            self._ship,
            self._follow,
            self._ask_for_money_back,
            self._refund,
            self._read_history,
        )
        for step in steps:
            step()
        self.narrator.tell("done", seconds=time.monotonic() - started)

    # -- looking and choosing ---------------------------------------------------------------------

    def _arrive(self) -> None:
        self.client.call("GET", "/readyz")
        self.narrator.tell("shop", url=self.base_url)

    def _choose(self) -> None:
        page = self._page(None)
        _require(page["items"], "there is nothing in stock; import products first")
        count, found = len(page["items"]), self._plenty(page)
        while found is None and page["next_cursor"]:
            page = self._page(page["next_cursor"])
            found = self._plenty(page)
        if found is None:
            message = f"no product has more than {_QUANTITY} of one variant in stock"
            raise StepFailed(message)
        self.product, self.variant = product, variant = found
        self.narrator.tell(
            "list",
            count=count,
            name=product["name"],
            price=money(variant["price"]),
        )
        self.narrator.tell(
            "detail",
            variants=len(product["variants"]),
            sku=variant["sku"],
            available=variant["available"],
        )

    def _page(self, cursor: str | None) -> dict[str, Any]:
        path = "/store/products?limit=20&in_stock=true"
        page: dict[str, Any] = self.client.call(
            "GET", f"{path}&cursor={quote(cursor)}" if cursor else path
        )
        return page

    def _plenty(self, page: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """A product of the page, and a variant of it that outlasts this purchase."""
        for item in page["items"]:
            product = self.client.call("GET", f"/store/products/{item['slug']}")
            for variant in product["variants"]:
                if variant["price"] and (variant["available"] or 0) > _QUANTITY:
                    return product, variant
        return None

    # -- the cart ---------------------------------------------------------------------------------

    def _fill_cart(self) -> None:
        made = self.client.call("POST", "/store/carts", {}, expect=201)
        self.cart_token = ("X-Cart-Token", made["token"])
        self.cart = made
        self.narrator.tell("cart")
        line = {"sku": self.variant["sku"], "quantity": _QUANTITY}
        self.cart = self._on_cart("POST", "/lines", line)
        (first,) = self.cart["lines"]
        asked = self.variant["price"]["amount"] * _QUANTITY
        _require(
            first["subtotal"]["amount"] == asked,
            f"the line costs {first['subtotal']['amount']}, not {asked}",
        )
        self.narrator.tell("lines", total=money(self.cart["totals"]["total"]), **line)

    def _say_where_and_how(self) -> None:
        self.cart = self._on_cart("PUT", "/address", _ADDRESS)
        self.narrator.tell("address")
        options = self._on_cart("GET", "/shipping-options")
        _require(options, "there is no way to ship there")
        option = next((o for o in options if "sandbox" in o["code"]), options[0])
        self.cart = self._on_cart("PUT", "/shipping", {"code": option["code"]})
        self.narrator.tell(
            "shipping", count=len(options), code=option["code"], amount=money(option["amount"])
        )

    def _look_at_the_price(self) -> None:
        explained = self._on_cart("GET", "/explanation")
        _require(explained["totals"] == self.cart["totals"], "the explanation has another total")
        steps = explained["steps"]
        told = ", ".join(
            f"{step['label'] or step['step']} {money(step['amount'])}" for step in steps
        )
        self.narrator.tell("explanation", steps=len(steps), told=told)

    def _on_cart(self, method: str, path: str, body: Any = None) -> Any:
        address = f"/store/carts/{self.cart['id']}{path}"
        return self.client.call(method, address, body, token=self.cart_token)

    # -- the order --------------------------------------------------------------------------------

    def _place(self) -> None:
        body = {
            "payment_method": self._way_to_pay(),
            "email": _EMAIL,
            "expected_total": self.cart["totals"]["total"],
        }
        path, key = f"/store/carts/{self.cart['id']}/checkout", new_key()
        options: dict[str, Any] = {"token": self.cart_token, "expect": 201, "key": key}
        self.order = self.client.call("POST", path, body, **options)
        self.order_token = ("X-Order-Token", self.order["token"])
        total = self.order["totals"]["total"]
        _require(total == self.cart["totals"]["total"], "the order costs something else")
        self.narrator.tell("placed", number=self.order["number"], total=money(total))
        again = self.client.call("POST", path, body, **options)
        _require(again == self.order, "the same key gave another answer")
        self.narrator.add("replayed")

    def _way_to_pay(self) -> str:
        offered = [str(each["code"]) for each in self._on_cart("GET", "/payment-methods")]
        wanted = self.method or "sandbox"
        chosen = [code for code in offered if code == self.method or not self.method]
        method = next((code for code in chosen if wanted in code), None)
        if method is None:
            message = f"{wanted} is not among the ways to pay: {', '.join(offered)}"
            raise StepFailed(message)
        return method

    def _open_page(self) -> httpx.Response:
        """Where the shopper pays: opened by a link, by a form that sends itself, by scanning a code."""
        action = self.order["payment"]["action"]
        match action["kind"]:
            case "redirect":
                return self.client.page("GET", action["url"])
            case "form":
                return self.client.page("POST", action["url"], action["fields"])
            case "qr" if action["text"].startswith(("http://", "https://")):
                return self.client.page("GET", action["text"])
            case kind:
                message = f"the payment asks for {kind}, which takes more than a browser"
                raise StepFailed(message)

    def _pay(self) -> None:
        page = self._open_page()
        self.narrator.tell("page", method=self.order["payment"]["method"])
        forms = [form for form in forms_of(page.text, str(page.url)) if form.buttons]
        _require(forms, "the payment page has no form")
        form = forms[0]
        button = next(((n, v) for n, v in form.buttons if v == "pay"), form.buttons[0])
        self.client.page(form.method, form.action, form.fields | dict([button]))
        self._wait("the payment", lambda order: order["payment_status"] == "paid")
        self.narrator.tell("paid")

    def _ship(self) -> None:
        path = f"/admin/orders/{self.order['number']}/shipments"
        body = {"carrier": "sandbox"}
        self.client.call("POST", path, body, staff=True, expect=201, key=new_key())
        order = self._wait(
            "the booking of the parcel",
            lambda order: any(each["tracking_number"] for each in order["shipments"]),
        )
        self.narrator.tell("shipped", number=order["shipments"][0]["tracking_number"])

    def _follow(self) -> None:
        number = self.order["shipments"][0]["tracking_number"]
        ended = False
        while not ended:
            parcel = self.client.call(
                "POST", f"/plugins/carrier-sandbox/parcels/{number}/advance", expect=200
            )
            scan = parcel["scans"][-1]
            self.narrator.add("scan", text=f"{scan['text']} ({scan['place']})")
            ended = parcel["ended"]
        self._wait("the delivery", lambda order: order["fulfilment_status"] == "delivered")
        self.narrator.tell("delivered")

    # -- money back -------------------------------------------------------------------------------

    def _ask_for_money_back(self) -> None:
        line = self.order["lines"][0]
        body = {"lines": [{"line_id": line["id"], "quantity": 1}], "reason": "Too small"}
        path = f"/store/orders/{self.order['number']}/refund-requests"
        self.request = self.client.call(
            "POST", path, body, token=self.order_token, expect=201, key=new_key()
        )
        amount = self.request["amount"]
        _require(
            0 < amount["amount"] < self.order["totals"]["total"]["amount"],
            f"one of {_QUANTITY} units is worth {amount}",
        )
        self.narrator.tell("requested", amount=money(amount))

    def _refund(self) -> None:
        path = f"/admin/refund-requests/{self.request['id']}/approve"
        self.client.call("POST", path, {}, staff=True, key=new_key())
        self.narrator.tell("approved")
        order = self._wait(
            "the refund", lambda order: [r["status"] for r in order["refunds"]] == ["succeeded"]
        )
        (refund,) = order["refunds"]
        _require(refund["amount"] == self.request["amount"], "another amount went back")
        status = order["payment_status"]
        _require(status == "partially_refunded", f"the order is {status}")
        self.narrator.tell("refunded", amount=money(refund["amount"]), status=status)

    def _read_history(self) -> None:
        events = [entry["event"] for entry in self._read()["history"]]
        _require(events[:1] == ["placed"], f"the history begins with {events[:1]}")
        self.narrator.tell("history", events=", ".join(events))

    def _wait(self, what: str, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        seen = self.client.wait_for(what, self._read, good)
        self.order |= seen
        return self.order

    def _read(self) -> dict[str, Any]:
        order: dict[str, Any] = self.client.call(
            "GET", f"/store/orders/{self.order['number']}", token=self.order_token
        )
        return order


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise StepFailed(otherwise)
