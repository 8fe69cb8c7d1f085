from __future__ import annotations

import pytest

from commercekit.errors import Malformed
from commercekit.platform.http import build_litestar
from commercekit.platform.security import Principal, PrincipalKind, check_scope, covers
from tests.platform.http.conftest import client_of
from tests.platform.http.sample import Ledger, sample
from tests.platform.http.test_problems import assert_problem


@pytest.mark.parametrize(
    ("held", "wanted", "granted"),
    [
        ("orders:read", "orders:read", True),
        ("orders:*", "orders:read", True),
        ("*:read", "orders:read", True),
        ("*:*", "orders:read", True),
        ("*:*", "*:*", True),
        ("orders:read", "orders:write", False),
        ("orders:read", "orders:*", False),
        ("orders:*", "order:read", False),
        ("orders", "orders:read", False),
        ("", "orders:read", False),
    ],
)
def test_scopes_cover_what_they_say_and_no_more(held, wanted, granted):
    assert covers(held, wanted) is granted


@pytest.mark.parametrize(
    "scope", ["orders", "orders:", ":read", "a:b:c", "Orders:read", "ord*:read", ""]
)
def test_what_is_no_scope_is_refused(scope):
    with pytest.raises(Malformed):
        check_scope(scope)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nobody",
        "Basic ada",
        "ada",
        "Bearer ada bob",
        "Bearer " + "x" * 10_000,
    ],
)
async def test_without_a_good_token_nobody_passes(client, header):
    headers = {} if header is None else {"Authorization": header}
    response = await client.get("/admin/letters", headers=headers)
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="commercekit"'


async def test_token_in_the_address_or_a_cookie_is_no_token(client):
    for response in (
        await client.get("/admin/letters?token=ada"),
        await client.get("/admin/letters", headers={"Cookie": "ck_session=ada"}),
    ):
        assert response.status_code == 401


async def test_good_token_without_the_scope_is_forbidden_and_does_nothing():
    ledger = Ledger()
    async with client_of(sample(ledger)) as client:
        response = await client.delete("/admin/things", headers={"Authorization": "Bearer bob"})
    body = assert_problem(response, 403, "forbidden")
    assert body["required_scope"] == "things:write"
    assert "www-authenticate" not in response.headers
    assert ledger.done == []


async def test_scheme_is_read_in_any_case(client):
    response = await client.get("/admin/letters", headers={"Authorization": "bearer ada"})
    assert response.status_code == 200


async def test_refusal_comes_before_any_look_at_the_request(client):
    response = await client.put("/admin/things?x=1", content=b"no json")
    assert response.status_code == 401


@pytest.mark.parametrize("kind", [PrincipalKind.CUSTOMER, PrincipalKind.GUEST])
async def test_customers_are_no_staff_whatever_their_scopes(kind):
    async def authenticate(token):
        return Principal(id="eve", kind=kind, scopes=frozenset({"*:*"}))

    app = sample()
    app.state.commercekit_authenticator = authenticate
    async with client_of(app) as client:
        response = await client.get("/admin/letters", headers={"Authorization": "Bearer eve"})
    assert_problem(response, 401, "unauthenticated")


async def test_without_an_authenticator_every_guard_refuses():
    app = sample()
    app.state.commercekit_authenticator = None
    async with client_of(app) as client:
        response = await client.get("/admin/letters", headers={"Authorization": "Bearer ada"})
    assert response.status_code == 401
    assert build_litestar(controllers=[]).state.commercekit_authenticator is None
