from __future__ import annotations

import asyncio

import pytest

from commercekit.identity import NewAccount
from commercekit.notifications.rules import Texts
from commercekit.platform.security import Principal
from tests.platform.http.test_problems import assert_problem

EMAIL, PASSWORD, BETTER = "li.lei@example.com", "paper boats on a lake", "kites above the harbour"
CLI = Principal.system("test")


@pytest.fixture
async def shopper(client, identity, mailbox):
    """A customer who has registered and is logged in."""
    body = {"email": EMAIL, "password": PASSWORD, "name": "Li Lei", "locale": "zh-CN"}
    assert (await client.post("/store/auth/register", json=body)).status_code == 201
    await identity.jobs.run_due()
    await log_in(client)
    return mailbox.last("account-made", EMAIL)


async def log_in(client, email=EMAIL, password=PASSWORD, realm="store"):
    body = {"email": email, "password": password}
    return await client.post(f"/{realm}/auth/login", json=body)


async def ask_reset(client, identity, email=EMAIL, realm="store"):
    answer = await client.post(f"/{realm}/auth/reset-requests", json={"email": email})
    assert answer.status_code == 202, answer.text
    await identity.jobs.run_due()
    return answer


def reset(client, token, password=BETTER, realm="store"):
    return client.post(f"/{realm}/auth/resets", json={"token": token, "password": password})


async def test_registering_sends_a_link_that_proves_the_address_once(client, shopper):
    assert shopper.locale == "zh-CN"
    assert shopper.params["link"].startswith("https://shop.example/account/prove-email#")
    assert (await client.get("/store/me")).json()["is_email_proven"] is False
    prove = {"token": shopper.token}
    assert (await client.post("/store/auth/proofs", json=prove)).status_code == 204
    assert (await client.get("/store/me")).json()["is_email_proven"] is True
    assert_problem(await client.post("/store/auth/proofs", json=prove), 410, "link-spent")


async def test_registering_again_writes_to_the_owner_instead(client, shopper, identity, mailbox):
    body = {"email": EMAIL.upper(), "password": BETTER}
    assert (await client.post("/store/auth/register", json=body)).status_code == 201
    await identity.jobs.run_due()
    assert [mail.template for mail in mailbox.mails] == ["account-made", "account-known"]
    assert (await log_in(client, password=BETTER)).status_code == 401


async def test_link_from_a_mail_sets_a_new_password_and_ends_all_sessions(
    client, shopper, identity, mailbox
):
    await ask_reset(client, identity)
    token = mailbox.last("password-reset", EMAIL).token
    assert (await reset(client, token)).status_code == 204
    assert_problem(await client.get("/store/me"), 401, "unauthenticated")
    assert (await log_in(client)).status_code == 401
    assert (await log_in(client, password=BETTER)).status_code == 200
    assert mailbox.mails[-1].template == "password-changed"
    assert_problem(await reset(client, token, PASSWORD), 410, "link-spent")
    assert (await log_in(client, password=BETTER)).status_code == 200


@pytest.mark.parametrize(("minutes", "status"), [(29, 204), (30, 410)])
async def test_link_to_a_new_password_lasts_half_an_hour(
    client, shopper, identity, mailbox, clock, minutes, status
):
    await ask_reset(client, identity)
    clock.advance(minutes=minutes)
    assert (await reset(client, mailbox.mails[-1].token)).status_code == status


async def test_link_to_an_address_that_was_given_up_is_worth_nothing(
    client, shopper, identity, mailbox
):
    await ask_reset(client, identity)
    old = mailbox.mails[-1].token
    body = {"email": "lei@example.org", "password": PASSWORD}
    assert (await client.post("/store/me/email", json=body)).status_code == 202
    await identity.jobs.run_due()
    change = {"token": mailbox.last("email-change", "lei@example.org").token}
    assert (await client.post("/store/auth/email-changes", json=change)).status_code == 204
    assert mailbox.last("email-changed", EMAIL)
    assert_problem(await reset(client, old), 410, "link-spent")
    assert (await log_in(client)).status_code == 401
    assert (await log_in(client, email="lei@example.org")).status_code == 200
    me = (await client.get("/store/me")).json()
    assert (me["email"], me["is_email_proven"]) == ("lei@example.org", True)
    again = await client.post("/store/auth/email-changes", json=change)
    assert_problem(again, 410, "link-spent")


async def test_address_of_somebody_else_is_not_taken_and_nothing_tells(
    client, shopper, identity, mailbox
):
    other = {"email": "han@example.com", "password": PASSWORD}
    await client.post("/store/auth/register", json=other)
    await identity.jobs.run_due()
    before = len(mailbox.mails)
    answer = await client.post("/store/me/email", json=other)
    await identity.jobs.run_due()
    assert (answer.status_code, len(mailbox.mails)) == (202, before)


async def test_address_that_two_want_goes_to_one(client, shopper, identity, mailbox):
    wanted = "ours@example.com"
    await client.post("/store/me/email", json={"email": wanted, "password": PASSWORD})
    await client.post("/store/auth/register", json={"email": "han@example.com", "password": BETTER})
    await log_in(client, "han@example.com", BETTER)
    await client.post("/store/me/email", json={"email": wanted, "password": BETTER})
    await identity.jobs.run_due()
    links = [mail.token for mail in mailbox.mails if mail.template == "email-change"]
    answers = await asyncio.gather(
        *(client.post("/store/auth/email-changes", json={"token": each}) for each in links)
    )
    assert sorted(answer.status_code for answer in answers) == [204, 410]


async def test_other_address_asks_for_the_password_again(client, shopper, identity, mailbox):
    body = {"email": "lei@example.org", "password": "not the password"}
    assert_problem(await client.post("/store/me/email", json=body), 401, "wrong-credentials")
    await identity.jobs.run_due()
    assert [mail.template for mail in mailbox.mails] == ["account-made"]


async def test_unknown_address_gets_the_same_answer_and_no_mail(client, shopper, identity, mailbox):
    known = await ask_reset(client, identity)
    before = len(mailbox.mails)
    unknown = await ask_reset(client, identity, email="nobody@example.com")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert len(mailbox.mails) == before


async def test_no_address_waits_in_clear(client, shopper, database):
    await client.post("/store/auth/reset-requests", json={"email": EMAIL})
    payloads = await database.fetch("SELECT payload::text FROM platform_job")
    assert payloads
    assert not any("example.com" in row[0] for row in payloads)


async def test_one_link_used_twice_at_once_works_once(client, shopper, identity, mailbox):
    await ask_reset(client, identity)
    token = mailbox.mails[-1].token
    answers = await asyncio.gather(*(reset(client, token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]


async def test_link_of_one_purpose_or_realm_does_nothing_else(client, shopper, identity, mailbox):
    assert_problem(await reset(client, shopper.token), 410, "link-spent")
    await ask_reset(client, identity)
    token = mailbox.mails[-1].token
    assert_problem(await reset(client, token, realm="admin"), 410, "link-spent")
    prove = await client.post("/store/auth/proofs", json={"token": token})
    assert_problem(prove, 410, "link-spent")
    assert (await reset(client, token)).status_code == 204


async def test_weak_password_spends_no_link(client, shopper, identity, mailbox):
    await ask_reset(client, identity)
    token = mailbox.mails[-1].token
    assert_problem(await reset(client, token, "Paper Lantern1"), 422, "weak-password")
    assert (await reset(client, token)).status_code == 204


async def test_changing_the_password_ends_other_sessions_and_renews_this_one(
    client, shopper, mailbox
):
    here = client.cookies["ck_session"]
    client.cookies.clear()
    there = (await log_in(client)).cookies["ck_session"]
    body = {"current": PASSWORD, "password": BETTER}
    changed = await client.post("/store/me/password", json=body)
    assert changed.status_code == 204
    renewed = changed.cookies["ck_session"]
    client.cookies.clear()
    statuses = [
        (await client.get("/store/me", headers={"Cookie": f"ck_session={each}"})).status_code
        for each in (here, there, renewed)
    ]
    assert statuses == [401, 401, 200]
    assert mailbox.mails[-1].template == "password-changed"


async def test_wrong_present_password_changes_nothing(client, shopper):
    body = {"current": "not the password", "password": BETTER}
    assert_problem(await client.post("/store/me/password", json=body), 401, "wrong-credentials")
    assert (await log_in(client)).status_code == 200


@pytest.fixture
async def boss(client, identity):
    """The owner, logged in."""
    new = NewAccount(email="boss@shop.example")
    account = await identity.accounts.create_staff(CLI, new, ["*:*"], password=PASSWORD)
    assert (await log_in(client, "boss@shop.example", realm="admin")).status_code == 200
    return account


async def test_invited_member_of_staff_joins_by_a_link(client, boss, mailbox, database):
    wanted = {"email": "Han@shop.example", "name": "Han", "scopes": ["orders:read"]}
    made = (await client.post("/admin/users", json=wanted)).json()
    assert (made["email"], made["is_invited"]) == ("han@shop.example", True)
    mail = mailbox.last("staff-invited", "han@shop.example")
    assert mail.params["link"].startswith("https://shop.example/console/join#")
    join = {"token": mail.token, "password": BETTER}
    assert (await client.post("/admin/auth/invitations", json=join)).status_code == 204
    assert (await client.get(f"/admin/users/{made['id']}")).json()["is_invited"] is False
    again = await client.post(f"/admin/users/{made['id']}/invitations")
    assert_problem(again, 409, "has-joined")
    await log_in(client, "han@shop.example", BETTER, "admin")
    assert_problem(await client.get("/admin/users"), 403, "forbidden")
    acts = await database.fetch("SELECT action FROM identity_audit_entry ORDER BY id")
    assert "users:create" in [row["action"] for row in acts]


async def test_nobody_invites_with_more_than_they_hold(client, boss, identity, database):
    new = NewAccount(email="clerk@shop.example")
    await identity.accounts.create_staff(CLI, new, ["users:write"], password=PASSWORD)
    await log_in(client, "clerk@shop.example", realm="admin")
    wanted = {"email": "han@shop.example", "scopes": ["*:*"]}
    answer = await client.post("/admin/users", json=wanted)
    assert_problem(answer, 403, "scope-not-held")
    assert await database.fetchval("SELECT count(*) FROM identity_account") == 2


async def test_taken_address_of_staff_is_409(client, boss):
    wanted = {"email": "BOSS@shop.example", "scopes": ["orders:read"]}
    assert_problem(await client.post("/admin/users", json=wanted), 409, "email-taken")


async def test_changing_staff_asks_for_a_fresh_factor(client, boss, clock):
    clock.advance(minutes=6)
    wanted = {"email": "han@shop.example", "scopes": ["orders:read"]}
    assert_problem(await client.post("/admin/users", json=wanted), 401, "step-up-required")
    assert (await client.get("/admin/users")).json()["total"] is None


async def test_own_account_is_neither_closed_nor_deleted(client, boss):
    answer = await client.post(f"/admin/users/{boss.id}/disable")
    assert_problem(answer, 409, "own-account")
    assert_problem(await client.delete(f"/admin/users/{boss.id}"), 409, "own-account")
    assert (await client.get("/admin/auth/me")).status_code == 200


async def test_deleted_member_of_staff_leaves_nothing_personal(client, boss, identity, database):
    new = NewAccount(email="han@shop.example", name="Han")
    han = await identity.accounts.create_staff(CLI, new, ["orders:read"])
    assert (await client.delete(f"/admin/users/{han.id}")).status_code == 204
    row = await database.fetchrow("SELECT * FROM identity_account WHERE id = $1", han.id)
    assert (row["email"], row["email_index"], row["name"], row["password"]) == (None,) * 4
    assert await database.fetchval("SELECT count(*) FROM identity_mail_proof") == 0
    assert_problem(await client.get(f"/admin/users/{han.id}"), 404, "not-found")


@pytest.mark.parametrize(
    "template",
    [
        "account-made",
        "account-known",
        "account-prove",
        "password-reset",
        "password-changed",
        "email-change",
        "email-changed",
        "staff-invited",
    ],
)
def test_every_mail_reads_well_in_both_languages(template):
    texts = Texts(shop_name="A shop")
    for name in ("Li Lei", ""):
        params = {"name": name, "link": "https://x/#t", "until": "2026-11-23T10:00:00+00:00"}
        english, chinese = (texts.render(template, tag, params) for tag in ("en", "zh"))
        for mail in (english, chinese):
            assert mail.text.rstrip().endswith("A shop")
            assert "{" not in mail.text
            assert "\n\n\n" not in mail.text
        assert english.subject.isascii()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.subject)
