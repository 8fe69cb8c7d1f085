from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest

from commercekit.kernel import Money
from commercekit.notifications import Channel, Message, Outcome, ReceiptState
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret, Section, SettingsError
from commercekit.testing import provider_context, raw_request
from commercekit_notify_sms_aliyun import plugin
from commercekit_notify_sms_aliyun.settings import Account, Template
from commercekit_notify_sms_aliyun.signing import canonical_query, sign

CHINESE = "+86" + "13900139000"
PRIVATE = {"name": "韩梅梅", "address": "somewhere"}


def _id(clock, *, sequence=1):
    """A UUIDv7 of the test's present."""
    return f"{int(clock.now().timestamp() * 1000):012x}7{sequence:03x}8{'0' * 15}"


def _message(clock, to=CHINESE, **changes):
    message_id = _id(clock)
    given = {
        "message_id": message_id,
        "channel": Channel.SMS,
        "to": to,
        "template": "login-code",
        "params": {"code": "012345", **PRIVATE},
        "locale": "zh-CN",
        "dedupe_key": message_id,
        "subject": "验证码",
        "text": "您的验证码是 012345",
    }
    return Message(**(given | changes))


async def test_a_code_arrives_by_the_vendors_template(notifier, context, vendor, clock):
    message = _message(clock)
    assert await notifier.send(context, message) is Outcome.ACCEPTED
    [text] = vendor.texts
    assert (text.to, text.out_id) == (CHINESE, message.message_id)
    assert text.text == "您的验证码是 012345，5 分钟内有效。"


async def test_the_vendor_is_told_what_its_template_needs_and_no_more(
    notifier, context, vendor, clock
):
    message = _message(clock)
    await notifier.send(context, message)
    assert vendor.requests == [
        (
            "SendSms",
            {
                "PhoneNumbers": CHINESE.removeprefix("+86"),
                "SignName": "韩家商城",
                "TemplateCode": "SMS_2",
                "TemplateParam": '{"code":"012345"}',
                "OutId": message.message_id,
            },
        )
    ]


async def test_numbers_of_other_countries_keep_their_prefix(notifier, context, vendor, clock):
    await notifier.send(context, _message(clock, "+85251234567"))
    assert vendor.requests[0][1]["PhoneNumbers"] == "85251234567"
    assert vendor.texts[0].to == "+85251234567"


async def test_a_message_that_is_not_fresh_is_looked_for_before_it_is_sent_again(
    notifier, context, vendor, clock
):
    message = _message(clock)
    vendor.fault = httpx.ReadTimeout("too slow")
    with pytest.raises(ProviderUnknown):
        await notifier.send(context, message)
    clock.advance(seconds=2)
    assert await notifier.send(context, message) is Outcome.ACCEPTED
    assert await notifier.send(context, message) is Outcome.ACCEPTED
    assert [each.out_id for each in vendor.texts] == [message.message_id]
    assert [action for action, _ in vendor.requests] == [
        "SendSms",
        "QuerySendDetails",
        "QuerySendDetails",
    ]


async def test_a_message_of_yesterday_in_china_is_found(notifier, vendor, clock, account):
    clock.advance(
        datetime(2030, 1, 2, 15, 59, 58, tzinfo=UTC) - clock.now()  # 23:59:58 in China
    )
    async with httpx.AsyncClient(transport=vendor) as http:
        context = provider_context(notifier, account, http=http, clock=clock)
        message = _message(clock)
        vendor.fault = 502
        with pytest.raises(ProviderUnknown):
            await notifier.send(context, message)
        clock.advance(minutes=5)
        assert await notifier.send(context, message) is Outcome.ACCEPTED
    assert len(vendor.texts) == 1
    asked = [params["SendDate"] for action, params in vendor.requests if "Query" in action]
    assert asked == ["20300103", "20300102"]


async def test_a_message_that_was_not_sent_before_is_sent_late(notifier, context, vendor, clock):
    message = _message(clock)
    vendor.down = httpx.ConnectError("no route")
    with pytest.raises(ProviderUnavailable):
        await notifier.send(context, message)
    vendor.down = None
    clock.advance(minutes=5)
    assert await notifier.send(context, message) is Outcome.ACCEPTED
    assert len(vendor.texts) == 1


async def test_records_that_cannot_be_read_send_nothing(notifier, context, vendor, clock):
    message = _message(clock)
    clock.advance(seconds=2)
    vendor.down = httpx.ReadTimeout("too slow")
    with pytest.raises(ProviderUnknown):
        await notifier.send(context, message)
    assert vendor.texts == []


async def test_an_id_that_tells_no_time_is_looked_for(notifier, context, vendor, clock):
    for message_id in ("no-uuid", "0" * 32):
        message = _message(clock, message_id=message_id)
        assert await notifier.send(context, message) is Outcome.ACCEPTED
        assert await notifier.send(context, message) is Outcome.ACCEPTED
    assert [each.out_id for each in vendor.texts] == ["no-uuid", "0" * 32]


@pytest.mark.parametrize(
    "to",
    [
        CHINESE[1:],
        f"{CHINESE},+8613700137000",
        f"{CHINESE}\r\n",
        "+0" + CHINESE[3:],
        "+86 139 0013 9000",
        "+1" + "3125550123",  # the vendor would read it as a number in China
        "+86１３９００１３９０００",
        "+",
        "",
        "han@example.com",
    ],
)
async def test_what_is_no_single_number_is_refused_before_the_vendor_hears_of_it(
    notifier, context, vendor, clock, to
):
    assert await notifier.send(context, _message(clock, to)) is Outcome.REJECTED
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", Outcome.REJECTED),
        ("isv.PARAM_LENGTH_LIMIT", Outcome.REJECTED),
        ("isv.BUSINESS_LIMIT_CONTROL", ProviderUnavailable),
        ("isv.AMOUNT_NOT_ENOUGH", ProviderUnavailable),
        ("Throttling.User", ProviderUnavailable),
        ("isv.SMS_SIGNATURE_ILLEGAL", ProviderConfigError),
        ("isv.SMS_TEMPLATE_ILLEGAL", ProviderConfigError),
        ("isv.SOMETHING_NEW", ProviderConfigError),
        ("isp.SYSTEM_ERROR", ProviderUnknown),
        ("Something.New", ProviderUnknown),
    ],
)
async def test_what_the_vendor_answers_is_said_in_words_of_the_core(
    notifier, context, vendor, clock, code, becomes
):
    vendor.says = code
    if becomes is Outcome.REJECTED:
        assert await notifier.send(context, _message(clock)) is becomes
    else:
        with pytest.raises(becomes):
            await notifier.send(context, _message(clock))
    assert vendor.texts == []


async def test_one_message_a_minute_waits_a_minute(notifier, context, vendor, clock):
    vendor.says = "isv.BUSINESS_LIMIT_CONTROL"
    with pytest.raises(ProviderUnavailable) as refused:
        await notifier.send(context, _message(clock))
    assert refused.value.retry_after == 60


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [
        (httpx.ReadTimeout("slow"), ProviderUnknown),
        (httpx.RemoteProtocolError("cut"), ProviderUnknown),
        (502, ProviderUnknown),
        (200, ProviderUnknown),
        (404, ProviderUnknown),
    ],
)
async def test_an_answer_that_is_lost_is_unknown(notifier, context, vendor, clock, fault, becomes):
    vendor.fault = fault
    with pytest.raises(becomes):
        await notifier.send(context, _message(clock))


@pytest.mark.parametrize("changes", [{"access_key_secret": Secret("x")}, {"access_key_id": "x"}])
async def test_a_wrong_key_calls_an_operator(notifier, vendor, clock, account, changes):
    wrong = msgspec.structs.replace(account, **changes)
    async with httpx.AsyncClient(transport=vendor) as http:
        context = provider_context(notifier, wrong, http=http, clock=clock)
        with pytest.raises(ProviderConfigError):
            await notifier.send(context, _message(clock))
    assert vendor.texts == []


async def test_a_request_that_was_changed_on_the_way_is_refused(vendor, clock, account):
    signed = sign(
        key_id=account.access_key_id,
        secret=account.access_key_secret.reveal(),
        host=account.endpoint,
        action="SendSms",
        version="2017-05-25",
        params={"PhoneNumbers": "1", "SignName": "a b*c~d/e+ä"},
        at=clock.now(),
        nonce="n",
    )
    url = f"https://{account.endpoint}/?{signed.query}"
    async with httpx.AsyncClient(transport=vendor) as http:
        changed = await http.post(url.replace("s=1", "s=2"), headers=signed.headers)
        genuine = await http.post(url, headers=signed.headers)
        again = await http.post(url, headers=signed.headers)
    codes = [json.loads(each.content)["Code"] for each in (changed, genuine, again)]
    assert codes == ["SignatureDoesNotMatch", "isv.SMS_SIGNATURE_ILLEGAL", "SignatureNonceUsed"]


def test_a_query_is_encoded_as_the_document_says():
    assert canonical_query({"b": "a b*c~d/e+é", "a": ""}) == "a=&b=a%20b%2Ac~d%2Fe%2B%C3%A9"


async def test_a_message_without_a_template_calls_an_operator(notifier, context, vendor, clock):
    with pytest.raises(ProviderConfigError, match=r"templates\.order-shipped is not set"):
        await notifier.send(context, _message(clock, template="order-shipped"))
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("locale", "code"), [("zh-CN", "SMS_2"), ("en-GB", "SMS_4"), ("en-US", "SMS_3")]
)
async def test_a_language_may_have_a_template_of_its_own(
    notifier, vendor, clock, account, locale, code
):
    more = {
        "login-code.en": Template(code="SMS_3"),
        "login-code.en-GB": Template(code="SMS_4"),
    }
    templates = {**account.templates, **more}
    spoken = msgspec.structs.replace(account, templates=templates)
    vendor.templates |= {"SMS_3": "Hello", "SMS_4": "Hello"}
    async with httpx.AsyncClient(transport=vendor) as http:
        context = provider_context(notifier, spoken, http=http, clock=clock)
        await notifier.send(context, _message(clock, locale=locale))
    assert vendor.requests[0][1]["TemplateCode"] == code
    assert len(vendor.texts) == 1


@pytest.mark.parametrize("value", [None, Money(100, "CNY"), True, ["a"]])
async def test_a_parameter_that_is_no_text_calls_an_operator(
    notifier, context, vendor, clock, value
):
    with pytest.raises(ProviderConfigError, match=r"login-code\.params\.code"):
        await notifier.send(context, _message(clock, params={"code": value}))
    assert vendor.requests == []


async def test_receipts_say_what_became_of_messages(notifier, context, vendor, clock, account):
    secret = account.receipt_secret.reveal()
    pushed = vendor.push(
        secret,
        vendor.report("a" * 32, at=clock.now()),
        vendor.report("b" * 32, at=clock.now(), success=False),
        vendor.report("", at=clock.now()),
    )
    news = await notifier.parse_receipt(context, raw_request(pushed, at=clock.now()))
    assert [(each.message_id, each.state, each.code, each.at) for each in news.receipts] == [
        ("a" * 32, ReceiptState.DELIVERED, "DELIVERED", clock.now()),
        ("b" * 32, ReceiptState.FAILED, "MK:0004", clock.now()),
    ]
    assert (news.ack.status, json.loads(news.ack.body)["code"]) == (200, 0)
    assert news.nack.status == 503


async def test_receipts_without_the_secret_are_forgeries(notifier, context, vendor, clock, account):
    report = vendor.report("a" * 32, at=clock.now())
    for secret in ("", "guess", account.receipt_secret.reveal()[:-1]):
        pushed = raw_request(vendor.push(secret, report), at=clock.now())
        with pytest.raises(SignatureInvalid):
            await notifier.parse_receipt(context, pushed)


async def test_without_a_secret_nothing_is_heard_and_nothing_awaited(
    notifier, vendor, clock, account
):
    deaf = msgspec.structs.replace(account, receipt_secret=None)
    async with httpx.AsyncClient(transport=vendor) as http:
        context = provider_context(notifier, deaf, http=http, clock=clock)
        assert await notifier.send(context, _message(clock)) is Outcome.SENT
        pushed = raw_request(vendor.push("", vendor.report("a", at=clock.now())), at=clock.now())
        with pytest.raises(SignatureInvalid):
            await notifier.parse_receipt(context, pushed)


@pytest.mark.parametrize("body", [b"{}", b"[", b'[{"success": 1}]', b"\xff", b"[" * 10_000])
async def test_a_push_that_cannot_be_read_is_malformed(
    notifier, context, vendor, clock, account, body
):
    genuine = vendor.push(account.receipt_secret.reveal())
    pushed = msgspec.structs.replace(raw_request(genuine, at=clock.now()), body=body)
    with pytest.raises(ProviderRejected) as refused:
        await notifier.parse_receipt(context, pushed)
    assert refused.value.code == "malformed"


async def test_a_time_that_is_none_is_malformed(notifier, context, vendor, clock, account):
    report = vendor.report("a", at=clock.now(), report_time="yesterday")
    pushed = vendor.push(account.receipt_secret.reveal(), report)
    with pytest.raises(ProviderRejected):
        await notifier.parse_receipt(context, raw_request(pushed, at=clock.now()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"access_key_id": ""}, "access_key_id"),
        ({"sign_name": ""}, "sign_name"),
        ({"endpoint": "evil.test/?"}, "endpoint"),
        ({"templates": {"login-code": {"code": "123"}}}, "code"),
        ({"templates": {"login-code": {"code": "SMS_1", "typo": 1}}}, "typo"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(changes, message):
    given = {"access_key_id": "id", "access_key_secret": "x", "sign_name": "店"} | changes
    with pytest.raises(SettingsError, match=message):
        Section(table=given).read(Account)


def test_plugin_brings_one_notifier_for_text_messages():
    (notifier,) = plugin.register_notifiers()
    assert (notifier.code, notifier.channels) == ("aliyun-sms", frozenset({Channel.SMS}))
    assert Path(plugin.__file__).with_name("py.typed").exists()
