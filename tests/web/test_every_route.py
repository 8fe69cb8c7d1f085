"""Every controller of the core in one application: guarded, documented, and refusing strangers."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar import Controller
from litestar.routes import HTTPRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

import commercekit
from commercekit.platform.http import Cursors, document_of
from commercekit.platform.security import Principal, door_of
from commercekit.testing import ManualClock
from commercekit.web import build_web, webhook_routes
from tests.platform.http.conftest import client_of
from tests.platform.http.test_problems import assert_problem


def controllers() -> list[type[Controller]]:
    found: dict[str, type[Controller]] = {}
    for module in pkgutil.walk_packages(commercekit.__path__, "commercekit."):
        if re.search(r"\.api(\.|$)", module.name):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Controller) and value.path:
                    found[f"{value.__module__}.{value.__name__}"] = value
    return list(found.values())


def dependencies() -> dict[str, Any]:
    """The names that handlers of the core ask their services by."""
    files = {
        importlib.import_module(controller.__module__).__file__ for controller in controllers()
    }
    source = "".join(Path(file).read_text(encoding="utf-8") for file in files if file)
    wanted = r"\b([a-z_]+): [A-Za-z.]*(?:Service|Jobs|Bus)\b"
    return dict.fromkeys(re.findall(wanted, source))


class Authenticator:
    """Knows one token, whose holder may do everything but ``scope``."""

    scope = ""

    async def __call__(self, token: str) -> Principal | None:
        if token != "other":
            return None
        resource, _, action = self.scope.partition(":")
        other = "write" if action == "read" else "read"
        return Principal(id="x", scopes=frozenset({f"{resource}:{other}", "nothing:*"}))


@pytest.fixture(scope="module")
def authenticator():
    return Authenticator()


@pytest.fixture(scope="module")
def app(authenticator):
    return build_web(
        controllers=[*controllers(), *webhook_routes({}, ManualClock())],
        dependencies=dependencies(),
        authenticator=authenticator,
        cursors=Cursors(b"k" * 32),
    )


async def test_no_admin_route_opens_to_strangers_or_to_the_wrong_scope(app, authenticator):
    seen = 0
    async with client_of(app) as client:
        for route in app.routes:
            if not isinstance(route, HTTPRoute) or not route.path.startswith("/admin"):
                continue
            address = re.sub(r"\{[^}]*:int\}", "1", route.path)
            address = re.sub(r"\{[^}]*\}", str(UUID(int=1)), address)
            for method, (handler, _) in route.route_handler_map.items():
                if method == "OPTIONS":
                    continue
                door = door_of(handler)
                assert door is not None
                if door.access != "staff":
                    # What a session of staff begins and ends with; identity's own tests ask there.
                    assert route.path.startswith("/admin/auth")
                    continue
                scope = door.permission
                assert_problem(await client.request(method, address), 401, "unauthenticated")
                authenticator.scope = scope
                headers = {"Authorization": "Bearer other"}
                refused = await client.request(method, address, headers=headers)
                assert assert_problem(refused, 403, "forbidden")["required_scope"] == scope
                seen += 1
    assert seen > 30


def test_document_of_the_whole_shop_is_valid(app):
    document = document_of(app)
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    operations = [o for item in document["paths"].values() for o in item.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert all(operation["tags"] and "500" in operation["responses"] for operation in operations)


def test_what_moves_money_or_goods_is_repeatable(app):
    paths = document_of(app)["paths"]
    for path, method in (
        ("/store/checkout", "post"),
        ("/store/carts/{cart_id}/checkout", "post"),
        ("/admin/tokens", "post"),
    ):
        names = [parameter["name"] for parameter in paths[path][method].get("parameters", ())]
        assert "Idempotency-Key" in names, path


def test_documented_examples_hold_no_secret(app):
    text = str(document_of(app))
    assert not re.search(r"ck_live_[a-z2-7]{16}_", text)
