from typing import Any
from uuid import UUID

import pytest
from litestar import Controller, asgi, get, post

from commercekit.errors import ConfigurationError
from commercekit.identity.api import AdminAudit, AdminTokens
from commercekit.platform.security import Door, Principal, door_of, public, requires
from commercekit.web import build_web
from tests.platform.http.conftest import client_of
from tests.platform.http.test_problems import assert_problem


@get("/admin/open")
async def open_door() -> None:
    return None


@get("/admin/half-open", guards=[])
async def half_open() -> None:
    return None


@get("/admin/guarded", guards=[requires("things:read")])
async def guarded() -> str:
    return "in"


@get("/elsewhere")
async def elsewhere() -> None:
    return None


@get("/store/shelf", opt=public("a shelf"))
async def shelf() -> str:
    return "shelf"


@pytest.mark.parametrize("handler", [open_door, half_open])
def test_admin_route_without_a_guard_stops_the_start(handler):
    with pytest.raises(ConfigurationError, match="has no guard; add guards="):
        build_web(controllers=[handler])


@pytest.mark.parametrize("path", ["/store/shelf", "/webhooks/payments", "/plugins"])
def test_route_that_nobody_thought_about_stops_the_start(path):
    @get(path)
    async def forgotten() -> None: ...

    with pytest.raises(ConfigurationError, match="has no guard; add guards=.*, or opt=public"):
        build_web(controllers=[forgotten])


def test_route_of_a_plugin_that_nobody_thought_about_stops_the_start():
    @get("/page")
    async def page() -> None: ...

    with pytest.raises(ConfigurationError, match="GET /plugins/acme/page has no guard"):
        build_web(controllers=[], plugin_routes={"acme": [page]})


def test_public_needs_a_reason():
    with pytest.raises(ValueError, match="say why"):
        public(" ")


def test_a_guard_counts_for_more_than_public_around_it():
    class Mixed(Controller):
        path = "/store/mixed"
        opt = public("everybody")

        @get()
        async def read(self) -> None: ...

        @post(guards=[requires("mixed:write", step_up=True)])
        async def write(self) -> None: ...

    app = build_web(controllers=[Mixed])
    (route,) = [route for route in app.routes if route.path == "/store/mixed"]
    doors = {method: door_of(h) for method, (h, _) in route.route_handler_map.items()}
    assert doors["GET"] == Door("public", why="everybody")
    assert doors["POST"] == Door("staff", "mixed:write", step_up=True)


def test_controller_with_one_open_handler_stops_the_start():
    class Mixed(Controller):
        path = "/admin/mixed"

        @get(guards=[requires("mixed:read")])
        async def read(self) -> None: ...

        @post()
        async def write(self) -> None: ...

    with pytest.raises(ConfigurationError, match="POST /admin/mixed has no guard"):
        build_web(controllers=[Mixed])


def test_mounted_application_under_admin_stops_the_start():
    @asgi("/admin/mounted", copy_scope=False)
    async def mounted(scope: Any, receive: Any, send: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="no guard protects it"):
        build_web(controllers=[mounted])


def test_route_that_stands_nowhere_stops_the_start():
    with pytest.raises(ConfigurationError, match="/elsewhere stands under none of"):
        build_web(controllers=[elsewhere])


async def test_guard_of_the_whole_controller_is_enough():
    class Guarded(Controller):
        path = "/admin/whole"
        guards = (requires("whole:read"),)

        @get()
        async def read(self) -> str:
            return "in"

    async with client_of(build_web(controllers=[Guarded])) as client:
        assert (await client.get("/admin/whole")).status_code == 401


async def test_plugin_stands_below_its_own_code():
    @get("/page", opt=public("a page"))
    async def page() -> str:
        return "page"

    app = build_web(controllers=[shelf], plugin_routes={"acme-pay": [page]})
    async with client_of(app) as client:
        assert (await client.get("/plugins/acme-pay/page?any=1")).text == "page"
        assert_problem(await client.get("/page"), 404, "not-found")
        assert_problem(await client.get("/plugins/other/page"), 404, "not-found")


@pytest.mark.parametrize("path", ["/store/shelf", "/admin/guarded", "/webhooks/payments", "/admin"])
def test_plugin_that_mounts_over_a_core_route_stops_the_start(path):
    @get(path)
    async def takeover() -> None: ...

    with pytest.raises(ConfigurationError, match="the plugin acme wants to mount"):
        build_web(controllers=[shelf, guarded], plugin_routes={"acme": [takeover]})


@pytest.mark.parametrize("code", ["", "../admin", "Acme", "a/b", "{code:str}"])
def test_plugin_code_that_is_no_name_stops_the_start(code):
    with pytest.raises(ConfigurationError, match="cannot be a plugin's code"):
        build_web(controllers=[], plugin_routes={code: []})


def test_two_answers_at_one_address_stop_the_start():
    @get("/store/shelf", opt=public("another"))
    async def other() -> None: ...

    with pytest.raises(ConfigurationError, match="do not fit together"):
        build_web(controllers=[shelf, other])


async def everything_but(scope):
    """Someone who may do all there is, except this."""
    resource, _, action = scope.partition(":")
    others = {"read": "write", "write": "read"}
    return Principal(id="x", scopes=frozenset({f"{resource}:{others.get(action, 'read')}", "no:*"}))


def admin_operations(app):
    for route in app.routes:
        if route.path.startswith("/admin"):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    scope = next(g.required_scope for g in handler.resolve_guards())
                    yield method, route.path_format, scope


async def test_matrix_of_admin_routes_refuses_strangers_and_wrong_scopes():
    wanted = {}

    async def authenticate(token):
        return await everything_but(wanted["scope"]) if token == "wrong-scope" else None

    app = build_web(
        controllers=[AdminTokens, AdminAudit, guarded],
        dependencies={"identity": None},
        authenticator=authenticate,
    )
    operations = list(admin_operations(app))
    assert len(operations) == 6
    async with client_of(app) as client:
        for method, path, scope in operations:
            wanted["scope"] = scope
            address = path.format_map(dict.fromkeys(("token_id",), UUID(int=1)))
            for headers in ({}, {"Authorization": "Bearer nobody"}):
                refused = await client.request(method, address, headers=headers)
                assert_problem(refused, 401, "unauthenticated")
                assert "www-authenticate" in refused.headers
            headers = {"Authorization": "Bearer wrong-scope"}
            refused = await client.request(method, address, headers=headers)
            assert assert_problem(refused, 403, "forbidden")["required_scope"] == scope
