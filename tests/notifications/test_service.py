from __future__ import annotations

import pytest

from commercekit.kernel import Money, PageRequest, new_id
from commercekit.notifications import (
    Channel,
    MessageState,
    NotificationSettings,
    NotifierUnknown,
    Outcome,
    RouteSettings,
    TemplateUnknown,
)
from commercekit.platform.db import schema_drift
from commercekit.platform.jobs import JobState
from commercekit.platform.providers import (
    ProviderRejected,
    ProviderUnavailable,
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.settings import Section, SettingsError


@pytest.fixture
def state(service):
    async def state():
        (only,) = (await service.page(PageRequest())).items
        return only.state, only.failure_code

    return state


async def test_message_is_carried_once_by_the_job(send, notifier, jobs, state, service):
    message_id = await send(locale="zh-CN")
    assert notifier.sent == [], "nothing leaves inside the transaction"
    await jobs.run_due()
    await jobs.run_due()
    (message,) = notifier.sent
    assert (message.message_id, message.to) == (message_id.hex, "han@example.com")
    assert (message.subject, message.locale) == ("订单 A-1 已发货", "zh-CN")
    assert message.html.startswith("<!doctype html>")
    assert await state() == (MessageState.SENT, None)
    assert await service.deliver(message_id) is MessageState.SENT
    assert len(notifier.sent) == 1


async def test_same_key_is_one_message(send, notifier, jobs):
    assert await send() is not None
    assert await send(to="other@example.com") is None
    await jobs.run_due()
    assert [message.to for message in notifier.sent] == ["han@example.com"]


async def test_message_of_a_writer_that_rolled_back_never_leaves(service, database, notifier, jobs):
    with pytest.raises(ZeroDivisionError):
        async with database.unit_of_work() as uow:
            await service.send(
                uow,
                template="order-paid",
                to="han@example.com",
                locale="en",
                params={"number": "A-1", "total": Money(100, "CNY")},
                dedupe_key="k",
            )
            raise ZeroDivisionError
    assert await jobs.run_due() == 0
    assert notifier.sent == []


async def test_whom_and_what_lie_sealed(send, database):
    await send(params={"number": "SECRET-9", "carrier": "", "tracking_number": ""})
    row = await database.fetchrow("SELECT * FROM notifications_message")
    for value in dict(row).values():
        assert b"han@example.com" not in str(value).encode()
        assert b"SECRET-9" not in str(value).encode()
    jobs = await database.fetchval("SELECT payload FROM platform_job")
    assert "han@example.com" not in jobs


async def test_template_without_text_is_refused_before_anything_is_written(send, database):
    with pytest.raises(TemplateUnknown):
        await send(template="order-eaten")
    assert await database.fetchval("SELECT count(*) FROM notifications_message") == 0


async def test_notifier_that_is_down_is_tried_again(send, notifier, jobs, clock, state):
    notifier.outcomes = [ProviderUnavailable(), Outcome.UNKNOWN, RuntimeError("a bug")]
    await send()
    for _ in range(5):
        await jobs.run_due()
        clock.advance(hours=1)
    assert len(notifier.sent) == 4
    assert len({message.message_id for message in notifier.sent}) == 1
    assert await state() == (MessageState.SENT, None)


async def test_message_is_given_up_after_the_last_attempt(send, notifier, jobs, clock, state):
    notifier.outcomes = [ProviderUnavailable()] * 20
    await send()
    for _ in range(12):
        await jobs.run_due()
        clock.advance(hours=1)
    assert len(notifier.sent) == 8
    assert await state() == (MessageState.FAILED, "given-up")
    (job,) = (await jobs.list(PageRequest())).items
    assert job.state is JobState.PARKED


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.REJECTED, "rejected"), (ProviderRejected("no-mailbox"), "no-mailbox")],
)
async def test_refused_message_is_not_tried_again(
    send, notifier, jobs, clock, state, outcome, code
):
    notifier.outcomes = [outcome]
    await send()
    await jobs.run_due()
    clock.advance(days=1)
    await jobs.run_due()
    assert len(notifier.sent) == 1
    assert await state() == (MessageState.REJECTED, code)


async def test_shop_without_notifier_says_so_and_goes_on(make_service, send, jobs, clock):
    service = make_service()
    await send(service)
    await jobs.run_due()
    (message,) = (await service.page(PageRequest())).items
    assert (message.state, message.failure_code) == (MessageState.FAILED, "no-notifier")


async def test_route_names_who_carries_a_channel(make_service, make_notifier, send, jobs):
    one, two = make_notifier("one"), make_notifier("two")
    routes = {"email": RouteSettings(notifier="two")}
    service = make_service(one, two, settings=NotificationSettings(routes=routes))
    await send(service)
    await jobs.run_due()
    assert (len(one.sent), len(two.sent)) == (0, 1)


async def test_text_message_goes_to_who_can_carry_it(make_service, make_notifier, send, jobs):
    mail = make_notifier("mail")
    phone = make_notifier("phone", channels=frozenset({Channel.SMS}))
    service = make_service(mail, phone)
    await send(service, channel=Channel.SMS, to="+8613800138000")
    await jobs.run_due()
    (message,) = phone.sent
    assert (mail.sent, message.html, message.to) == ([], None, "+8613800138000")


def test_wrong_settings_stop_the_start_with_every_problem(make_service, notifier):
    settings = NotificationSettings(
        routes={
            "email": RouteSettings(notifier="nobody"),
            "pigeon": RouteSettings(notifier="fake"),
        },
    )
    with pytest.raises(SettingsError) as refused:
        make_service(notifier, settings=settings)
    assert [problem.path for problem in refused.value.problems] == [
        "notifications.routes.pigeon",
        "notifications.routes.email",
    ]
    with pytest.raises(SettingsError) as refused:
        make_service(
            notifier, settings=NotificationSettings(accounts={"ghost": {"default": Section()}})
        )
    assert refused.value.problems[0].path == "notifications.accounts.ghost"


@pytest.fixture
def receive(service, clock):
    async def receive(body, *, notifier="fake", account="default"):
        request = RawRequest(
            method="POST",
            url="https://shop.test/webhooks/notifiers/fake/default",
            path="/webhooks/notifiers/fake/default",
            query=[],
            headers={},
            body=body,
            received_at=clock.now(),
        )
        return await service.receive_webhook(notifier, account, None, request)

    return receive


async def test_receipt_says_what_became_of_an_accepted_message(
    send, notifier, jobs, state, receive
):
    notifier.outcomes = [Outcome.ACCEPTED]
    message_id = await send()
    await jobs.run_due()
    assert await state() == (MessageState.ACCEPTED, None)
    ack = await receive(f"{message_id.hex} bounced".encode())
    assert ack.body == b"ok"
    assert await state() == (MessageState.BOUNCED, "554")


async def test_forged_receipt_changes_nothing(send, jobs, state, receive):
    await send()
    await jobs.run_due()
    with pytest.raises(SignatureInvalid):
        await receive(b"forged")
    assert await state() == (MessageState.SENT, None)


async def test_receipt_of_a_forgotten_message_is_passed_over(receive):
    assert (await receive(f"{new_id().hex} delivered".encode())).status == 200
    assert (await receive(b"not-ours delivered")).status == 200
    with pytest.raises(NotifierUnknown):
        await receive(b"x delivered", account="other")


async def test_old_messages_are_deleted(send, service, jobs, clock, database):
    await send()
    clock.advance(days=91)
    await send(dedupe_key="fact-2")
    await service.prune()
    assert await database.fetchval("SELECT dedupe_key FROM notifications_message") == "fact-2"


async def test_table_is_declared_as_it_is(database):
    from commercekit.notifications.piccolo_app import APP_CONFIG

    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, APP_CONFIG.table_classes) == []


async def test_message_that_is_handed_over_at_once_is_kept_nowhere(service, notifier, database):
    code = {"code": "123456", "minutes": 5}
    outcome = await service.send_now(
        template="login-code",
        to="li@example.com",
        locale="zh-CN",
        params=code,
        channel=Channel.EMAIL,
    )
    assert outcome is Outcome.SENT
    [message] = notifier.sent
    assert (message.to, message.subject) == ("li@example.com", "您的验证码是 123456")
    assert "5 分钟" in message.text
    assert await database.fetchval("SELECT count(*) FROM notifications_message") == 0
    assert await database.fetchval("SELECT count(*) FROM platform_outbox") == 0


async def test_what_nobody_carries_is_refused_at_once(make_service):
    service = make_service()
    assert not service.carries(Channel.SMS)
    with pytest.raises(ProviderUnavailable):
        await service.send_now(
            template="login-code",
            to="+1",
            locale="en",
            params={"code": "1", "minutes": 5},
            channel=Channel.SMS,
        )
