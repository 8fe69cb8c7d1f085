"""Who comes to the shop that is tried out: strangers, customers, staff of several roles; and their belongings.

Li Lei and Han Meimei each have an account, a cart, an order and an address. The visitors try whatever they
like as Li Lei, as nobody, or as staff; what is Han Meimei's is marked, so that it is seen wherever it turns up.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyotp

from commercekit.identity import LimitView, NewAccount, NewToken
from commercekit.platform.security import LimitKind, Principal
from tests.shop import ADDRESS, MUG, SHIRT, Body, Cart, TestShop, given

__all__ = ["HERS", "Belongings", "Neighbourhood", "Visitor", "settle_in"]

PASSWORD = "paper boats on a lake"
HERS = ("Han Canaria", "+8613911112222", "4711 Canary Wharf Lane", "han.canaria@example.org")
HER_ADDRESS = {**ADDRESS, "name": HERS[0], "phone": HERS[1], "line1": HERS[2]}
KEPT = ("id", "number", "slug", "code", "sku", "location", "kind")


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks, with what they show at the door, and what they are never to read."""

    name: str
    headers: dict[str, str]
    never: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Belongings:
    """What a customer has."""

    email: str
    cookie: str
    cart: Cart
    order: Body
    address_id: str

    @property
    def headers(self) -> dict[str, str]:
        """What the customer's browser sends."""
        return {
            "Cookie": f"ck_session={self.cookie}",
            "X-Cart-Token": self.cart.token,
            "X-Order-Token": self.order["token"],
        }


@dataclass
class Neighbourhood:
    """The shop with everybody in it, and the names of all that was ever seen there."""

    shop: TestShop
    his: Belongings
    hers: Belongings
    visitors: dict[str, Visitor]
    seen: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, content: Any, collection: str) -> None:
        """Remember what things are called, by the list they stood in: ``carts``, ``lines``."""
        for where, name, value in _names(content, collection):
            for place in (where, ""):
                known = self.seen[place, name]
                if value not in known and len(known) < 40:
                    known.append(value)

    def known(self, path: str, parameter: str) -> list[str]:
        """What could stand for ``{parameter}`` in ``path``; empty when nothing like it was seen."""
        collection = path.partition(f"/{{{parameter}}}")[0].rpartition("/")[2]
        name = "id" if parameter.endswith("_id") else parameter
        return self.seen.get((collection, name)) or self.seen.get(("", name)) or []

    async def her_things(self) -> dict[str, Any]:
        """What is Han Meimei's, as she sees it."""
        client, headers = self.shop.client, self.hers.headers
        cart, number = self.hers.cart.id, self.hers.order["number"]
        return {
            path: given(await client.get(path, headers=headers))
            for path in (
                f"/store/carts/{cart}",
                f"/store/orders/{number}",
                "/store/me",
                "/store/me/addresses",
            )
        }


def _names(content: Any, collection: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(content, dict):
        for name, value in content.items():
            if name in KEPT and isinstance(value, str) and value:
                yield collection, name, value
            inner = collection if name in {"items", "token", "endpoint"} else name
            yield from _names(value, inner)
    elif isinstance(content, list):
        for value in content:
            yield from _names(value, collection)


def _cookie(answer: Any, name: str) -> str:
    found = re.search(rf"\b{name}=([^;]+)", answer.headers["set-cookie"])
    assert found is not None
    return found[1]


async def _customer(shop: TestShop, email: str, address: Body) -> Belongings:
    """Somebody with an account, an address, a cart and an order that was paid."""
    body = {"email": email, "password": PASSWORD, "name": address["name"]}
    given(await shop.client.post("/store/auth/register", json=body), 201)
    logged_in = await shop.client.post(
        "/store/auth/login", json={"email": email, "password": PASSWORD}
    )
    given(logged_in)
    cookie = _cookie(logged_in, "ck_session")
    shop.client.cookies.clear()
    headers = {"Cookie": f"ck_session={cookie}"}
    body = {"address": address}
    book = given(await shop.client.post("/store/me/addresses", json=body, headers=headers), 201)
    order = await shop.paid((SHIRT, 1), address=address, email=email)
    cart = await shop.cart((MUG, 1))
    given(await cart.ask("PUT", "/address", json=address))
    return Belongings(email, cookie, cart, order, book["id"])


async def _token(shop: TestShop, *scopes: str, market: str | None = None) -> dict[str, str]:
    limit = LimitView(kind=LimitKind.MARKET, codes=[market]) if market else None
    new = NewToken(name="visitor", scopes=frozenset(scopes), limit=limit)
    issued = await shop.shop.identity.create_token(Principal.system("test"), new)
    return {"Authorization": f"Bearer {issued.secret}"}


async def _staff(shop: TestShop) -> str:
    """The session of somebody who may do everything, with a second factor."""
    new = NewAccount(email="owner@shop.example")
    await shop.shop.identity.accounts.create_staff(
        Principal.system("test"), new, ["*:*"], password=PASSWORD
    )
    ask, body = shop.client.post, {"email": new.email, "password": PASSWORD}
    begun = {"Cookie": f"ck_staff={_cookie(await ask('/admin/auth/login', json=body), 'ck_staff')}"}
    factor = given(await ask("/admin/auth/factors/totp", headers=begun), 201)
    code = pyotp.TOTP(factor["secret"]).at(shop.clock.now())
    path = f"/admin/auth/factors/{factor['factor_id']}/confirm"
    proven = await ask(path, json={"code": code}, headers=begun)
    given(proven)
    shop.client.cookies.clear()
    return _cookie(proven, "ck_staff")


async def settle_in(shop: TestShop) -> Neighbourhood:
    """Everybody moves in; what staff can list is known by name from then on."""
    his = await _customer(shop, "li.lei@example.com", ADDRESS)
    hers = await _customer(shop, HERS[3], HER_ADDRESS)
    roles = {role.code: role.permissions for role in shop.shop.surface.roles}
    secrets = (*HERS, hers.cart.token, hers.order["token"], hers.cookie)
    visitors = (
        Visitor("nobody", {}, secrets),
        Visitor("customer", his.headers, secrets),
        Visitor("another market", await _token(shop, *roles["support"], market="eu"), secrets),
        Visitor("read-only", await _token(shop, *roles["read-only"]), secrets),
        Visitor("support", await _token(shop, *roles["support"])),
        Visitor("owner", {"Cookie": f"ck_staff={await _staff(shop)}"}),
    )
    here = Neighbourhood(shop, his, hers, {each.name: each for each in visitors})
    for theirs in (hers, his):
        here.note(await theirs.cart.read(), "carts")
        here.note(theirs.order, "orders")
        here.note({"id": theirs.address_id}, "addresses")
    document = given(await shop.client.get("/openapi.json"))
    for path, item in document["paths"].items():
        if "get" in item and "{" not in path and path.startswith(("/admin", "/store")):
            answer = await shop.admin("GET", path)
            if answer.status_code == 200 and "json" in answer.headers["content-type"]:
                here.note(answer.json(), path.rpartition("/")[2])
    return here
