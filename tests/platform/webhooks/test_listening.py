"""A shop pays for webhooks what its endpoints ask for, and nothing without any."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from commercekit.errors import Conflict
from commercekit.platform.http import UrlNotAllowed
from commercekit.platform.webhooks import (
    EndpointChange,
    EndpointDisabled,
    EndpointNotFound,
    HeaderNotAllowed,
    MessageNotFound,
    MessageState,
    NewEndpoint,
    Replay,
    UnknownEventType,
)
from tests.platform.webhooks.conftest import FACTS, STAFF, BellRung, DoorClosed, DoorOpened
from tests.receiver import OK, Receiver, answer


async def asked(database):
    rows = await database.fetch(
        "SELECT type FROM platform_consumer WHERE consumer = 'webhooks.messages' ORDER BY type"
    )
    return [row["type"] for row in rows]


async def kept(database):
    sql = "SELECT count(*) FROM platform_delivery WHERE consumer = 'webhooks.messages'"
    return await database.fetchval(sql)


async def test_without_endpoints_nothing_is_kept_for_them(hooks, database):
    await hooks.tell(DoorOpened(door_id=uuid4()))
    await hooks.settle()
    assert await asked(database) == []
    assert await kept(database) == 0


async def test_what_is_heard_is_what_enabled_endpoints_ask_for(hooks, receiver, database):
    doors = await hooks.add(receiver.url(), "door.DoorOpened")
    assert await asked(database) == ["door.DoorOpened"]
    bells = await hooks.add(receiver.url(), "bell.*")
    assert await asked(database) == ["bell.BellRung", "door.DoorOpened"]
    await hooks.service.change(
        STAFF, doors.endpoint.id, EndpointChange(events=["door.*"]), expected=1
    )
    assert await asked(database) == ["bell.BellRung", "door.DoorClosed", "door.DoorOpened"]
    await hooks.service.disable(STAFF, doors.endpoint.id)
    assert await asked(database) == ["bell.BellRung"]
    await hooks.service.delete(STAFF, bells.endpoint.id, expected=1)
    assert await asked(database) == []
    await hooks.service.enable(STAFF, doors.endpoint.id)
    assert await asked(database) == ["door.DoorClosed", "door.DoorOpened"]


async def test_endpoints_that_are_added_at_once_are_all_heard(hooks, receiver, database):
    await asyncio.gather(*(hooks.add(receiver.url(), name) for name in FACTS))
    assert await asked(database) == sorted(FACTS)


async def test_facts_from_before_between_and_after_are_each_sent_where_they_belong(
    hooks, receiver, database
):
    """The consumer goes on although it has not seen every fact of the aggregate."""
    door = uuid4()
    await hooks.tell(DoorOpened(door_id=door))
    await hooks.settle()
    issued = await hooks.add(receiver.url())
    await hooks.tell(DoorClosed(door_id=door))
    await hooks.settle()
    await hooks.service.disable(STAFF, issued.endpoint.id)
    await hooks.tell(DoorOpened(door_id=door, by="nobody"))
    await hooks.settle()
    await hooks.service.enable(STAFF, issued.endpoint.id)
    await hooks.tell(DoorClosed(door_id=door))
    await hooks.settle()
    assert [each.type for each in await hooks.messages(issued)] == ["door.DoorClosed"] * 2
    assert len(receiver.seen) == 2
    count = await hooks.service.replay_period(
        STAFF, issued.endpoint.id, Replay.MISSED, since=hooks.clock.now() - timedelta(minutes=1)
    )
    assert count == 2
    await hooks.settle()
    assert len(receiver.seen) == 4
    again = await hooks.service.replay_period(
        STAFF, issued.endpoint.id, Replay.MISSED, since=hooks.clock.now() - timedelta(minutes=1)
    )
    assert again == 0


async def test_a_consumer_that_somebody_asks_for_stays_known_while_the_shop_runs(
    hooks, receiver, database
):
    await hooks.add(receiver.url())
    await database.execute("UPDATE platform_consumer SET seen_at = now() - interval '20 days'")
    await hooks.bus.drain()
    fresh = "SELECT bool_and(seen_at > now() - interval '1 minute') FROM platform_consumer"
    assert await database.fetchval(fresh) is True


# ---------------------------------------------------------------------------------------- replays


async def failed_and_delivered(hooks, receiver):
    """One message that was given up, and one that got through days later."""
    issued = await hooks.add(receiver.url())
    await hooks.tell(DoorOpened(door_id=uuid4()))
    await hooks.settle()
    for _ in range(9):
        await hooks.later(hours=24)
    await hooks.tell(DoorClosed(door_id=uuid4()))
    await hooks.settle()
    return issued


async def test_failed_messages_are_replayed_with_all_their_attempts_before_them(hooks):
    async with Receiver([answer(500)] * 10 + [OK]) as receiver:
        issued = await failed_and_delivered(hooks, receiver)
        new, old = await hooks.messages(issued)
        assert (new.state, old.state) == (MessageState.DELIVERED, MessageState.FAILED)
        since = hooks.clock.now() - timedelta(days=20)
        count = await hooks.service.replay_period(
            STAFF, issued.endpoint.id, Replay.FAILED, since=since
        )
        assert count == 1
        await hooks.settle()
        assert len(receiver.seen) == 12
        assert receiver.seen[11].headers["webhook-id"] == receiver.seen[0].headers["webhook-id"]
    _, old = await hooks.messages(issued)
    assert (old.state, old.attempts) == (MessageState.DELIVERED, 1)
    assert [each.number for each in await hooks.attempts(issued)][-1] == 11


async def test_what_waits_for_its_next_attempt_is_replayed_as_failed_and_hastened_by_enabling(
    hooks,
):
    """The receiver is up again, and nobody wants to wait for hours until the shop notices."""
    async with Receiver([answer(500)] * 3 + [OK]) as receiver:
        issued = await hooks.add(receiver.url())
        await hooks.tell(DoorOpened(door_id=uuid4()))
        await hooks.settle()
        since = hooks.clock.now() - timedelta(hours=1)
        for count in (1, 1):
            again = await hooks.service.replay_period(
                STAFF, issued.endpoint.id, Replay.FAILED, since=since
            )
            assert again == count
            await hooks.settle()
        assert len(receiver.seen) == 3
        await hooks.service.disable(STAFF, issued.endpoint.id)
        await hooks.service.enable(STAFF, issued.endpoint.id)
        await hooks.settle()
        assert len(receiver.seen) == 4
        assert [each.state for each in await hooks.messages(issued)] == [MessageState.DELIVERED]
        nothing = await hooks.service.replay_period(
            STAFF, issued.endpoint.id, Replay.FAILED, since=since
        )
        assert nothing == 0


async def test_a_period_is_replayed_by_when_facts_were_told(hooks, receiver):
    issued = await hooks.add(receiver.url())
    moments = []
    for _ in range(3):
        await hooks.tell(DoorOpened(door_id=uuid4()))
        await hooks.settle()
        moments.append(hooks.clock.now())
        hooks.clock.advance(hours=1)
    count = await hooks.service.replay_period(
        STAFF, issued.endpoint.id, Replay.ALL, since=moments[1], until=moments[2]
    )
    assert count == 1
    await hooks.settle()
    ids = [each.headers["webhook-id"] for each in receiver.seen]
    assert len(ids) == 4
    assert ids[3] == ids[1]


async def test_one_message_is_replayed_by_the_id_that_the_receiver_saw(hooks, receiver):
    issued = await hooks.add(receiver.url())
    await hooks.tell(DoorOpened(door_id=uuid4()))
    await hooks.settle()
    name = receiver.seen[0].headers["webhook-id"]
    again = await hooks.service.replay(STAFF, issued.endpoint.id, name)
    assert (again.id, again.state, again.attempts) == (name, MessageState.WAITING, 0)
    await hooks.settle()
    assert [each.headers["webhook-id"] for each in receiver.seen] == [name, name]
    other = await hooks.add(receiver.url("/other"))
    for wrong in (name.replace("msg_", "msg_x"), "msg_", "nothing", "../x"):
        with pytest.raises(MessageNotFound):
            await hooks.service.replay(STAFF, issued.endpoint.id, wrong)
    with pytest.raises(MessageNotFound):
        await hooks.service.replay(STAFF, other.endpoint.id, name)


async def test_a_disabled_endpoint_is_replayed_to_only_after_it_is_enabled(hooks, receiver):
    issued = await hooks.add(receiver.url())
    await hooks.service.disable(STAFF, issued.endpoint.id)
    with pytest.raises(EndpointDisabled) as refusal:
        await hooks.service.replay_period(
            STAFF, issued.endpoint.id, Replay.ALL, since=hooks.clock.now()
        )
    assert isinstance(refusal.value, Conflict)
    assert refusal.value.extra == {"reason": "by-hand"}


# --------------------------------------------------------------------------------------- refusals


async def test_unknown_facts_are_refused_with_the_list_of_known_ones(hooks, receiver, database):
    with pytest.raises(UnknownEventType) as refusal:
        await hooks.add(receiver.url(), "door.*", "door.DoorPainted", "x y", "window.*")
    assert [each.pointer for each in refusal.value.errors] == [
        "/events/1",
        "/events/2",
        "/events/3",
    ]
    assert refusal.value.extra["known"] == sorted(FACTS)
    assert await database.fetchval("SELECT count(*) FROM webhooks_endpoint") == 0


FORGING = [
    {"Host": "inside"},
    {"content-length": "0"},
    {"Webhook-Id": "msg_1"},
    {"WEBHOOK-Signature": "v1,x"},
    {"Transfer-Encoding": "chunked"},
    {"X-A": "b\r\nX-B: c"},
    {"X-A": ""},
    {"X-A": " b"},
    {"X-A": "ü"},
    {"X A": "b"},
    {"": "b"},
    {"X-A": "b", "x-a": "c"},
    {"X-A": "b" * 1001},
    {f"X-{number}": "b" for number in range(11)},
]


async def test_headers_that_would_break_or_forge_a_request_are_refused(hooks, receiver, database):
    for headers in FORGING:
        with pytest.raises(HeaderNotAllowed) as refusal:
            await hooks.add(receiver.url(), headers=headers)
        assert refusal.value.errors[0].pointer.startswith("/headers")
    assert await database.fetchval("SELECT count(*) FROM webhooks_endpoint") == 0


NOT_ALLOWED = [
    "http://10.0.0.1/",
    "https://10.0.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://0x7f.1/",
    "https://a:b@vendor.example/",
    "ftp://vendor.example/",
    "https://vendor.example:22/",
    "not an address",
]


async def test_addresses_that_are_not_allowed_are_refused_when_they_are_written_down(
    hooks, receiver, database
):
    issued = await hooks.add(receiver.url())
    for url in NOT_ALLOWED:
        with pytest.raises(UrlNotAllowed) as refusal:
            await hooks.add(url)
        assert [(each.pointer, each.code) for each in refusal.value.errors] == [
            ("/url", "url-not-allowed")
        ]
        with pytest.raises(UrlNotAllowed):
            await hooks.service.change(
                STAFF, issued.endpoint.id, EndpointChange(url=url), expected=1
            )
    assert (
        await database.fetchval("SELECT string_agg(url, ' ') FROM webhooks_endpoint")
        == receiver.url()
    )


async def test_a_name_that_leads_inside_later_is_refused_at_every_attempt(
    hooks, receiver, database
):
    """It was public when it was written down; the attempt looks again, and no packet leaves."""
    issued = await hooks.add(receiver.url())
    await database.execute("UPDATE webhooks_endpoint SET url = 'https://localhost:443/'")
    hooks.deliveries._http._transport._reach.networks = ()
    await hooks.tell(DoorOpened(door_id=uuid4()))
    await hooks.settle()
    (attempt,) = await hooks.attempts(issued)
    assert attempt.error == ("url-not-allowed: The address does not lead to the public internet.")
    assert receiver.connections == 0


async def test_what_is_not_there_is_not_found(hooks):
    for ask in (
        hooks.service.get(uuid4()),
        hooks.service.secrets(uuid4()),
        hooks.service.enable(STAFF, uuid4()),
        hooks.service.disable(STAFF, uuid4()),
        hooks.service.rotate(STAFF, uuid4()),
        hooks.service.test(STAFF, uuid4()),
        hooks.service.delete(STAFF, uuid4(), expected=1),
    ):
        with pytest.raises(EndpointNotFound):
            await ask


async def test_whatever_people_do_is_written_down_without_secrets(hooks, receiver):
    issued = await hooks.add(receiver.url(), headers={"X-Api-Key": "k-31415926"})
    service, endpoint_id = hooks.service, issued.endpoint.id
    await service.change(STAFF, endpoint_id, EndpointChange(description="ERP"), expected=1)
    await service.rotate(STAFF, endpoint_id)
    await service.test(STAFF, endpoint_id)
    await service.disable(STAFF, endpoint_id)
    await service.disable(STAFF, endpoint_id)
    await service.enable(STAFF, endpoint_id)
    await service.replay_period(STAFF, endpoint_id, Replay.ALL, since=hooks.clock.now())
    endpoint = await hooks.endpoint(issued)
    await service.delete(STAFF, endpoint_id, expected=endpoint.version)
    assert [each.action for each in hooks.audited] == [
        f"webhooks:{verb}"
        for verb in ("create", "change", "rotate", "test", "disable", "enable", "replay", "delete")
    ]
    assert {each.subject for each in hooks.audited} == {f"webhook/{endpoint_id}"}
    text = repr(hooks.audited)
    assert "whsec_" not in text
    assert "k-31415926" not in text


async def test_a_lost_answer_is_given_anew_with_another_secret(hooks, receiver, database):
    new = NewEndpoint(url=receiver.url(), events=["door.*"])
    chosen = uuid4()
    first = await hooks.service.create(STAFF, new, endpoint_id=chosen)
    second = await hooks.service.create(STAFF, new, endpoint_id=chosen)
    assert first.endpoint.id == second.endpoint.id == chosen
    assert first.secret != second.secret
    assert await database.fetchval("SELECT count(*) FROM webhooks_secret") == 1
    turn = uuid4()
    lost = await hooks.service.rotate(STAFF, chosen, secret_id=turn)
    kept_one = await hooks.service.rotate(STAFF, chosen, secret_id=turn)
    assert lost.secret != kept_one.secret
    assert len(await hooks.service.secrets(chosen)) == 2


async def test_bells_do_not_ring_at_doors(hooks, receiver):
    issued = await hooks.add(receiver.url(), "door.*")
    await hooks.tell(BellRung(bell_id=uuid4()))
    await hooks.settle()
    assert await hooks.messages(issued) == []
    assert receiver.connections == 0
