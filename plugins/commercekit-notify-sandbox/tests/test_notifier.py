from __future__ import annotations

import asyncio
import email
import email.policy
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from commercekit.notifications import Channel, Message, Outcome
from commercekit.platform.providers import ProviderUnavailable, SignatureInvalid
from commercekit_notify_sandbox import plugin
from commercekit_notify_sandbox.notifier import SandboxNotifier
from commercekit_notify_sandbox.settings import Settings

CTX = SimpleNamespace(now=lambda: datetime(2026, 11, 22, 8, 0, tzinfo=UTC))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "messages"


@pytest.fixture
def notifier(folder):
    return SandboxNotifier(Settings(), folder.parent)


def _message(**changes):
    return Message(
        **{
            "message_id": "0123456789abcdef0123456789abcdef",
            "channel": Channel.EMAIL,
            "to": "han@example.com",
            "template": "order-paid",
            "params": {"number": "A-1"},
            "locale": "zh",
            "dedupe_key": "k",
            "subject": "订单 A-1 已付款",
            "text": "感谢您。\n",
            "html": "<p>感谢您。</p>",
            **changes,
        }
    )


async def test_mail_is_a_file_that_a_mail_program_reads(notifier, folder):
    assert await notifier.send(CTX, _message()) is Outcome.SENT
    (file,) = folder.iterdir()
    assert file.name == "0123456789abcdef0123456789abcdef.eml"
    assert file.stat().st_mode & 0o777 == 0o600
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "han@example.com"
    assert mail["Subject"] == "订单 A-1 已付款"
    assert mail["X-CommerceKit-Template"] == "order-paid"
    assert mail.get_body(("plain",)).get_content() == "感谢您。\n"
    assert mail.get_body(("html",)).get_content() == "<p>感谢您。</p>\n"


async def test_text_message_is_a_json_file(notifier, folder):
    sms = _message(channel=Channel.SMS, to="+8613800138000", html=None)
    assert await notifier.send(CTX, sms) is Outcome.SENT
    (file,) = folder.iterdir()
    assert json.loads(file.read_text()) == {
        "message_id": "0123456789abcdef0123456789abcdef",
        "channel": "sms",
        "to": "+8613800138000",
        "template": "order-paid",
        "locale": "zh",
        "text": "感谢您。\n",
    }


async def test_same_message_again_is_not_written_again(notifier, folder):
    answers = await asyncio.gather(
        *(notifier.send(CTX, _message(text=f"{number}\n")) for number in range(8))
    )
    assert answers == [Outcome.SENT] * 8
    (file,) = folder.iterdir()
    before = file.read_bytes()
    await notifier.send(CTX, _message(text="changed\n"))
    assert [each.read_bytes() for each in folder.iterdir()] == [before]


@pytest.mark.parametrize(
    "to", ["a@example.com\nBcc: b@example.com", "a@example.com, b@example.com", "nobody", ""]
)
async def test_what_is_no_single_address_is_refused_and_leaves_no_file(notifier, folder, to):
    assert await notifier.send(CTX, _message(to=to)) is Outcome.REJECTED
    assert not folder.exists()


async def test_a_subject_stays_one_line(notifier, folder):
    subject = "Paid\r\nBcc: b@example.com"
    assert await notifier.send(CTX, _message(subject=subject)) is Outcome.SENT
    (file,) = folder.iterdir()
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert (mail["Subject"], mail["Bcc"]) == ("Paid Bcc: b@example.com", None)


async def test_bad_days_by_address(notifier, folder):
    assert await notifier.send(CTX, _message(to="rejected@example.com")) is Outcome.REJECTED
    with pytest.raises(ProviderUnavailable):
        await notifier.send(CTX, _message(to="down@example.com"))
    assert not folder.exists()
    assert await notifier.send(CTX, _message(to="unknown@example.com")) is Outcome.UNKNOWN
    assert await notifier.send(CTX, _message(to="unknown@example.com")) is Outcome.SENT
    assert len(list(folder.iterdir())) == 1


async def test_receipts_are_forgeries(notifier):
    with pytest.raises(SignatureInvalid):
        await notifier.parse_receipt(CTX, None)


def test_plugin_declares_its_settings_and_one_notifier(folder):
    assert plugin.register_settings() is Settings
    ctx = SimpleNamespace(section=lambda kind: kind(folder=folder), data=folder / "elsewhere")
    (notifier,) = plugin.register_notifiers(ctx)
    assert (notifier.code, notifier._folder) == ("sandbox", folder)
