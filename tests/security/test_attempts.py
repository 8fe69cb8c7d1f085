"""Rows 28, 37, 44, 61 and 63: what is tried against a whole shop, and what comes of it."""

from __future__ import annotations

import logging
import re

import pytest

from commercekit.app import load_configuration
from commercekit.payments import ReturnAddressForeign
from commercekit.payments.rules import check_return
from tests.security.test_production import SAFE
from tests.shop import EMAIL, MUG, TestShop, given, refused

OURS = ("shop.example", "checkout.shop.example")


@pytest.mark.parametrize(
    "address",
    [
        None,
        "https://shop.example/thanks",
        "https://SHOP.example:8443/thanks?next=//evil.example",
        "http://checkout.shop.example",
    ],
)
def test_shoppers_come_back_to_the_shop(address):
    check_return(address, OURS)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://shop.example@evil.example/",
        "https://evil.example\\@shop.example/",
        "https:///evil.example",
        "https://[::1/",
        "https://",
    ],
)
def test_shoppers_are_sent_to_nobody_else(address):
    with pytest.raises(ReturnAddressForeign):
        check_return(address, OURS)


def test_in_production_the_shops_own_hosts_are_known(tmp_path):
    file = tmp_path / "commercekit.toml"
    file.write_text('[payments]\nreturn_hosts = ["app.example"]\n')
    more = {"COMMERCEKIT_WEB__TRUSTED_ORIGINS": '["https://front.example:444"]'}
    made = load_configuration(file, {**SAFE, **more}, installed=[]).settings
    assert made.paying.return_hosts == (
        "2001:db8::1",
        "app.example",
        "front.example",
        "shop.example",
    )
    development = {**SAFE, "COMMERCEKIT_ENVIRONMENT": "development"}
    file.write_text("")
    assert load_configuration(file, development, installed=[]).settings.paying.return_hosts == ()


async def test_a_foreign_return_address_places_no_order(shop: TestShop, monkeypatch) -> None:
    def only_here(address: str | None, _: object) -> None:
        check_return(address, ("shop.test",))

    monkeypatch.setattr("commercekit.payments.service.create_intent.check_return", only_here)
    for address in ("https://evil.example/thanks", "http://shop.test@evil.example"):
        answer = await shop.order((MUG, 1), return_url=address)
        refused(answer, 422, "return-url-not-allowed")
        assert "evil" not in answer.text
    assert await shop.orders() == 0
    assert await shop.stock(MUG) == (100, 0)
    order = await shop.placed((MUG, 1), return_url="http://shop.test/thanks")
    body = {"payment_method": "sandbox", "return_url": "https://evil.example"}
    again = await shop.ask("POST", order, "/payments", json=body)
    refused(again, 422, "return-url-not-allowed")


async def test_nobodys_cache_keeps_a_page_of_somebodys_own(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    path = f"/store/orders/{order['number']}"
    own = {"X-Order-Token": order["token"]}
    strange = {"X-Forwarded-Host": "evil.example", "X-Original-URL": path, "X-Rewrite-URL": path}
    for tail in ("", "/x.css", ";x.css", "%2fx.css", "/..%2f..%2fx.css", "?x.css", "%3fx.css", "/"):
        for more in ({}, strange):
            answer = await shop.client.get(path + tail, headers={**own, **more})
            assert answer.headers["cache-control"] == "no-store", tail
            assert "evil.example" not in answer.text
            if tail not in {"", "?x.css", "/"}:
                refused(answer, 404, "not-found")
        # What came before is kept by nobody: whoever comes next, without the token, has nothing.
        assert EMAIL not in (await shop.client.get(path + tail)).text
    for open_to_all in ("/store/products", "/livez"):
        answer = await shop.client.get(open_to_all, headers=strange)
        assert EMAIL not in answer.text
        assert order["number"] not in answer.text


SQL = "x' OR 1=1; DROP TABLE orders_order; SELECT pg_sleep(5) --"


async def test_sql_in_any_address_is_text(shop: TestShop, caplog) -> None:
    order = await shop.placed((MUG, 1))
    document = given(await shop.client.get("/openapi.json"))
    asked = 0
    with caplog.at_level(logging.WARNING):
        for template, item in document["paths"].items():
            if "get" not in item or not template.startswith(("/store", "/admin")):
                continue
            names = [p for p in item["get"].get("parameters", ()) if p["in"] in ("query", "path")]
            path = re.sub(r"{[^}]*}", SQL.replace(" ", "%20").replace("=", "%3D"), template)
            for name in [p["name"] for p in names if p["in"] == "query"] or [None]:
                query = {} if name is None else {name: SQL}
                answer = await shop.admin("GET", path, params=query)
                assert answer.status_code < 500, (path, name, answer.text)
                asked += 1
    assert asked > 100
    told = " ".join(record.getMessage() for record in caplog.records)
    assert "syntax error" not in told.lower()
    assert "unhandled" not in told.lower()
    assert (await shop.read(order))["number"] == order["number"]


async def test_who_may_not_export_does_not_and_nothing_is_unmasked_unsaid(shop: TestShop) -> None:
    order = await shop.placed((MUG, 1))
    roles = {role.code: role.permissions for role in shop.shop.surface.roles}
    agent = await shop.token(*roles["support"])
    answer = await shop.client.post("/admin/orders/export", json={}, headers=agent)
    assert refused(answer, 403, "forbidden")
    assert EMAIL not in answer.text
    path = f"/admin/orders/{order['number']}"
    read = await shop.client.get(path, headers=agent)
    assert given(read)["is_masked"] is True
    assert EMAIL not in read.text
    for body in ({}, {"reason": ""}, {"reason": "   "}):
        answer = await shop.client.post(f"{path}/personal", json=body, headers=agent)
        assert answer.status_code in (400, 422), answer.text
        assert EMAIL not in answer.text
    assert given(await shop.admin("GET", "/admin/audit?action=personal:unmask"))["items"] == []
