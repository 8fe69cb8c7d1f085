from __future__ import annotations

from typing import NamedTuple

import pytest
import pytest_asyncio

from commercekit.identity import (
    SEALED,
    IdentityService,
    IdentitySettings,
    NewToken,
    PasswordSettings,
    RealmSettings,
)
from commercekit.identity.api import CookieSessions, controllers
from commercekit.kernel import new_id
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.jobs import Jobs
from commercekit.platform.security import MasterKey, Principal, Sealer
from commercekit.testing import core_piccolo_apps
from commercekit.web import build_web
from tests.platform.http.conftest import client_of


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "identity")


CHEAP = IdentitySettings(
    passwords=PasswordSettings(memory_kib=64, passes=1),
    # What stands around second factors is tested without them; see test_factors.py.
    staff=RealmSettings(second_factor="optional"),
)


@pytest_asyncio.fixture
async def sealer(database):
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, ["platform_idempotency_key", *SEALED])
    return sealer


class Mailbox:
    """What was written to whom, once its transaction committed; keys are used once."""

    def __init__(self):
        self.mails = []
        self._keys = set()

    async def send(self, uow, *, template, to, locale, params, dedupe_key):
        if dedupe_key in self._keys:
            return None
        mail = Mail(template, to, locale, params)

        def keep():
            self._keys.add(dedupe_key)
            self.mails.append(mail)

        uow.after_commit(keep)
        return new_id()

    def last(self, template, to):
        return next(mail for mail in reversed(self.mails) if mail[:2] == (template, to))


class Mail(NamedTuple):
    template: str
    to: str
    locale: str
    params: dict

    @property
    def token(self):
        return self.params["link"].rpartition("#")[2]


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def make_identity(database, clock, sealer, mailbox):
    def make(**options):
        jobs = Jobs(database, clock)
        service = IdentityService(
            database,
            clock,
            sealer,
            jobs=jobs,
            **{
                "mailer": mailbox,
                "base_url": "https://shop.example",
                "settings": CHEAP,
                "shop_name": "Paper Lantern",
                **options,
            },
        )
        jobs.register(*service.job_kinds())
        service.jobs = jobs
        return service

    return make


@pytest_asyncio.fixture
async def identity(make_identity):
    service = make_identity()
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
