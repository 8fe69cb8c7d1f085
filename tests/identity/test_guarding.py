"""Wrong passwords are counted before they are judged: for the account, the address, the network."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import Unavailable
from commercekit.identity import (
    Client,
    NewAccount,
    Realm,
    WrongCredentials,
)
from commercekit.identity.rules.captchas import answer_of, open_ticket
from commercekit.platform.http import Throttled
from commercekit.platform.limits import Rule
from commercekit.platform.security import Principal
from tests.identity.guards import Limits
from tests.platform.http.test_problems import assert_problem

PASSWORD = "paper boats on a lake"
SHOPPER = {"email": "li.lei@example.com", "password": PASSWORD}
WRONG = SHOPPER | {"password": "another one"}


@pytest.fixture
async def shopper(identity):
    new = NewAccount(email=SHOPPER["email"])
    await identity.accounts.register(new, PASSWORD)


async def tries(client, body, times):
    return [(await client.post("/store/auth/login", json=body)).status_code for _ in range(times)]


async def test_sixth_wrong_password_waits_and_so_does_the_right_one(client, shopper, sealer):
    assert await tries(client, WRONG, 3) == [401] * 3
    # From here on a captcha is due, and it stands in front of the waiting, not in its place.
    assert_problem(await client.post("/store/auth/login", json=WRONG), 400, "captcha")
    assert await tries(client, WRONG, 1) == [400]
    for body in (WRONG, SHOPPER):
        refused = await client.post("/store/auth/login", json=body)
        assert_problem(refused, 429, "throttled")
        assert refused.headers["retry-after"] == "900"
    # Whoever shows a right answer is judged: others cannot keep them out for nothing.
    given = (await client.get("/store/auth/captcha", params={"kind": "picture"})).json()
    key = sealer.derived_key("captcha")
    answer = f"{given['ticket']}.{answer_of(key, open_ticket(key, given['ticket']))}"
    assert await tries(client, SHOPPER | {"captcha": answer}, 1) == [200]
    assert await tries(client, WRONG, 4) == [401] * 3 + [400]


@pytest.fixture
async def without_captcha(identity):
    async def check(_attempt):
        return None

    identity.captchas.check = check


async def test_five_wrong_ones_then_longer_and_longer_waits(
    client, shopper, clock, without_captcha, database
):
    assert await tries(client, WRONG, 5) == [401] * 5
    refused = await client.post("/store/auth/login", json=SHOPPER)
    assert_problem(refused, 429, "throttled")
    assert 895 <= int(refused.headers["retry-after"]) <= 900
    assert await database.fetchval("SELECT count(*) FROM identity_session") == 0
    for minutes in (15, 30, 60, 60):
        clock.advance(minutes=minutes, seconds=-1)
        assert await tries(client, SHOPPER, 1) == [429]
        clock.advance(seconds=2)
        assert await tries(client, WRONG, 2) == [401, 429]
    clock.advance(minutes=61)
    assert await tries(client, SHOPPER, 1) == [200]
    assert await tries(client, WRONG, 5) == [401] * 5
    # The key says nothing of the address, and an address nobody has is counted alike.
    assert await tries(client, WRONG | {"email": "no@example.com"}, 6) == [401] * 5 + [429]
    assert await tries(client, SHOPPER | {"email": "other@example.com"}, 1) == [401]


async def test_a_right_password_is_not_counted(client, shopper, identity, database):
    identity.guard.limits = Limits(database, logins=Rule("logins", 3, 900.0, exact=True))
    assert await tries(client, SHOPPER, 7) == [200] * 7
    assert await tries(client, WRONG | {"email": "a@example.com"}, 3) == [401] * 3
    assert await tries(client, SHOPPER, 1) == [429]


async def test_what_comes_at_once_in_two_processes_is_counted_one_by_one(
    identity, shopper, make_identity, without_captcha
):
    elsewhere = make_identity()
    elsewhere.captchas.check = identity.captchas.check

    async def attempt(number):
        service = (identity, elsewhere)[number % 2]
        try:
            await service.logins.log_in(
                Realm.CUSTOMER, SHOPPER["email"], "another one", Client(address="192.0.2.7")
            )
        except (WrongCredentials, Throttled) as refused:
            return type(refused)

    try:
        outcomes = await asyncio.gather(*(attempt(number) for number in range(60)))
    finally:
        await elsewhere.drained()
    assert outcomes.count(WrongCredentials) == 5
    assert outcomes.count(Throttled) == 55


async def test_31st_wrong_one_of_an_address_waits_whoever_is_meant(
    identity, database, without_captcha
):
    identity.guard.limits = Limits(database)

    async def attempt(number, address):
        email = f"reader{number}@example.com"
        await identity.logins.log_in(Realm.CUSTOMER, email, "wrong", Client(address=address))

    for number in range(30):
        with pytest.raises(WrongCredentials):
            await attempt(number, "192.0.2.7")
    with pytest.raises(Throttled) as refused:
        await attempt(30, "192.0.2.7")
    assert 1 <= refused.value.extra["retry_after"] <= 30
    with pytest.raises(WrongCredentials):
        await attempt(31, "192.0.2.8")


async def test_a_network_and_the_whole_shop_have_their_own_limits(
    identity, database, without_captcha
):
    identity.guard.limits = Limits(
        database, **{"logins-network": Rule("logins-network", 2, 900.0, exact=True)}
    )

    async def attempt(email, address):
        await identity.logins.log_in(Realm.CUSTOMER, email, "wrong", Client(address=address))

    for number in range(2):
        with pytest.raises(WrongCredentials):
            await attempt(f"a{number}@example.com", f"198.51.100.{number}")
    with pytest.raises(Throttled):
        await attempt("b@example.com", "198.51.100.77")
    with pytest.raises(WrongCredentials):
        await attempt("b@example.com", "198.51.101.77")
    for number in range(2):
        with pytest.raises(WrongCredentials):
            await attempt(f"c{number}@example.com", f"2001:db8:1:{number}::1")
    with pytest.raises(Throttled):
        await attempt("c3@example.com", "2001:db8:1:9::1")


async def test_staff_wait_while_nobody_counts_for_all_and_customers_do_not(
    identity, shopper, database, without_captcha
):
    limits = Limits(database)
    limits.limiter.is_away = True

    async def counts_here(rule, subject):
        verdict = await Limits.ask(limits, rule, subject)
        limits.limiter.is_away = True
        return verdict

    limits.ask = counts_here
    identity.guard.limits = limits
    new = NewAccount(email="han@shop.example")
    await identity.accounts.create_staff(
        Principal.system("test"), new, ["tokens:*"], password=PASSWORD
    )
    with pytest.raises(Unavailable):
        await identity.logins.log_in(Realm.STAFF, "han@shop.example", PASSWORD, Client())
    found = await identity.logins.log_in(Realm.CUSTOMER, SHOPPER["email"], PASSWORD, Client())
    assert found.owed == ()


async def test_registering_one_address_again_and_again_waits(identity, client, database):
    identity.guard.limits = Limits(database)
    answers = [await client.post("/store/auth/register", json=SHOPPER) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert_problem(answers[-1], 429, "throttled")


async def test_an_operator_lets_somebody_try_again(client, shopper, identity, without_captcha):
    assert await tries(client, WRONG, 6) == [401] * 5 + [429]
    attempt = identity.logins.attempt("login", Realm.CUSTOMER, SHOPPER["email"], Client())
    await identity.guard.unlock(Realm.CUSTOMER, attempt.subject)
    assert await tries(client, SHOPPER, 1) == [200]
