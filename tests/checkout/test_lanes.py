"""The lane and the long way answer alike, whatever comes in."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.shop import ADDRESS, MUG, TestShop, given

_VARYING = re.compile(
    rb'"(id|number|token|request_id|placed_at|at|created_at|line_id|url|instance)":"[^"]*"'
)
LONG_WAY = {"Cookie": "a=b"}
"""A request with credentials of any kind has no lane."""

ORDER: dict[str, Any] = {
    "lines": [{"sku": MUG, "quantity": 1}],
    "address": ADDRESS,
    "email": "li.lei@example.com",
    "shipping": "table-rate-standard",
    "payment_method": "cod",
}


async def _both(shop: TestShop, path: str, **sent: Any) -> tuple[httpx.Response, httpx.Response]:
    headers = sent.pop("headers", {})
    answers = []
    for way in ({}, LONG_WAY):
        key = {"Idempotency-Key": str(uuid4())} if sent.pop("keyed", True) else {}
        sent_headers = {**key, **headers, **way}
        sent_headers = {name: value for name, value in sent_headers.items() if value is not None}
        answers.append(await shop.client.post(path, headers=sent_headers, **sent))
    return answers[0], answers[1]


def _same(short: httpx.Response, long: httpx.Response) -> None:
    assert short.status_code == long.status_code
    assert _VARYING.sub(b"", short.content) == _VARYING.sub(b"", long.content)
    names = {"content-type", "cache-control", "x-content-type-options"}
    for name in names:
        assert short.headers.get(name) == long.headers.get(name)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="everything missing"),
        pytest.param({**ORDER, "surprise": 1}, id="unknown field"),
        pytest.param({**ORDER, "lines": []}, id="no lines"),
        pytest.param({**ORDER, "lines": [{"sku": MUG, "quantity": "1"}]}, id="a text for a number"),
        pytest.param({**ORDER, "lines": [{"sku": "NOPE", "quantity": 1}]}, id="not for sale"),
        pytest.param({**ORDER, "lines": [{"sku": MUG, "quantity": 9_999}]}, id="too many"),
        pytest.param({**ORDER, "payment_method": "shells"}, id="no such payment"),
        pytest.param({**ORDER, "shipping": "balloon"}, id="no such shipping"),
        pytest.param({**ORDER, "note": "4111 1111 1111 1111"}, id="a card number"),
        pytest.param({**ORDER, "note": "\x00"}, id="NUL"),
        pytest.param(ORDER, id="an order"),
    ],
)
async def test_an_order_in_one_call(shop: TestShop, body: dict[str, Any]) -> None:
    _same(*await _both(shop, "/store/checkout", json=body))


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        pytest.param(b"{", {"Content-Type": "application/json"}, id="half a body"),
        pytest.param(b"\xff", {"Content-Type": "application/json"}, id="no text"),
        pytest.param(b"[" * 5_000, {"Content-Type": "application/json"}, id="deep"),
        pytest.param(b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, id="a form"),
        pytest.param(b"", {"Content-Type": "application/json"}, id="nothing"),
        pytest.param(
            b"{}", {"Content-Type": "application/json", "X-Market": "m" * 65}, id="market"
        ),
        pytest.param(b"{}", {"Content-Type": "application/json", "X-Market": "nope"}, id="unknown"),
        pytest.param(
            b"{}", {"Content-Type": "application/json", "Idempotency-Key": "é".encode()}, id="key"
        ),
    ],
)
async def test_what_is_no_order_at_all(
    shop: TestShop, content: bytes, headers: dict[str, Any]
) -> None:
    _same(*await _both(shop, "/store/checkout", content=content, headers=headers))
    assert await shop.orders() == 0


async def test_an_order_without_a_key(shop: TestShop) -> None:
    headers = {"Idempotency-Key": None}
    _same(*await _both(shop, "/store/checkout", json=ORDER, headers=headers))
    assert await shop.orders() == 0


async def test_a_query_that_is_not_known(shop: TestShop) -> None:
    _same(*await _both(shop, "/store/checkout?why=not", json=ORDER))
    assert await shop.orders() == 0


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"sku": MUG, "quantity": 1}, id="a line"),
        pytest.param({"sku": MUG, "quantity": 0}, id="none of it"),
        pytest.param({"sku": "NOPE", "quantity": 1}, id="not for sale"),
        pytest.param({"sku": MUG, "quantity": 1, "price": 1}, id="a price of its own"),
        pytest.param([], id="a list"),
    ],
)
async def test_a_line_for_a_cart(shop: TestShop, line: Any) -> None:
    answers = []
    for way in ({}, LONG_WAY):
        cart = given(await shop.client.post("/store/carts", json={}), 201)
        headers = {"X-Cart-Token": cart["token"], "Accept-Language": "zh", **way}
        path = f"/store/carts/{cart['id']}/lines"
        answers.append(await shop.client.post(path, json=line, headers=headers))
    _same(*answers)


async def test_a_cart_of_somebody_else(shop: TestShop) -> None:
    cart = given(await shop.client.post("/store/carts", json={}), 201)
    line = {"sku": MUG, "quantity": 1}
    for token in (None, "wrong", "x" * 101):
        headers = {"X-Cart-Token": token}
        _same(*await _both(shop, f"/store/carts/{cart['id']}/lines", json=line, headers=headers))


async def test_the_same_key_both_ways_is_one_order(shop: TestShop) -> None:
    key = {"Idempotency-Key": "one"}
    first = await shop.client.post("/store/checkout", json=ORDER, headers=key)
    second = await shop.client.post("/store/checkout", json=ORDER, headers={**key, **LONG_WAY})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert await shop.orders() == 1
