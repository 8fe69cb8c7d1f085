from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.customers import SEALED as CUSTOMERS_SEALED
from commercekit.customers import CustomerService
from commercekit.customers.api import controllers as customer_controllers
from commercekit.identity import SEALED, IdentityService, LimitView, NewToken
from commercekit.identity.api import CookieSessions, controllers
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.jobs import Jobs
from commercekit.platform.security import LimitKind, MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.identity.conftest import CHEAP, Mailbox
from tests.platform.http.conftest import client_of

PASSWORD = "paper boats on a lake"


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "identity", "customers")


@pytest_asyncio.fixture
async def identity(database, clock):
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key", *SEALED, *CUSTOMERS_SEALED])
    service = IdentityService(
        database,
        clock,
        sealer,
        jobs=Jobs(database, clock),
        mailer=Mailbox(),
        base_url="https://shop.example",
        settings=CHEAP,
    )
    service.sealer = sealer
    yield service
    await service.drained()


@pytest.fixture
def customers(database, clock, identity):
    service = CustomerService(database, clock, identity.sealer, identity)
    identity.people.keep_in_mind(service)
    return service


@pytest_asyncio.fixture
async def open_client(database, identity, customers):
    app = build_web(
        controllers=[*controllers, *customer_controllers],
        dependencies={"identity": identity, "customers": customers},
        authenticator=identity.authenticate,
        sessions=CookieSessions(identity, secure=False),
        idempotency=Idempotency(database, identity.sealer),
        cursors=Cursors(b"k" * 32),
    )
    opened = []

    async def make():
        client = client_of(app)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
def shopper(open_client):
    """Registers and logs in; each has a browser of their own."""

    async def make(email="li.lei@example.com"):
        client = await open_client()
        body = {"email": email, "password": PASSWORD, "name": "Li Lei"}
        assert (await client.post("/store/auth/register", json=body)).status_code == 201
        body.pop("name")
        assert (await client.post("/store/auth/login", json=body)).status_code == 200
        return client

    return make


@pytest.fixture
def staff(open_client, identity):
    """A client with a token of these scopes, perhaps within some segments."""

    async def make(*scopes, segments=()):
        limit = LimitView(kind=LimitKind.SEGMENT, codes=list(segments)) if segments else None
        new = NewToken(name="test", scopes=frozenset(scopes), limit=limit)
        issued = await identity.create_token(Principal.system("test"), new)
        client = await open_client()
        client.headers["Authorization"] = f"Bearer {issued.secret}"
        return client

    return make
