from __future__ import annotations

import pytest

from commercekit.identity import Client, NewAccount, Realm
from commercekit.platform.security import Principal, PrincipalKind
from tests.platform.http.test_problems import assert_problem

PASSWORD = "paper boats on a lake"
SHOPPER = {"email": "Li.Lei@Example.com", "password": PASSWORD}
KEEPER = {"email": "han@shop.example", "password": PASSWORD}
CLI = Principal.system("test")


async def register(client, **body):
    answer = await client.post("/store/auth/register", json=SHOPPER | body)
    assert answer.status_code == 201, answer.text
    return answer


async def log_in(client, realm="store", **body):
    """Log in; the client keeps the cookie as a browser would."""
    answer = await client.post(
        f"/{realm}/auth/login", json=(SHOPPER if realm == "store" else KEEPER) | body
    )
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
async def keeper(identity):
    new = NewAccount(email=KEEPER["email"], name="Han Meimei")
    return await identity.accounts.create_staff(CLI, new, ["tokens:*"], password=PASSWORD)


def kinds_of_cookies(answer):
    return {cookie.name: cookie for cookie in answer.cookies.jar}


async def test_customer_registers_logs_in_and_out(client, database):
    assert (await register(client)).json() == {"email": "li.lei@example.com"}
    answer = await log_in(client)
    assert answer.json()["status"] == "complete"
    header = answer.headers["set-cookie"]
    assert header.startswith("ck_session=")
    assert "Path=/" in header
    assert "HttpOnly; SameSite=Lax" in header
    out = await client.post("/store/auth/logout")
    assert out.status_code == 204
    assert out.headers["clear-site-data"] == '"cache", "storage"'
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert await database.fetchval("SELECT revoked_for FROM identity_session") == "logged-out"


async def test_staff_log_in_and_do_what_their_account_may(client, keeper):
    await log_in(client, "admin")
    assert (await client.get("/admin/tokens")).status_code == 200
    me = (await client.get("/admin/auth/me")).json()
    assert (me["email"], me["name"], me["scopes"]) == (KEEPER["email"], "Han Meimei", ["tokens:*"])
    assert_problem(await client.get("/admin/audit"), 403, "forbidden")


async def test_without_session_or_token_it_is_401(client):
    answer = await client.get("/admin/tokens")
    assert_problem(answer, 401, "unauthenticated")
    assert "www-authenticate" in answer.headers


async def test_customer_at_a_staff_door_is_401_and_written_down(client, keeper, database):
    await register(client, email=KEEPER["email"])
    await client.post("/store/auth/login", json=KEEPER)
    assert_problem(await client.get("/admin/tokens"), 401, "unauthenticated")
    assert_problem(await client.get("/admin/auth/me"), 401, "unauthenticated")
    rows = await database.fetch(
        "SELECT actor, details->>'path' AS path FROM identity_audit_entry WHERE action = 'security:realm-crossed'"
    )
    assert [row["path"] for row in rows] == ["/admin/tokens"]
    assert rows[0]["actor"] != keeper.actor


async def test_a_cookie_of_one_realm_opens_nothing_under_the_others_name(client, keeper):
    await register(client)
    shopper = (await log_in(client)).cookies["ck_session"]
    client.cookies.clear()
    headers = {"Cookie": f"ck_staff={shopper}"}
    assert_problem(await client.get("/admin/auth/me", headers=headers), 401, "unauthenticated")


async def test_preset_session_is_not_adopted_and_opens_nothing(client, keeper):
    preset = "A" * 43
    client.cookies.set("ck_staff", preset)
    fresh = (await log_in(client, "admin")).cookies["ck_staff"]
    assert fresh != preset
    client.cookies.clear()
    headers = {"Cookie": f"ck_staff={preset}"}
    assert_problem(await client.get("/admin/auth/me", headers=headers), 401, "unauthenticated")


async def test_login_ends_the_session_that_the_browser_had(client, keeper, database):
    first = (await log_in(client, "admin")).cookies["ck_staff"]
    second = (await log_in(client, "admin")).cookies["ck_staff"]
    assert first != second
    client.cookies.clear()
    old = await client.get("/admin/auth/me", headers={"Cookie": f"ck_staff={first}"})
    assert_problem(old, 401, "unauthenticated")
    new = await client.get("/admin/auth/me", headers={"Cookie": f"ck_staff={second}"})
    assert new.status_code == 200
    rows = await database.fetch("SELECT revoked_for FROM identity_session ORDER BY id")
    assert [row["revoked_for"] for row in rows] == ["replaced", None]


async def test_session_in_the_address_is_ignored(client, keeper):
    cookie = (await log_in(client, "admin")).cookies["ck_staff"]
    client.cookies.clear()
    answer = await client.get(f"/admin/tokens?ck_staff={cookie}")
    assert_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    ("minutes", "status"), [(29, 200), (30, 401)], ids=["used in time", "left alone"]
)
async def test_idle_session_ends(client, keeper, clock, minutes, status):
    await log_in(client, "admin")
    clock.advance(minutes=minutes)
    assert (await client.get("/admin/auth/me")).status_code == status


async def test_used_session_lasts_until_its_absolute_end_and_no_longer(client, keeper, clock):
    await log_in(client, "admin")
    for _ in range(12 * 60 // 29):
        clock.advance(minutes=29)
        assert (await client.get("/admin/auth/me")).status_code == 200
    clock.advance(minutes=29)
    assert_problem(await client.get("/admin/auth/me"), 401, "unauthenticated")


async def test_disabled_account_is_out_at_once_and_stays_out(client, keeper, identity):
    await log_in(client, "admin")
    await identity.accounts.set_disabled(CLI, keeper.id, disabled=True)
    assert_problem(await client.get("/admin/auth/me"), 401, "unauthenticated")
    assert_problem(await client.post("/admin/auth/login", json=KEEPER), 401, "wrong-credentials")
    await identity.accounts.set_disabled(CLI, keeper.id, disabled=False)
    assert_problem(await client.get("/admin/auth/me"), 401, "unauthenticated")
    assert (await log_in(client, "admin")).status_code == 200


async def test_revoked_session_ends_at_once_in_every_process(
    client, identity, database, make_identity, keeper
):
    elsewhere = make_identity()
    cookie = (await log_in(client, "admin")).cookies["ck_staff"]
    assert await elsewhere.sessions.find(PrincipalKind.STAFF, cookie) is not None
    async with database.unit_of_work() as uow:
        assert await identity.sessions.revoke_all(uow, keeper.id, because="test") == 1
    assert await elsewhere.sessions.find(PrincipalKind.STAFF, cookie) is None
    await elsewhere.drained()


async def test_own_sessions_are_listed_and_ended(client, keeper):
    await log_in(client, "admin")
    client.cookies.clear()
    agent = {"User-Agent": "Firefox on a phone"}
    await client.post("/admin/auth/login", json=KEEPER, headers=agent)
    listed = (await client.get("/admin/auth/sessions")).json()
    assert [each["is_current"] for each in listed] == [True, False]
    assert listed[0]["user_agent"] == "Firefox on a phone"
    other = listed[1]["id"]
    assert (await client.delete(f"/admin/auth/sessions/{other}")).status_code == 204
    assert len((await client.get("/admin/auth/sessions")).json()) == 1


async def test_nobody_ends_somebody_elses_session(client, keeper, identity, database):
    await register(client)
    await log_in(client)
    theirs = await database.fetchval("SELECT id FROM identity_session")
    await log_in(client, "admin")
    assert_problem(await client.delete(f"/admin/auth/sessions/{theirs}"), 404, "not-found")
    assert await database.fetchval(
        "SELECT revoked_at IS NULL FROM identity_session WHERE id = $1", theirs
    )


async def test_unknown_address_and_wrong_password_read_alike(client):
    await register(client)
    wrong = await client.post("/store/auth/login", json=SHOPPER | {"password": "another one"})
    unknown = await client.post("/store/auth/login", json=SHOPPER | {"email": "no@example.com"})
    bodies = []
    for answer in (wrong, unknown):
        assert_problem(answer, 401, "wrong-credentials")
        assert "set-cookie" not in answer.headers
        bodies.append({**answer.json(), "request_id": None})
    assert bodies[0] == bodies[1]


async def test_registering_a_taken_address_reads_alike_and_changes_nothing(client, database):
    first = await register(client)
    again = await register(client, password="quite another sentence")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert await database.fetchval("SELECT count(*) FROM identity_account") == 1
    assert (await log_in(client)).status_code == 200


async def test_one_address_is_two_accounts_in_two_realms(client, keeper, identity):
    await register(client, email=KEEPER["email"], password="a customer's own sentence")
    answer = await client.post("/store/auth/login", json=KEEPER)
    assert_problem(answer, 401, "wrong-credentials")
    assert (await log_in(client, "admin")).status_code == 200


async def test_address_name_and_password_lie_sealed(client, database):
    await register(client, name="Li Lei")
    row = await database.fetchrow("SELECT email, name, password FROM identity_account")
    assert all(b"ei" not in field and b"argon2" not in field for field in row)


async def test_password_change_in_between_opens_no_session(client, keeper, identity, database):
    """Proven against the old password, and changed before the session is there."""
    found = await identity.logins._prove(
        identity.logins.attempt("login", Realm.STAFF, KEEPER["email"], Client()),
        Realm.STAFF,
        PASSWORD,
        email=KEEPER["email"],
    )
    await database.execute("UPDATE identity_account SET password_at = password_at + interval '1 s'")
    async with database.unit_of_work() as uow:
        with pytest.raises(Exception, match="No account has this"):
            await identity.logins._still_open(uow, found, Realm.STAFF)


async def test_no_other_site_logs_anybody_in(client, database):
    await register(client)
    content = b'{"email": "li.lei@example.com", "password": "paper boats on a lake"}'
    for headers, status, slug in (
        ({"Origin": "https://evil.example"}, 403, "csrf"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "csrf"),
        ({"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
    ):
        sent = {"Content-Type": "application/json"} | headers
        answer = await client.post("/store/auth/login", content=content, headers=sent)
        assert_problem(answer, status, slug)
        assert "set-cookie" not in answer.headers
    assert await database.fetchval("SELECT count(*) FROM identity_session") == 0


async def test_second_factor_ends_the_wait_and_replaces_the_cookie(client, identity, database):
    await register(client)
    account = await identity.accounts.find(Realm.CUSTOMER, SHOPPER["email"])
    async with database.unit_of_work() as uow:
        waiting = await identity.sessions.open(uow, account, Client(), is_pending=True)
    client.cookies.set("ck_session", waiting.secret)
    assert_problem(await client.get("/store/me"), 401, "mfa-required")
    async with database.unit_of_work() as uow:
        done = await identity.sessions.elevate(uow, waiting.id, factor="totp", realm=Realm.CUSTOMER)
    assert (done.id, done.is_pending) == (waiting.id, False)
    assert (done.expires_at - waiting.expires_at).days == 89
    assert_problem(await client.get("/store/me"), 401, "unauthenticated")
    client.cookies.clear()
    client.cookies.set("ck_session", done.secret)
    assert (await client.get("/store/me")).status_code == 200


async def test_what_is_personal_is_kept_by_no_cache_under_no_name(client):
    await register(client)
    await log_in(client)
    assert (await client.get("/store/me")).headers["cache-control"] == "no-store"
    for trick in ("/store/me/x.css", "/store/me;x.css", "/store/me/..%2fproducts.css"):
        answer = await client.get(trick)
        assert answer.status_code == 404
        assert "li.lei" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
