from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from commercekit.errors import Conflict
from commercekit.platform.http import (
    Answer,
    Claim,
    Idempotency,
    IdempotencyKeyReused,
    IdempotentRun,
    KeyInFlight,
)
from commercekit.platform.security import MasterKey, Sealer
from tests.platform.http.conftest import client_of
from tests.platform.http.sample import Ledger, sample
from tests.platform.http.test_problems import assert_problem

TABLE = "platform_idempotency_key"
CLAIM = Claim(scope="orders", subject="guest", key="k1", request_hash=b"h" * 32)


@pytest_asyncio.fixture
async def keys(database):
    sealer = Sealer(MasterKey(b"m" * 32))
    await sealer.load(database, [TABLE])
    return Idempotency(database, sealer)


@pytest.fixture
def ledger():
    return Ledger()


@pytest_asyncio.fixture
async def shop(keys, ledger):
    async with client_of(sample(ledger, idempotency=keys)) as client:
        yield client


async def pay(shop, key="key-1", amount=100, outcome="done", **headers):
    if key is not None:
        headers["Idempotency-Key"] = key
    body = {"amount": amount, "outcome": outcome}
    return await shop.post("/store/payments", json=body, headers=headers)


async def expire(database):
    """As if the process had died and its lease run out."""
    await database.execute(f"UPDATE {TABLE} SET lease_until = now() - interval '1 minute'")


async def test_missing_key_is_refused_before_anything_is_done(shop, ledger):
    assert_problem(await pay(shop, key=None), 400, "idempotency-key-required")
    assert ledger.runs == []


@pytest.mark.parametrize("key", ["k" * 256, "", "a b", 'a"b', "a,b", "\x7f"])
async def test_odd_key_is_refused(shop, ledger, key):
    assert_problem(await pay(shop, key=key), 400, "idempotency-key-invalid")
    assert ledger.runs == []


async def test_longest_key_is_taken(shop):
    assert (await pay(shop, key="k" * 255)).status_code == 201


async def test_same_key_and_body_gives_the_same_bytes_and_does_nothing_twice(shop, ledger):
    first = await pay(shop)
    second = await pay(shop)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(ledger.done) == 1


@pytest.mark.promise("R20")
async def test_same_key_and_other_body_is_refused(shop, ledger):
    await pay(shop, amount=100)
    assert_problem(await pay(shop, amount=101), 422, "idempotency-key-reused")
    assert len(ledger.done) == 1


@pytest.mark.promise("R20")
async def test_same_key_of_another_asker_is_another_key(shop, ledger):
    first = await pay(shop, **{"X-Cart-Token": "one"})
    second = await pay(shop, **{"X-Cart-Token": "two"})
    assert first.json()["id"] != second.json()["id"]
    assert len(ledger.done) == 2


async def test_same_key_while_it_runs_is_told_to_wait(shop, ledger):
    started, finish = asyncio.Event(), asyncio.Event()

    async def gate(run):
        started.set()
        await finish.wait()

    ledger.gate = gate
    first = asyncio.ensure_future(pay(shop))
    await started.wait()
    waiting = await pay(shop)
    body = assert_problem(waiting, 409, "idempotency-key-in-flight")
    assert 1 <= int(waiting.headers["retry-after"]) <= 15
    assert body["retry_after"] == int(waiting.headers["retry-after"])
    finish.set()
    assert (await first).status_code == 201
    assert (await pay(shop)).headers["idempotency-replayed"] == "true"
    assert len(ledger.done) == 1


@pytest.mark.parametrize(
    ("outcome", "status"), [("refused", 409), ("unprocessable", 422), ("malformed", 400)]
)
async def test_refusal_frees_the_key(shop, ledger, database, outcome, status):
    assert (await pay(shop, outcome=outcome)).status_code == status
    assert await database.fetchval(f"SELECT count(*) FROM {TABLE}") == 0
    assert (await pay(shop, outcome="done")).status_code == 201


@pytest.mark.parametrize(("outcome", "status"), [("away", 503), ("broken", 500)])
async def test_failure_leaves_the_key_to_the_retry_which_goes_on_with_the_same_id(
    shop, ledger, outcome, status
):
    assert (await pay(shop, outcome=outcome)).status_code == status
    assert (await pay(shop, outcome=outcome)).status_code == status
    assert [run.attempt for run in ledger.runs] == [1, 2]
    assert len({run.id for run in ledger.runs}) == 1
    assert_problem(await pay(shop, outcome="done"), 422, "idempotency-key-reused")
    assert ledger.done == []


async def test_client_that_hangs_up_cancels_nothing(shop, ledger):
    started, finish = asyncio.Event(), asyncio.Event()

    async def gate(run):
        started.set()
        await finish.wait()

    ledger.gate = gate
    first = asyncio.ensure_future(pay(shop))
    await started.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    finish.set()
    for _ in range(50):
        answer = await pay(shop)
        if answer.status_code == 201:
            break
        await asyncio.sleep(0.02)
    assert answer.headers["idempotency-replayed"] == "true"
    assert len(ledger.done) == 1


async def test_twenty_at_once_do_it_once(shop, ledger):
    answers = await asyncio.gather(*(pay(shop) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert len(ledger.done) == 1


async def test_answer_is_stored_sealed(shop, database):
    await pay(shop, amount=987654321)
    row = await database.fetchrow(f"SELECT body, work_id FROM {TABLE}")
    assert b"987654321" not in row["body"]
    assert str(row["work_id"]).encode() not in row["body"]


async def test_lease_holds_for_the_living(keys, database):
    async with database.unit_of_work() as uow:
        run = await keys.claim(uow, CLAIM)
    assert isinstance(run, IdempotentRun)
    async with database.unit_of_work() as uow:
        with pytest.raises(KeyInFlight) as refusal:
            await keys.claim(uow, CLAIM)
    assert 1 <= refusal.value.extra["retry_after"] <= 15


async def test_retry_takes_over_from_the_dead_at_their_step(keys, database):
    async with database.unit_of_work() as uow:
        first = await keys.claim(uow, CLAIM)
        await keys.advance(uow, first, "paid")
    await expire(database)
    async with database.unit_of_work() as uow:
        second = await keys.claim(uow, CLAIM)
    assert (second.id, second.step, second.attempt) == (first.id, "paid", 2)


async def test_the_slower_one_cannot_go_on_beside_who_took_over(keys, database):
    async with database.unit_of_work() as uow:
        first = await keys.claim(uow, CLAIM)
    await expire(database)
    async with database.unit_of_work() as uow:
        second = await keys.claim(uow, CLAIM)
    for act in (
        lambda uow: keys.advance(uow, first, "paid"),
        lambda uow: keys.complete(uow, first, Answer(201, {"by": "first"})),
    ):
        with pytest.raises(KeyInFlight):
            await database.run(act)
    await database.run(lambda uow: keys.complete(uow, second, Answer(201, {"by": "second"})))
    answer = await database.run(lambda uow: keys.claim(uow, CLAIM))
    assert answer.body == b'{"by":"second"}'


async def test_expired_lease_does_not_excuse_another_body(keys, database):
    await database.run(lambda uow: keys.claim(uow, CLAIM))
    await expire(database)
    other = Claim(scope="orders", subject="guest", key="k1", request_hash=b"x" * 32)
    with pytest.raises(IdempotencyKeyReused):
        await database.run(lambda uow: keys.claim(uow, other))


async def test_claim_work_and_answer_in_one_transaction_come_and_go_together(keys, database):
    async def work(uow):
        run = await keys.claim(uow, CLAIM)
        await keys.complete(uow, run, Answer(201, {"id": str(run.id)}))
        raise Conflict("out of stock")

    with pytest.raises(Conflict):
        await database.run(work)
    assert await database.fetchval(f"SELECT count(*) FROM {TABLE}") == 0


async def test_refusal_after_a_step_keeps_the_key_for_the_retry(keys, database):
    async def work(run):
        async with database.unit_of_work() as uow:
            await keys.advance(uow, run, "paid")
        raise Conflict("later")

    with pytest.raises(Conflict):
        await keys.execute(CLAIM, work)

    async def finish(run):
        return Answer(200, {"step": run.step})

    assert (await keys.execute(CLAIM, finish)).body == b'{"step":"paid"}'


async def test_sweeper_finishes_what_it_can_and_keeps_what_it_does_not_know(keys, database):
    async def claim(scope, step=None):
        one = Claim(scope=scope, subject="guest", key=scope, request_hash=b"h" * 32)

        async def work(uow):
            run = await keys.claim(uow, one)
            if step:
                await keys.advance(uow, run, step)
            return run

        return one, await database.run(work)

    finished, _ = await claim("orders", "placed")
    nothing, _ = await claim("refunds", "sent")
    unknown, died = await claim("tokens")
    _stuck, _ = await claim("shipments", "handed")
    await database.execute(f"UPDATE {TABLE} SET lease_until = now() - interval '10 seconds'")
    assert await keys.sweep({}) == 0, "a lease that has just run out is the client's to take over"
    await expire(database)

    async def finish(run):
        return Answer(201, {"step": run.step})

    async def none_of_it(run):
        return None

    assert await keys.sweep({"orders": finish, "refunds": none_of_it}) == 3
    rows = await database.fetch(f"SELECT scope, state FROM {TABLE} ORDER BY scope")
    assert [tuple(row) for row in rows] == [
        ("orders", "completed"),
        ("shipments", "running"),
        ("tokens", "running"),
    ]
    answer = await database.run(lambda uow: keys.claim(uow, finished))
    assert answer.body == b'{"step":"placed"}'
    again = await database.run(lambda uow: keys.claim(uow, nothing))
    assert isinstance(again, IdempotentRun)
    retry = await database.run(lambda uow: keys.claim(uow, unknown))
    assert retry.id == died.id, "what the dead execution made is found by the same id"


@pytest.mark.promise("R20")
async def test_old_answers_are_forgotten_after_a_day_and_not_before(keys, database):
    for key, hours in (("young", 25), ("old", 27)):
        one = Claim(scope="orders", subject="guest", key=key, request_hash=b"h" * 32)

        async def finish(run):
            return Answer(200)

        await keys.execute(one, finish)
        await database.execute(
            f"UPDATE {TABLE} SET created_at = now() - make_interval(hours => $2) WHERE key = $1",
            key,
            hours,
        )
    assert await keys.prune() == 1
    assert await database.fetchval(f"SELECT string_agg(key, ',') FROM {TABLE}") == "young"


async def test_piccolo_declares_what_the_migration_made(database):
    from commercekit.platform.db import schema_drift
    from commercekit.platform.http.tables import IdempotencyKey

    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, [IdempotencyKey]) == []
