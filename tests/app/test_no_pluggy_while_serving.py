"""Hooks plug at the start: while the shop serves, nobody asks pluggy anything."""

from __future__ import annotations

import ast
import re
from uuid import uuid4

import pluggy
import pytest

from commercekit.platform.plugins import PluginRegistry
from tests.architecture.source import core, none_of
from tests.shop import MUG, SHIRT, given

COUNTED = [
    *((pluggy.HookCaller, name) for name in ("__call__", "call_extra", "get_hookimpls")),
    *((pluggy.PluginManager, name) for name in ("get_plugins", "parse_hookimpl_opts", "register")),
    *((PluginRegistry, name) for name in ("collect", "choose", "_answers")),
]


SHOW_IT = ("commercekit.platform.plugins", "commercekit.platform.operations")
"""These may hold a registry: it is their own, or they list to operators what the start has found."""


def is_the_tests_own(asked):
    """Pytest itself runs on pluggy."""
    if isinstance(asked, pluggy.HookCaller):
        return asked.name.startswith("pytest_")
    return isinstance(asked, pluggy.PluginManager) and asked.project_name != "commercekit"


@pytest.fixture
def calls(monkeypatch):
    """Every call of pluggy, or of the registry that stands in front of it, from now on."""
    seen = []

    def counting(owner, name):
        original = getattr(owner, name)

        def counted(self, *args, **kwargs):
            if not is_the_tests_own(self):
                seen.append(f"{owner.__name__}.{name}")
            return original(self, *args, **kwargs)

        return counted

    for owner, name in COUNTED:
        monkeypatch.setattr(owner, name, counting(owner, name))
    return seen


async def test_a_start_asks_and_a_journey_does_not(shop, calls):
    shop.shop.plugin_routes()  # as every start does
    assert set(calls) >= {"PluginRegistry.collect", "HookCaller.get_hookimpls"}
    calls.clear()

    order = await shop.paid((SHIRT, 1), (MUG, 2))
    given(await shop.ship(order), 201)
    await shop.settle()
    request = await shop.asked_back(order, 1)
    assert (await shop.approve(request)).status_code == 200
    await shop.settle()
    cart = await shop.cart((SHIRT, 1), ready=True)
    given(await cart.ask("GET", "/shipping-options"))
    given(await cart.ask("GET", "/payment-methods"))
    assert (await shop.read(order))["payment_status"] == "partially_refunded"
    assert calls == []


async def test_no_operation_asks(shop, calls):
    order = await shop.paid((SHIRT, 1))
    shipment = given(await shop.ship(order), 201)
    cart = await shop.cart((SHIRT, 1))
    product = await shop.shop.catalog.product_by_slug("shirt")
    known = {
        "number": order["number"],
        "order_number": order["number"],
        "product_id": str(product.id),
        "slug": "shirt",
        "sku": SHIRT,
        "cart_id": cart.id,
        "shipment_id": shipment["id"],
        "kind": "payments",
        "provider": "sandbox",
        "account": "default",
    }
    document = given(await shop.client.get("/openapi.json"))
    calls.clear()
    answered: dict[str, int] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            if verb not in {"get", "post", "put", "patch", "delete"}:
                continue
            at = re.sub(r"{(\w+)}", lambda found: known.get(found[1], str(uuid4())), path)
            headers = {
                "Authorization": f"Bearer {shop.staff_token}",
                "X-Order-Token": order["token"],
                "X-Cart-Token": cart.token,
                "Idempotency-Key": str(uuid4()),
                "If-Match": '"1"',
            }
            body = {"json": {}} if "requestBody" in operation else {}
            answer = await shop.client.request(verb, at, headers=headers, **body)
            answered[f"{verb.upper()} {path}"] = answer.status_code
    assert len(answered) > 180
    assert {name: status for name, status in answered.items() if status == 500} == {}
    assert sum(status < 300 for status in answered.values()) > 60
    assert calls == []


def test_only_the_composition_root_and_the_command_line_have_a_registry():
    """Services are handed providers: none of them could ask for more."""
    assert none_of(
        f"{module.at(node.lineno)} names PluginRegistry"
        for module in core()
        if module.area not in {"app", "cli"} and not module.name.startswith(SHOW_IT)
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Name) and node.id == "PluginRegistry")
        or (isinstance(node, ast.alias) and node.name == "PluginRegistry")
    )  # fmt: skip
