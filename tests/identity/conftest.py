from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.identity import (
    SEALED_TABLES,
    IdentityService,
    IdentitySettings,
    NewToken,
    PasswordSettings,
)
from commercekit.identity.api import CookieSessions, controllers
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.platform.http.conftest import client_of


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "identity")


CHEAP = IdentitySettings(passwords=PasswordSettings(memory_kib=64, passes=1))


@pytest_asyncio.fixture
async def sealer(database):
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key", *SEALED_TABLES])
    return sealer


@pytest_asyncio.fixture
async def identity(database, clock, sealer):
    service = IdentityService(database, clock, sealer, settings=CHEAP, shop_name="Paper Lantern")
    yield service
    await service.drained()


@pytest_asyncio.fixture
async def client(database, identity, sealer):
    app = build_web(
        controllers=controllers,
        dependencies={"identity": identity},
        authenticator=identity.authenticate,
        sessions=CookieSessions(identity, secure=False),
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )
    async with client_of(app) as opened:
        yield opened


@pytest.fixture
def bearer(identity):
    async def make(*scopes, **options):
        new = NewToken(name="test", scopes=frozenset(scopes), **options)
        issued = await identity.create_token(Principal.system("test"), new)
        return {"Authorization": f"Bearer {issued.secret}"}

    return make
