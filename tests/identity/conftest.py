from __future__ import annotations

import pytest
import pytest_asyncio

from commercekit.identity import IdentityService, NewToken
from commercekit.identity.api import AdminAudit, AdminTokens
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.platform.http.conftest import client_of


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "identity")


@pytest.fixture
def identity(database, clock):
    return IdentityService(database, clock)


@pytest_asyncio.fixture
async def client(database, identity):
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key"])
    app = build_web(
        controllers=[AdminTokens, AdminAudit],
        dependencies={"identity": identity},
        authenticator=identity.authenticate,
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
