"""What leaves the shop, when, and how often."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from commercekit.platform.webhooks import DisabledReason, EndpointState, MessageState
from tests.platform.webhooks.conftest import STAFF, BellRung, DoorClosed, DoorOpened
from tests.receiver import OK, Receiver, answer

SCHEDULE = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
]


def opened(by: str = "") -> DoorOpened:
    return DoorOpened(door_id=uuid4(), by=by)


async def test_a_fact_is_sent_as_standard_webhooks_say(hooks, receiver):
    issued = await hooks.add(receiver.url())
    fact = opened("Li Lei's key")
    await hooks.tell(fact)
    await hooks.settle()
    (seen,) = receiver.seen
    assert seen.line == "POST /hook HTTP/1.1"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["user-agent"] == "CommerceKit-Webhooks"
    (message,) = await hooks.messages(issued)
    assert seen.headers["webhook-id"] == message.id
    assert message.id.startswith("msg_")
    assert "." not in message.id
    assert seen.headers["webhook-timestamp"] == str(int(hooks.clock.now().timestamp()))
    payload = Webhook(issued.secret).verify(seen.body, seen.headers)
    assert payload == {
        "type": "door.DoorOpened",
        "timestamp": hooks.clock.now().isoformat().replace("+00:00", "Z"),
        "data": {"door_id": str(fact.door_id), "by": "Li Lei's key"},
    }
    assert list(payload) == ["type", "timestamp", "data"]
    assert message.state is MessageState.DELIVERED
    assert (message.attempts, message.last_status, message.last_error) == (1, 200, None)


async def test_each_endpoint_gets_what_it_asked_for_and_nothing_else(hooks, receiver):
    doors = await hooks.add(receiver.url("/doors"), "door.*")
    bells = await hooks.add(receiver.url("/bells"), "bell.BellRung")
    everything = await hooks.add(receiver.url("/all"), "*")
    await hooks.tell(opened(), DoorClosed(door_id=uuid4()), BellRung(bell_id=uuid4()))
    await hooks.settle()
    kinds = [sorted(each.type for each in await hooks.messages(to)) for to in (doors, bells)]
    assert kinds == [["door.DoorClosed", "door.DoorOpened"], ["bell.BellRung"]]
    assert len(await hooks.messages(everything)) == 3
    assert len(receiver.seen) == 6
    # Every message has an id of its own.
    assert len({each.headers["webhook-id"] for each in receiver.seen}) == 6


async def test_a_fact_becomes_one_message_however_often_it_is_taken_in(hooks, receiver):
    issued = await hooks.add(receiver.url())
    await hooks.tell(opened())
    await hooks.bus.drain()
    # The consumer's record is lost, as after a restore from an older backup: it hears all again.
    await hooks.database.execute("DELETE FROM platform_inbox")
    await hooks.database.execute("UPDATE platform_delivery SET state = 'waiting'")
    await hooks.settle()
    assert len(await hooks.messages(issued)) == 1
    assert len(receiver.seen) == 1


async def test_failures_are_tried_again_over_days_with_the_same_id_and_then_given_up(hooks):
    async with Receiver([answer(500, b"oh no")]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
        for number, pause in enumerate(SCHEDULE, start=1):
            assert len(receiver.seen) == number
            (message,) = await hooks.messages(issued)
            assert message.state is MessageState.WAITING
            assert message.due_at == hooks.clock.now() + pause
            await hooks.later(seconds=pause.total_seconds() - 1)
            assert len(receiver.seen) == number, "not before its time"
            await hooks.later(seconds=1)
        (message,) = await hooks.messages(issued)
        assert (message.state, message.attempts, message.due_at) == (MessageState.FAILED, 10, None)
        await hooks.later(days=2)
        assert len(receiver.seen) == 10
        ids = {each.headers["webhook-id"] for each in receiver.seen}
        bodies = {each.body for each in receiver.seen}
        moments = [int(each.headers["webhook-timestamp"]) for each in receiver.seen]
    assert (len(ids), len(bodies), len(set(moments))) == (1, 1, 10)
    assert sum(SCHEDULE, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    log = await hooks.attempts(issued)
    assert [each.number for each in log] == list(range(1, 11))
    assert {(each.status, each.error, each.answer) for each in log} == {(500, None, "oh no")}


async def test_jitter_makes_pauses_a_tenth_shorter_or_longer(make_hooks):
    hooks = make_hooks()
    hooks.deliveries._jitter = lambda: 1.1
    async with Receiver([answer(500)]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
        (message,) = await hooks.messages(issued)
    assert message.due_at == hooks.clock.now() + timedelta(seconds=5.5)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_a_success(hooks, status):
    async with Receiver([answer(status)]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
    (message,) = await hooks.messages(issued)
    assert (message.state, message.last_status) == (MessageState.DELIVERED, status)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504])
async def test_everything_else_is_a_failure(hooks, status):
    async with Receiver([answer(status)]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
    (message,) = await hooks.messages(issued)
    assert (message.state, message.last_status) == (MessageState.WAITING, status)
    endpoint = await hooks.endpoint(issued)
    assert (endpoint.state, endpoint.failures) == (EndpointState.ENABLED, 1)


async def test_a_redirect_is_a_failure_and_nobody_follows_it(hooks):
    async with Receiver() as elsewhere:
        moved = answer(307, Location=elsewhere.url())
        async with Receiver([moved]) as receiver:
            await hooks.add(receiver.url())
            await hooks.tell(opened())
            await hooks.settle()
            assert len(receiver.seen) == 1
        assert elsewhere.connections == 0


async def test_silence_is_a_failure_after_the_timeout(make_hooks):
    async def silence(writer):
        await asyncio.sleep(3)

    hooks = make_hooks(timeout=timedelta(milliseconds=200))
    async with Receiver([silence]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
    (attempt,) = await hooks.attempts(issued)
    assert (attempt.status, attempt.error) == (None, "timeout: No answer within 0.2 seconds.")
    assert 150 <= attempt.duration_ms < 2000


async def test_an_answer_that_never_ends_costs_neither_time_nor_memory(hooks):
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x" * 65536)
            await writer.drain()

    async with Receiver([endless]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
    (attempt,) = await hooks.attempts(issued)
    assert (attempt.status, len(attempt.answer)) == (200, 500)


async def test_what_looks_like_a_secret_in_an_answer_is_not_kept(hooks):
    said = answer(500, b'{"error": "no", "token": "abcdefgh12345678", "card": "4111111111111111"}')
    async with Receiver([said]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
    (attempt,) = await hooks.attempts(issued)
    assert attempt.answer == '{"error": "no", "token": "[redacted]", "card": "411111******1111"}'


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_for_all_of_the_endpoint(hooks, status):
    async with Receiver([answer(status, Retry_After="600"), OK]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
        (message,) = await hooks.messages(issued)
        assert message.due_at == hooks.clock.now() + timedelta(seconds=600)
        await hooks.tell(opened())
        await hooks.later(seconds=599)
        assert len(receiver.seen) == 1, "a new message waits as well"
        await hooks.later(seconds=1)
        assert len(receiver.seen) == 3
    assert (await hooks.endpoint(issued)).rests_until is None
    assert {each.state for each in await hooks.messages(issued)} == {MessageState.DELIVERED}


async def test_a_retry_after_that_comes_sooner_than_the_schedule_changes_nothing(hooks):
    async with Receiver([answer(503, Retry_After="1")]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
    (message,) = await hooks.messages(issued)
    assert message.due_at == hooks.clock.now() + timedelta(seconds=5)


async def test_410_disables_the_endpoint_at_once_and_tells(hooks):
    async with Receiver([answer(410)]) as receiver:
        issued = await hooks.add(receiver.url())
        listener = await hooks.add(receiver.url("/ops"), "webhook.*")
        await hooks.tell(opened())
        await hooks.settle()
        endpoint = await hooks.endpoint(issued)
        assert (endpoint.state, endpoint.disabled_reason) == (
            EndpointState.DISABLED,
            DisabledReason.GONE,
        )
        (told,) = await hooks.messages(listener)
        _, body = await hooks.service.message(listener.endpoint.id, told.id)
        assert json.loads(body)["data"] == {
            "endpoint_id": str(issued.endpoint.id),
            "reason": "gone",
            "failures": 1,
        }
        assert next(each.id for each in hooks.told) == issued.endpoint.id
        seen = len(receiver.seen)
        await hooks.later(days=1)
        assert [each.line for each in receiver.seen[seen:]] == []


async def test_an_endpoint_that_fails_for_days_is_disabled_and_somebody_is_told(hooks):
    async with Receiver([answer(500)]) as receiver:
        issued = await hooks.add(receiver.url())
        for day in range(5):
            await hooks.tell(opened())
            for _ in range(8):
                await hooks.later(hours=3)
            endpoint = await hooks.endpoint(issued)
            assert endpoint.state is EndpointState.ENABLED or day == 4
        assert endpoint.state is EndpointState.ENABLED, "not before five whole days"
        await hooks.tell(opened())
        await hooks.later(hours=3)
    endpoint = await hooks.endpoint(issued)
    assert (endpoint.state, endpoint.disabled_reason) == (
        EndpointState.DISABLED,
        DisabledReason.FAILING,
    )
    assert endpoint.disabled_at == hooks.clock.now()
    assert endpoint.failures >= 12
    (told,) = hooks.told
    assert (told.id, told.failures) == (endpoint.id, endpoint.failures)


async def test_one_success_clears_the_sheet(hooks):
    async with Receiver([answer(500)] * 9 + [OK]) as receiver:
        issued = await hooks.add(receiver.url())
        for _ in range(3):
            await hooks.tell(opened())
        await hooks.settle()
        assert (await hooks.endpoint(issued)).failures == 3
        await hooks.later(seconds=5)
        await hooks.later(minutes=5)
        await hooks.later(minutes=30)
    endpoint = await hooks.endpoint(issued)
    assert (endpoint.failures, endpoint.failing_since) == (0, None)
    assert endpoint.delivered_at == hooks.clock.now()


async def test_few_failures_over_many_days_disable_nobody(hooks):
    """A quiet shop with one message that nobody takes is no reason to give an endpoint up."""
    async with Receiver([answer(500)]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(opened())
        await hooks.settle()
        for pause in SCHEDULE:
            await hooks.later(seconds=pause.total_seconds())
        await hooks.later(days=7)
        await hooks.tell(opened())
        await hooks.settle()
    endpoint = await hooks.endpoint(issued)
    assert (endpoint.state, endpoint.failures) == (EndpointState.ENABLED, 11)


async def test_while_disabled_nothing_is_sent_and_what_waited_goes_out_when_enabled(
    hooks, receiver
):
    issued = await hooks.add(receiver.url())
    await hooks.tell(opened())
    await hooks.bus.drain()
    await hooks.service.disable(STAFF, issued.endpoint.id)
    await hooks.tell(opened())
    await hooks.settle()
    assert receiver.seen == []
    assert len(await hooks.messages(issued)) == 1, "none is made while it is disabled"
    await hooks.service.enable(STAFF, issued.endpoint.id)
    await hooks.settle()
    assert len(receiver.seen) == 1


async def test_headers_of_the_endpoint_travel_along_and_lie_sealed(hooks, receiver, database):
    await hooks.add(receiver.url(), headers={"X-Api-Key": "k-31415926"})
    await hooks.tell(opened())
    await hooks.settle()
    assert receiver.seen[0].headers["x-api-key"] == "k-31415926"
    (row,) = await database.fetch("SELECT headers, header_names FROM webhooks_endpoint")
    assert row["header_names"] == ["X-Api-Key"]
    assert b"k-31415926" not in row["headers"]


async def test_during_a_rotation_both_secrets_sign_and_afterwards_the_new_one_alone(
    hooks, receiver
):
    first = await hooks.add(receiver.url())
    second = await hooks.service.rotate(STAFF, first.endpoint.id, overlap=timedelta(hours=1))
    assert second.secret != first.secret
    await hooks.tell(opened())
    await hooks.settle()
    hooks.clock.advance(hours=1)
    await hooks.tell(opened())
    await hooks.settle()
    during, after = receiver.seen
    assert [part[:3] for part in during.headers["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    for secret in (first.secret, second.secret):
        Webhook(secret).verify(during.body, during.headers)
    with time_machine.travel(hooks.clock.now()):
        Webhook(second.secret).verify(after.body, after.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(first.secret).verify(after.body, after.headers)
    assert len(after.headers["webhook-signature"].split(" ")) == 1


async def test_without_overlap_the_old_secret_ends_at_once(hooks, receiver):
    first = await hooks.add(receiver.url())
    second = await hooks.service.rotate(STAFF, first.endpoint.id, overlap=timedelta())
    await hooks.tell(opened())
    await hooks.settle()
    (seen,) = receiver.seen
    Webhook(second.secret).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first.secret).verify(seen.body, seen.headers)


async def test_a_test_message_is_tried_once_and_counts_against_nobody(hooks):
    async with Receiver([answer(500), OK]) as receiver:
        issued = await hooks.add(receiver.url())
        bad = await hooks.service.test(STAFF, issued.endpoint.id)
        assert (bad.status, bad.number) == (500, 1)
        await hooks.later(hours=1)
        assert len(receiver.seen) == 1
        assert (await hooks.endpoint(issued)).failures == 0
        await hooks.service.disable(STAFF, issued.endpoint.id)
        good = await hooks.service.test(STAFF, issued.endpoint.id)
        assert good.status == 200
        assert json.loads(receiver.seen[1].body)["type"] == "webhook.Test"
    assert [each.state for each in await hooks.messages(issued)] == [
        MessageState.DELIVERED,
        MessageState.FAILED,
    ]


async def test_one_endpoint_is_asked_a_few_times_at_once_and_not_more(make_hooks):
    async def slow(writer):
        await asyncio.sleep(0.05)
        writer.write(OK)

    hooks = make_hooks(per_endpoint=3)
    async with Receiver([slow]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(*(opened() for _ in range(10)))
        await hooks.settle()
        assert (len(receiver.seen), receiver.most_at_once) == (10, 3)
    assert {each.state for each in await hooks.messages(issued)} == {MessageState.DELIVERED}


async def test_a_message_whose_job_was_cancelled_is_found_again(hooks, receiver):
    issued = await hooks.add(receiver.url())
    await hooks.tell(opened())
    await hooks.bus.drain()
    await hooks.database.execute("DELETE FROM platform_job")
    await hooks.settle()
    assert receiver.seen == []
    await hooks.deliveries.look_after()
    await hooks.settle()
    assert [each.state for each in await hooks.messages(issued)] == [MessageState.DELIVERED]


async def test_what_is_older_than_kept_is_deleted_with_its_log(hooks, receiver, database):
    issued = await hooks.add(receiver.url())
    await hooks.tell(opened())
    await hooks.settle()
    await hooks.service.rotate(STAFF, issued.endpoint.id, overlap=timedelta(hours=1))
    hooks.clock.advance(days=29)
    await hooks.tell(opened())
    await hooks.settle()
    hooks.clock.advance(days=2)
    await hooks.deliveries.prune()
    (left,) = await hooks.messages(issued)
    assert left.created_at == hooks.clock.now() - timedelta(days=2)
    assert await database.fetchval("SELECT count(*) FROM webhooks_attempt") == 1
    assert await database.fetchval("SELECT count(*) FROM webhooks_secret") == 1


async def test_an_endpoint_that_is_deleted_takes_everything_along(hooks, receiver, database):
    issued = await hooks.add(receiver.url())
    await hooks.tell(opened())
    await hooks.settle()
    await hooks.service.delete(STAFF, issued.endpoint.id, expected=1)
    for table in ("endpoint", "secret", "message", "attempt"):
        assert await database.fetchval(f"SELECT count(*) FROM webhooks_{table}") == 0
    await hooks.tell(opened())
    await hooks.later(hours=1)
    assert len(receiver.seen) == 1


async def test_a_fact_told_twice_at_one_moment_makes_two_messages_that_can_be_told_apart(
    hooks, receiver
):
    await hooks.add(receiver.url())
    await hooks.tell(opened(), opened())
    await hooks.settle()
    assert len({each.headers["webhook-id"] for each in receiver.seen}) == 2
    for each in receiver.seen:
        assert UUID(each.headers["webhook-id"].removeprefix("msg_")).version == 7
        moment = datetime.fromisoformat(json.loads(each.body)["timestamp"])
        assert moment == hooks.clock.now().astimezone(UTC)
