"""What plugins keep about people: told, forgotten, and sealed anew with everything else."""

from __future__ import annotations

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from commercekit.app import Shop
from commercekit.app import piccolo_apps as apps_of
from commercekit.errors import Conflict
from commercekit.identity import Realm
from commercekit.platform.db import audit, invariants_of
from commercekit.platform.plugins import PluginError
from commercekit.platform.security import SealedTable
from tests.app.plugged import bringing, configured, opened
from tests.app.wishes import APP, SEALED, TABLE, Wishes
from tests.shop import EMAIL, configuration, given, refused

__all__ = ["configuration"]

PASSWORD = "paper boats on a lake"
LOGIN = {"email": EMAIL, "password": PASSWORD}
FORGET = {"json": {"password": PASSWORD}}


@pytest.fixture(scope="session")
def piccolo_apps(configuration):
    return [*apps_of(configuration), APP]


class Records(Wishes):
    """As good as they are told to be."""

    trouble: Exception | None = None

    async def export(self, account):
        self.complain()
        return await super().export(account)

    async def erase(self, uow, account):
        await super().erase(uow, account)
        self.complain()

    def complain(self):
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def made():
    """The records that the plugin made."""
    return []


@pytest.fixture
def plugin(made):
    def register(ctx):
        made.append(Records(ctx))
        return made

    return bringing(
        register_piccolo_apps=[APP],
        register_sealed_tables=[SEALED],
        register_personal_records=register,
    )


@pytest_asyncio.fixture
async def shop(dsn, clock, tmp_path, plugin, made):
    async with opened(dsn, clock, tmp_path, plugin) as shop:
        given(await shop.client.post("/store/auth/register", json=LOGIN), 201)
        given(await shop.client.post("/store/auth/login", json=LOGIN))
        account = await shop.shop.identity.accounts.find(Realm.CUSTOMER, EMAIL)
        for text in ("a kite", "a paper boat"):
            await made[0].wish(account.id, text)
        await made[0].wish(SOMEBODY, "a drum")
        yield shop


NOWHERE = "postgresql://nobody@localhost:1/nowhere"
SOMEBODY = "01938a00-0000-7000-8000-000000000042"


async def exported(shop):
    return given(await shop.client.get("/store/me/export"))["parts"]


async def test_it_is_told_and_forgotten_with_the_account(shop):
    assert (await exported(shop))["acme-wishes"] == ["a kite", "a paper boat"]
    gone = await shop.client.post("/store/me/deletion", **FORGET)
    assert gone.status_code == 204
    # Somebody else's stays.
    assert await shop.count(TABLE) == 1
    refused(await shop.client.get("/store/me/export"), 401, "unauthenticated")


async def test_what_cannot_be_told_wholly_is_not_told(shop, made):
    made[0].trouble = KeyError("li.lei@example.com")
    with capture_logs() as logs:
        answer = refused(await shop.client.get("/store/me/export"), 503, "unavailable")
    assert "li.lei" not in answer["detail"]
    [line] = [each for each in logs if each["event"] == "personal-export-failed"]
    assert (line["plugin"], line["records"]) == ("acme", "acme-wishes")
    made[0].trouble = None
    assert (await exported(shop))["acme-wishes"] == ["a kite", "a paper boat"]


@pytest.mark.parametrize(
    ("trouble", "status", "slug"),
    [(KeyError("x"), 500, "internal-error"), (Conflict("A case is open."), 409, "conflict")],
)
async def test_nobody_is_forgotten_by_half(shop, made, trouble, status, slug):
    made[0].trouble = trouble
    refused(await shop.client.post("/store/me/deletion", **FORGET), status, slug)
    assert await shop.count(TABLE) == 3
    # The account is as it was, its session too.
    made[0].trouble = None
    assert (await exported(shop))["acme-wishes"] == ["a kite", "a paper boat"]
    assert (await shop.client.post("/store/me/deletion", **FORGET)).status_code == 204
    assert await shop.count(TABLE) == 1


async def test_its_rows_are_sealed_anew(shop, made):
    own = shop.shop
    before = own.sealer.kid_of(TABLE)
    assert TABLE in await own.rotation.renew(own.sealed, patience=30)
    assert own.sealer.kid_of(TABLE) != before
    assert (await own.reencryption.run())[TABLE] == 3
    kids = await own.db.fetch("SELECT DISTINCT substr(text, 2, 4) AS kid FROM acme_wish")
    assert [row["kid"] for row in kids] == [own.sealer.kid_of(TABLE)]
    assert (await exported(shop))["acme-wishes"] == ["a kite", "a paper boat"]
    assert await audit(own.db, invariants_of([APP])) == []
    await own.db.execute("UPDATE acme_wish SET text = 'in clear'")
    [breach] = await audit(own.db, invariants_of([APP]))
    assert breach.invariant.name == "acme-wish-is-sealed"
    await own.db.execute("DELETE FROM acme_wish")


async def test_in_safe_mode_nobody_is_told_or_forgotten_by_half(shop, dsn, clock, tmp_path, plugin):
    cookies = dict(shop.client.cookies)
    more = '\n[plugins]\nsafe_mode = true\nsafe = ["notify-sandbox"]\n'
    async with opened(dsn, clock, tmp_path, plugin, more=more, goods=False) as safe:
        safe.client.cookies.update(cookies)
        refused(await safe.client.get("/store/me/export"), 503, "unavailable")
        refused(await safe.client.post("/store/me/deletion", **FORGET), 503, "unavailable")
        assert await safe.count(TABLE) == 3
        given(await safe.client.get("/store/me"))


def named(name):
    return lambda ctx: [type("Other", (Wishes,), {"name": name})(ctx)]


@pytest.mark.parametrize(
    "register",
    [
        named("orders"),
        named("wishes"),
        named(""),
        named(None),
        named("acmewishes"),
        lambda ctx: [Wishes(ctx), Wishes(ctx)],
    ],
)
def test_a_name_that_is_not_the_plugins_stops_the_start(tmp_path, register):
    plugin = bringing(register_piccolo_apps=[APP], register_personal_records=register)
    with pytest.raises(PluginError, match=r"'acme' calls personal records"):
        Shop(configured(tmp_path, plugin), NOWHERE)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (SealedTable("orders_order", ("email",)), "no table 'orders_order' of its own"),
        (SealedTable("acme_wishes", ("text",)), "no table 'acme_wishes' of its own"),
        (SealedTable(TABLE, ("owner_id",)), "no bytea column owner_id in acme_wish"),
        (SealedTable(TABLE, ("text", "note")), "no bytea column note in acme_wish"),
        (SealedTable(TABLE, ()), "no bytea column at all in acme_wish"),
    ],
)
def test_a_sealed_table_that_is_not_the_plugins_stops_the_start(tmp_path, table, words):
    plugin = bringing(register_piccolo_apps=[APP], register_sealed_tables=[table])
    with pytest.raises(PluginError, match=words):
        Shop(configured(tmp_path, plugin), NOWHERE)


def test_a_table_is_one_plugins_and_not_its_neighbours(tmp_path):
    owner = bringing(register_piccolo_apps=[APP])
    neighbour = bringing("other", register_sealed_tables=[SEALED])
    with pytest.raises(PluginError, match=r"'other' names no table 'acme_wish' of its own"):
        Shop(configured(tmp_path, owner, neighbour), NOWHERE)
