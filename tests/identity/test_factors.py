"""Second factors: set up at the first login, asked for at every other, used up once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from litestar import Controller, Request, get

from commercekit.identity import (
    IdentitySettings,
    NewAccount,
    NewToken,
    PasswordSettings,
    Realm,
)
from commercekit.identity.api import CookieSessions, controllers
from commercekit.notifications import Outcome
from commercekit.notifications.rules import Texts
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.providers import ProviderUnavailable
from commercekit.platform.security import (
    Permission,
    PermissionBook,
    Principal,
    require_fresh,
    requires,
)
from commercekit.web import build_web
from tests.identity.authenticators import Passkey
from tests.identity.guards import Courier
from tests.platform.http.conftest import client_of
from tests.platform.http.test_problems import assert_problem

PASSWORD = "paper boats on a lake"
KEEPER = {"email": "han@shop.example", "password": PASSWORD}
SHOPPER = {"email": "li.lei@example.com", "password": PASSWORD}
NUMBER = "+86" + "13900139000"
CLI = Principal.system("test")


class Vault(Controller):
    path = "/admin/vault"

    @get("/", guards=[requires("vault:read")])
    async def look(self) -> str:
        return "gold"

    @get("/open", guards=[requires("vault:read", step_up=True)])
    async def open(self) -> str:
        return "gold, taken out"

    @get("/melt", guards=[requires("vault:read")])
    async def melt(self, request: Request[Any, Any, Any], grams: int) -> str:
        if grams > 100:
            require_fresh(request)
        return f"{grams} g melted"


@pytest.fixture
def courier():
    return Courier()


@pytest.fixture
async def identity(make_identity, courier):
    settings = IdentitySettings(passwords=PasswordSettings(memory_kib=64, passes=1))
    service = make_identity(settings=settings, mailer=courier, base_url="http://shop.example")
    yield service
    await service.drained()


@pytest.fixture
async def app(database, identity, sealer):
    return build_web(
        controllers=(*controllers, Vault),
        dependencies={"identity": identity},
        authenticator=identity.authenticate,
        sessions=CookieSessions(identity, secure=False),
        idempotency=Idempotency(database, sealer),
        cursors=Cursors(b"k" * 32),
    )


@pytest.fixture
async def client(app):
    async with client_of(app) as opened:
        yield opened


@pytest.fixture
async def keeper(identity):
    new = NewAccount(email=KEEPER["email"])
    return await identity.accounts.create_staff(CLI, new, ["vault:*"], password=PASSWORD)


async def log_in(client, realm="admin"):
    body = KEEPER if realm == "admin" else SHOPPER
    answer = await client.post(f"/{realm}/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def set_up_totp(client, clock, realm="admin"):
    """An app that knows the seed; gives it with the recovery codes."""
    begun = await client.post(f"/{realm}/auth/factors/totp")
    assert begun.status_code == 201, begun.text
    app = pyotp.TOTP(begun.json()["secret"])
    path = f"/{realm}/auth/factors/{begun.json()['factor_id']}/confirm"
    confirmed = await client.post(path, json={"code": app.at(clock.now())})
    assert confirmed.status_code == 200, confirmed.text
    clock.advance(seconds=30)
    return app, confirmed.json()["recovery_codes"]


async def prove(client, kind, code, realm="admin"):
    return await client.post(f"/{realm}/auth/prove", json={"kind": kind, "code": code})


async def test_staff_set_one_up_at_the_first_login_before_anything_else(client, keeper, clock):
    told = await log_in(client)
    assert (told["status"], told["factors"]) == ("second-factor", ["setup"])
    for path in ("/admin/vault/", "/admin/auth/me", "/admin/auth/factors"):
        assert_problem(await client.get(path), 401, "mfa-required")
    before = client.cookies["ck_staff"]
    begun = (await client.post("/admin/auth/factors/totp")).json()
    assert begun["qr"].startswith("data:image/svg+xml")
    assert pyotp.parse_uri(begun["uri"]).issuer == "Paper Lantern"
    path = f"/admin/auth/factors/{begun['factor_id']}/confirm"
    assert_problem(await client.post(path, json={"code": "000000"}), 401, "code-wrong")
    assert_problem(await client.get("/admin/vault/"), 401, "mfa-required")
    code = pyotp.TOTP(begun["secret"]).at(clock.now())
    confirmed = await client.post(path, json={"code": code})
    assert len(confirmed.json()["recovery_codes"]) == 10
    assert client.cookies["ck_staff"] != before
    assert (await client.get("/admin/vault/")).text == "gold"
    client.cookies.clear()
    client.cookies.set("ck_staff", before)
    assert_problem(await client.get("/admin/vault/"), 401, "unauthenticated")
    # The code that confirmed it opens nothing again.
    client.cookies.clear()
    assert (await log_in(client))["factors"] == ["totp", "recovery"]
    assert_problem(await prove(client, "totp", code), 401, "code-wrong")


async def test_every_login_asks_and_a_code_counts_once(client, keeper, clock, database):
    await log_in(client)
    app, _ = await set_up_totp(client, clock)
    client.cookies.clear()
    await log_in(client)
    assert_problem(await client.get("/admin/vault/"), 401, "mfa-required")
    begun = await client.post("/admin/auth/factors/totp")
    assert_problem(begun, 401, "mfa-required")
    old = app.at(clock.now() - timedelta(seconds=60))
    assert_problem(await prove(client, "totp", old), 401, "code-wrong")
    code = app.at(clock.now())
    assert (await prove(client, "totp", code)).status_code == 200
    assert (await client.get("/admin/vault/")).text == "gold"
    assert_problem(await prove(client, "totp", code), 401, "code-wrong")
    actions = await database.fetch("SELECT action FROM identity_audit_entry ORDER BY id")
    told = [row[0] for row in actions if "factor" in row[0]]
    assert told == [
        "factors:add",
        "security:factor-failed",
        "factors:prove",
        "security:factor-failed",
    ]


async def test_two_at_once_with_one_code_open_one_session(app, identity, keeper, clock):
    async with client_of(app) as first, client_of(app) as second:
        await log_in(first)
        totp, recovery = await set_up_totp(first, clock)
        for client in (first, second):
            client.cookies.clear()
            await log_in(client)
        code = totp.at(clock.now())
        answers = await asyncio.gather(*(prove(each, "totp", code) for each in (first, second)))
        assert sorted(answer.status_code for answer in answers) == [200, 401]
        for client in (first, second):
            client.cookies.clear()
            await log_in(client)
        answers = await asyncio.gather(
            *(prove(each, "recovery", recovery[0]) for each in (first, second))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_sixth_wrong_code_waits_and_so_does_the_right_one(client, keeper, clock):
    await log_in(client)
    app, recovery = await set_up_totp(client, clock)
    client.cookies.clear()
    await log_in(client)
    for _ in range(5):
        assert_problem(await prove(client, "totp", "000000"), 401, "code-wrong")
    refused = await prove(client, "totp", app.at(clock.now()))
    assert_problem(refused, 429, "throttled")
    assert int(refused.headers["retry-after"]) > 800
    assert_problem(await prove(client, "recovery", recovery[0]), 429, "throttled")
    client.cookies.clear()
    await log_in(client)
    assert_problem(await prove(client, "totp", app.at(clock.now())), 429, "throttled")


async def test_recovery_codes_work_once_and_only_their_hashes_are_kept(
    client, keeper, clock, database
):
    await log_in(client)
    _, codes = await set_up_totp(client, clock)
    typed = codes[0].lower().replace("-", " ")
    assert (await prove(client, "recovery", typed)).status_code == 200
    assert_problem(await prove(client, "recovery", codes[0]), 401, "code-wrong")
    assert (await client.get("/admin/auth/factors")).json()["recovery_codes_left"] == 9
    kept = await database.fetch("SELECT hash FROM identity_recovery_code")
    plain = [code.replace("-", "").encode() for code in codes]
    assert not any(each in row["hash"] for row in kept for each in plain)
    renewed = (await client.post("/admin/auth/factors/recovery-codes")).json()["recovery_codes"]
    assert_problem(await prove(client, "recovery", codes[1]), 401, "code-wrong")
    assert (await prove(client, "recovery", renewed[0])).status_code == 200


async def test_what_cannot_be_taken_back_asks_again_after_five_minutes(
    client, keeper, clock, identity
):
    await log_in(client)
    app, _ = await set_up_totp(client, clock)
    assert (await client.get("/admin/vault/open")).text == "gold, taken out"
    clock.advance(minutes=5)
    assert_problem(await client.get("/admin/vault/open"), 401, "step-up-required")
    assert (await client.get("/admin/vault/")).text == "gold"
    assert (await client.get("/admin/vault/melt?grams=100")).text == "100 g melted"
    assert_problem(await client.get("/admin/vault/melt?grams=101"), 401, "step-up-required")
    # A token has nobody in front of it.
    new = NewToken(name="script", scopes=frozenset({"vault:read"}))
    issued = await identity.create_token(CLI, new)
    bearer = {"Authorization": f"Bearer {issued.secret}"}
    melted = await client.get("/admin/vault/melt?grams=101", headers=bearer)
    assert (melted.status_code, melted.text) == (200, "101 g melted")
    renew = await client.post("/admin/auth/factors/recovery-codes")
    assert_problem(renew, 401, "step-up-required")
    assert_problem(await client.post("/admin/auth/factors/totp"), 401, "step-up-required")
    proof = await client.post("/admin/auth/prove", json={"kind": "password", "code": PASSWORD})
    assert_problem(proof, 401, "mfa-required")
    assert_problem(await client.get("/admin/vault/open"), 401, "step-up-required")
    assert (await prove(client, "totp", app.at(clock.now()))).status_code == 200
    assert (await client.get("/admin/vault/open")).text == "gold, taken out"


async def test_the_last_factor_stays_and_the_others_go(client, keeper, clock, courier):
    await log_in(client)
    await set_up_totp(client, clock)
    [only] = (await client.get("/admin/auth/factors")).json()["factors"]
    path = f"/admin/auth/factors/{only['id']}"
    assert_problem(await client.delete(path), 409, "factor-owed")
    assert len((await client.get("/admin/auth/factors")).json()["factors"]) == 1
    begun = await client.post("/admin/auth/factors/codes", json={"kind": "sms", "to": NUMBER})
    confirm = f"/admin/auth/factors/{begun.json()['factor_id']}/confirm"
    confirmed = await client.post(confirm, json={"code": courier.sent[-1][-1]})
    assert confirmed.json()["recovery_codes"] == []
    assert (await client.delete(path)).status_code == 204
    assert_problem(await client.delete(path), 404, "not-found")
    [left] = (await client.get("/admin/auth/factors")).json()["factors"]
    assert (left["kind"], left["label"]) == ("sms", "+86•••••••9000")


async def test_the_owner_is_told_whenever_a_factor_changes(
    client, keeper, clock, courier, identity
):
    def told():
        changes = [(to, params["change"], params["kind"]) for _, to, _, params in courier.mails]
        assert {template for template, *_ in courier.mails} <= {"factors-changed"}
        courier.mails.clear()
        return changes

    to = KEEPER["email"]
    await log_in(client)
    begun = await client.post("/admin/auth/factors/totp")
    assert told() == []  # nothing opens the account yet
    confirm = f"/admin/auth/factors/{begun.json()['factor_id']}/confirm"
    assert_problem(await client.post(confirm, json={"code": "000000"}), 401, "code-wrong")
    assert told() == []
    code = pyotp.TOTP(begun.json()["secret"]).at(clock.now())
    assert (await client.post(confirm, json={"code": code})).status_code == 200
    assert told() == [(to, "added", "totp")]
    assert (await client.post("/admin/auth/factors/recovery-codes")).status_code == 201
    assert told() == [(to, "codes-renewed", "")]
    begun = await client.post("/admin/auth/factors/codes", json={"kind": "sms", "to": NUMBER})
    confirm = f"/admin/auth/factors/{begun.json()['factor_id']}/confirm"
    await client.post(confirm, json={"code": courier.sent[-1][-1]})
    assert told() == [(to, "added", "sms")]
    factors = (await client.get("/admin/auth/factors")).json()["factors"]
    for factor in factors:
        await client.delete(f"/admin/auth/factors/{factor['id']}")
    # The second one stays, and nobody is told what did not happen.
    assert told() == [(to, "removed", factors[0]["kind"])]
    account = await identity.accounts.find(Realm.STAFF, to)
    await identity.factors.reset(CLI, account, reason="lost telephone")
    assert told() == [(to, "reset", "")]


@pytest.mark.parametrize("name", ["Li Lei", ""])
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        *(("added", kind) for kind in ("totp", "passkey", "sms", "email")),
        *(("removed", kind) for kind in ("totp", "passkey", "sms", "email")),
        ("codes-renewed", ""),
        ("reset", ""),
    ],
)
def test_a_mail_about_factors_says_which_in_both_languages(name, change, kind):
    texts = Texts(shop_name="A shop")
    params = {"name": name, "change": change, "kind": kind}
    english, chinese = (texts.render("factors-changed", tag, params) for tag in ("en", "zh"))
    for mail in (english, chinese):
        assert mail.text.rstrip().endswith("A shop")
        assert "{" not in mail.text
        assert "\n\n\n" not in mail.text
    assert english.subject.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.subject)


async def test_codes_by_text_message_are_for_one_session_and_five_minutes(
    app, keeper, clock, courier, database
):
    async with client_of(app) as first, client_of(app) as second:
        await log_in(first)
        begun = await first.post("/admin/auth/factors/codes", json={"kind": "sms", "to": NUMBER})
        assert "authenticator app or a passkey" in begun.json()["advice"]
        path = f"/admin/auth/factors/{begun.json()['factor_id']}/confirm"
        assert (await first.post(path, json={"code": courier.sent[-1][-1]})).status_code == 200
        for client in (first, second):
            client.cookies.clear()
            assert (await log_in(client))["factors"] == ["sms", "recovery"]
            await client.post("/admin/auth/prove/ask", json={"kind": "sms"})
        [_, theirs, other] = [code for *_, code in courier.sent]
        assert [sent[:4] for sent in courier.sent] == [("sms", NUMBER, "login-code", "en")] * 3
        if theirs != other:
            assert_problem(await prove(first, "sms", other), 401, "code-wrong")
        assert (await prove(first, "sms", theirs)).status_code == 200
        assert_problem(await prove(first, "sms", theirs), 401, "code-wrong")
        clock.advance(minutes=5)
        assert_problem(await prove(second, "sms", other), 401, "code-wrong")
        # A newer code makes the older one worthless.
        for _ in range(2):
            await second.post("/admin/auth/prove/ask", json={"kind": "sms"})
        older, newer = courier.sent[-2][-1], courier.sent[-1][-1]
        if older != newer:
            assert_problem(await prove(second, "sms", older), 401, "code-wrong")
        assert (await prove(second, "sms", newer)).status_code == 200
        sixth = await second.post("/admin/auth/prove/ask", json={"kind": "sms"})
        assert_problem(sixth, 429, "throttled")
        assert len(courier.sent) == 5
        clock.advance(minutes=56)
        again = await second.post("/admin/auth/prove/ask", json={"kind": "sms"})
        assert again.status_code in (200, 401)  # 401 only where the session is over
    # Neither in the queue of messages nor in the table of questions stands a code.
    stored = await database.fetch("SELECT digest FROM identity_challenge")
    assert all(len(row["digest"]) == 32 for row in stored)


async def test_a_message_that_cannot_be_sent_is_told(client, keeper, courier):
    await log_in(client)
    body = {"kind": "sms", "to": NUMBER}
    courier.outcome = ProviderUnavailable(detail="down")
    refused = await client.post("/admin/auth/factors/codes", json=body)
    assert_problem(refused, 503, "provider-unavailable")
    courier.outcome = Outcome.REJECTED
    refused = await client.post("/admin/auth/factors/codes", json=body)
    assert_problem(refused, 422, "unprocessable")
    courier.channels = set()
    refused = await client.post("/admin/auth/factors/codes", json=body)
    assert_problem(refused, 422, "unprocessable")
    for wrong in ({"kind": "totp", "to": NUMBER}, {"kind": "email", "to": "nobody"}):
        courier.channels = {"email"}
        refused = await client.post("/admin/auth/factors/codes", json=wrong)
        assert_problem(refused, 422, "unprocessable")
    assert courier.sent == []


async def test_customers_may_have_one_and_are_asked_for_it(client, clock, identity):
    await client.post("/store/auth/register", json=SHOPPER)
    assert (await log_in(client, "store"))["status"] == "complete"
    clock.advance(minutes=6)
    begun = await client.post("/store/auth/factors/totp")
    assert_problem(begun, 401, "step-up-required")
    wrong = await client.post("/store/auth/prove", json={"kind": "password", "code": "no"})
    assert_problem(wrong, 401, "wrong-credentials")
    again = await client.post("/store/auth/prove", json={"kind": "password", "code": PASSWORD})
    assert again.status_code == 200
    app, _ = await set_up_totp(client, clock, "store")
    client.cookies.clear()
    assert (await log_in(client, "store"))["factors"] == ["totp", "recovery"]
    assert_problem(await client.get("/store/auth/factors"), 401, "mfa-required")
    proven = await prove(client, "totp", app.at(clock.now()), "store")
    assert proven.status_code == 200
    clock.advance(days=10)
    [only] = (await client.get("/store/auth/factors")).json()["factors"]
    await prove(client, "totp", app.at(clock.now()), "store")
    assert (await client.delete(f"/store/auth/factors/{only['id']}")).status_code == 204
    client.cookies.clear()
    assert (await log_in(client, "store"))["status"] == "complete"


async def ask_passkey(client):
    answer = await client.post("/admin/auth/prove/ask", json={"kind": "passkey"})
    assert answer.status_code == 200, answer.text
    return answer.json()["options"]


async def show(client, credential):
    body = {"kind": "passkey", "credential": credential}
    return await client.post("/admin/auth/prove", json=body)


async def set_up_passkey(client, passkey):
    options = (await client.post("/admin/auth/factors/passkeys")).json()
    body = {"credential": passkey.create(options), "label": "Telephone"}
    return await client.post("/admin/auth/factors/passkeys/confirm", json=body)


@pytest.mark.parametrize("counts", [True, False], ids=["counting", "not counting"])
async def test_a_fingerprint_is_a_second_factor(client, keeper, counts):
    await log_in(client)
    passkey = Passkey(counts=counts)
    confirmed = await set_up_passkey(client, passkey)
    assert confirmed.status_code == 200, confirmed.text
    assert len(confirmed.json()["recovery_codes"]) == 10
    assert (await client.get("/admin/vault/")).text == "gold"
    assert_problem(await set_up_passkey(client, passkey), 409, "conflict")
    for _ in range(2):
        client.cookies.clear()
        assert (await log_in(client))["factors"] == ["passkey", "recovery"]
        options = await ask_passkey(client)
        credential = passkey.get(options)
        assert (await show(client, credential)).status_code == 200
        assert (await client.get("/admin/vault/")).text == "gold"
        assert_problem(await show(client, credential), 401, "code-wrong")


async def test_a_passkey_of_another_address_or_question_proves_nothing(client, keeper):
    await log_in(client)
    evil = await set_up_passkey(client, Passkey("http://evil.example"))
    assert_problem(evil, 401, "code-wrong")
    passkey = Passkey()
    await set_up_passkey(client, passkey)
    passkey.count = 5
    assert (await show(client, passkey.get(await ask_passkey(client)))).status_code == 200
    client.cookies.clear()
    await log_in(client)
    old = passkey.get(await ask_passkey(client))
    await ask_passkey(client)
    assert_problem(await show(client, old), 401, "code-wrong")
    # A wrong answer uses the question up.
    options = await ask_passkey(client)
    stranger = Passkey()
    stranger.id = passkey.id
    assert_problem(await show(client, stranger.get(options)), 401, "code-wrong")
    assert_problem(await show(client, passkey.get(options)), 401, "code-wrong")
    # One that was copied counts from where it was copied.
    options = await ask_passkey(client)
    passkey.count = 0
    assert_problem(await show(client, passkey.get(options)), 401, "code-wrong")
    assert_problem(await client.get("/admin/vault/"), 401, "mfa-required")
    passkey.count = 20
    assert_problem(await show(client, {"rawId": 1}), 401, "code-wrong")
    assert_problem(await show(client, passkey.get(await ask_passkey(client))), 429, "throttled")


async def test_a_shop_and_a_plugin_say_what_else_asks_again(make_identity):
    brought = Permission("vault:read", {"en": "See the vault"}, step_up=True)
    book = PermissionBook([Permission("vault:write", {"en": "Fill it"}), brought])
    service = make_identity(permissions=book, settings=IdentitySettings(step_up=("vault:write",)))
    assert CookieSessions(service, secure=True).sensitive == {"vault:read", "vault:write"}
    await service.drained()


async def test_an_operator_takes_a_lost_factor_away(client, keeper, clock, identity, database):
    await log_in(client)
    await set_up_totp(client, clock)
    account = await identity.accounts.find(Realm.STAFF, KEEPER["email"])
    assert await identity.factors.reset(CLI, account, reason="lost telephone") == 1
    assert_problem(await client.get("/admin/vault/"), 401, "unauthenticated")
    assert await database.fetchval("SELECT count(*) FROM identity_recovery_code") == 0
    client.cookies.clear()
    assert (await log_in(client))["factors"] == ["setup"]
    row = await database.fetchrow(
        "SELECT actor, reason FROM identity_audit_entry WHERE action = 'factors:reset'"
    )
    assert tuple(row) == ("test", "lost telephone")


async def test_seeds_and_numbers_lie_sealed(client, keeper, clock, courier, database):
    await log_in(client)
    app, _ = await set_up_totp(client, clock)
    await client.post("/admin/auth/factors/codes", json={"kind": "sms", "to": NUMBER})
    rows = await database.fetch("SELECT * FROM identity_factor")
    assert len(rows) == 2
    text = repr([dict(row) for row in rows])
    assert app.secret not in text
    assert NUMBER not in text
