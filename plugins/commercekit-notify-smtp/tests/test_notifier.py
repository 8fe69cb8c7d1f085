from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from commercekit.kernel import new_id
from commercekit.notifications import Channel, Message, Outcome
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret, Section, SettingsError
from commercekit_notify_smtp import plugin
from commercekit_notify_smtp.letters import reader
from commercekit_notify_smtp.notifier import SmtpNotifier
from commercekit_notify_smtp.settings import Account, Encryption


@pytest.fixture
def notifier():
    return SmtpNotifier()


def _message(to="han@example.com", **changes):
    message_id = new_id().hex
    given = {
        "message_id": message_id,
        "channel": Channel.EMAIL,
        "to": to,
        "template": "order-paid",
        "params": {},
        "locale": "zh-CN",
        "dedupe_key": message_id,
        "subject": "订单 A-1 已付款",
        "text": "感谢您。\n.\n..a line that begins with dots\n",
        "html": "<p>感谢您。</p>",
    }
    return Message(**(given | changes))


async def test_mail_arrives_whole(notifier, contexts, box, clock):
    context = contexts(box.port, sender_name="韩家 Shop, Ltd.", reply_to="help@example.com")
    message = _message()
    assert await notifier.send(context, message) is Outcome.SENT
    [(sender, readers, _)], [mail] = box.mails, box.letters()
    assert (sender, readers) == ("shop@example.com", ["han@example.com"])
    assert mail["From"].addresses[0].display_name == "韩家 Shop, Ltd."
    assert mail["From"].addresses[0].addr_spec == "shop@example.com"
    assert (mail["To"], mail["Reply-To"]) == ("han@example.com", "help@example.com")
    assert mail["Subject"] == "订单 A-1 已付款"
    assert mail["Message-ID"] == f"<{message.message_id}@example.com>"
    assert mail["Date"].datetime == clock.now().replace(microsecond=0)
    assert (mail["Content-Language"], mail["Auto-Submitted"]) == ("zh-CN", "auto-generated")
    assert mail.get_body(("plain",)).get_content().splitlines() == message.text.splitlines()
    assert mail.get_body(("html",)).get_content().strip() == message.html


async def test_the_same_message_again_has_the_same_message_id(notifier, contexts, box, clock):
    context, message = contexts(box.port), _message()
    await notifier.send(context, message)
    clock.advance(hours=3)
    await notifier.send(context, message)
    first, second = box.letters()
    assert first["Message-ID"] == second["Message-ID"]


async def test_starttls_and_password(notifier, contexts, starttls_box, papers):
    context = contexts.secure(starttls_box.port, papers)
    assert await notifier.send(context, _message()) is Outcome.SENT
    assert starttls_box.over_tls == [True]
    assert len(starttls_box.signed_in) == 1


async def test_tls_from_the_first_byte(notifier, contexts, tls_box, papers):
    context = contexts(tls_box.port, encryption=Encryption.TLS, ca_file=papers.authority)
    assert await notifier.send(context, _message()) is Outcome.SENT
    assert tls_box.over_tls == [True]


@pytest.mark.parametrize("encryption", [Encryption.STARTTLS, Encryption.TLS])
async def test_a_certificate_of_nobody_known_is_refused_before_a_word_is_said(
    notifier, contexts, starttls_box, tls_box, encryption
):
    box = starttls_box if encryption is Encryption.STARTTLS else tls_box
    context = contexts(box.port, encryption=encryption)
    with pytest.raises(ProviderConfigError, match="certificate is not trusted"):
        await notifier.send(context, _message())
    assert (box.mails, box.signed_in) == ([], [])


async def test_a_certificate_for_another_name_is_refused(notifier, contexts, tls_box, papers):
    context = contexts(
        tls_box.port, encryption=Encryption.TLS, ca_file=papers.authority, host="127.0.0.1"
    )
    with pytest.raises(ProviderConfigError, match="certificate is not trusted"):
        await notifier.send(context, _message())
    assert tls_box.mails == []


async def test_a_server_without_starttls_is_not_used_in_clear(notifier, contexts, box):
    with pytest.raises(ProviderConfigError, match="does not offer the encryption"):
        await notifier.send(contexts(box.port, encryption=Encryption.STARTTLS), _message())
    assert box.mails == []


async def test_a_wrong_password_calls_an_operator_and_sends_nothing(
    notifier, contexts, starttls_box, papers
):
    context = contexts.secure(starttls_box.port, papers, password=Secret("wrong"))
    with pytest.raises(ProviderConfigError, match=r"username and password \(535\)"):
        await notifier.send(context, _message())
    assert starttls_box.mails == []


async def test_certificates_that_cannot_be_read_are_told(notifier, contexts, tls_box, tmp_path):
    context = contexts(tls_box.port, encryption=Encryption.TLS, ca_file=tmp_path / "absent.pem")
    with pytest.raises(ProviderConfigError, match="ca_file"):
        await notifier.send(context, _message())


@pytest.mark.parametrize(
    ("command", "answer", "becomes"),
    [
        ("RCPT", "550 no such user", Outcome.REJECTED),
        ("RCPT", "450 greylisted, come again", ProviderUnavailable),
        ("RCPT", "421 closing", ProviderUnavailable),
        ("MAIL", "553 sender not allowed", ProviderConfigError),
        ("MAIL", "451 later", ProviderUnavailable),
        ("DATA", "554 looks like spam", Outcome.REJECTED),
        ("DATA", "452 disk full", ProviderUnavailable),
    ],
)
async def test_what_the_server_answers_is_said_in_words_of_the_core(
    notifier, contexts, box, command, answer, becomes
):
    box.says[command] = answer
    if becomes is Outcome.REJECTED:
        assert await notifier.send(contexts(box.port), _message()) is becomes
    else:
        with pytest.raises(becomes):
            await notifier.send(contexts(box.port), _message())
    assert box.mails == []


async def test_an_answer_that_is_lost_after_the_text_is_unknown(notifier, contexts, box):
    box.hangs_up_after_taking = True
    with pytest.raises(ProviderUnknown):
        await notifier.send(contexts(box.port), _message())
    assert len(box.mails) == 1


async def test_a_port_where_nobody_listens_is_surely_not_sent(notifier, contexts, unused_port):
    with pytest.raises(ProviderUnavailable):
        await notifier.send(contexts(unused_port), _message())


@pytest.fixture
async def unused_port():
    server = await asyncio.start_server(lambda _r, _w: None, "localhost", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


@pytest.mark.parametrize(
    "to",
    [
        "han@example.com\r\nBcc: eve@example.com",
        "han@example.com\nRCPT TO:<eve@example.com>",
        "han@example.com, eve@example.com",
        "Han <han@example.com>",
        '"han"@example.com',
        "han@example.com>",
        "han@[127.0.0.1]",
        "han@localhost",
        "han@exam ple.com",
        "han..mei@example.com",
        ".han@example.com",
        "han@example..com",
        "han@-example.com",
        "@example.com",
        "han@",
        "han",
        "",
        f"{'a' * 65}@example.com",
        f"han@{'a.' * 130}com",
    ],
)
async def test_what_is_no_single_address_is_refused_before_the_server_hears_of_it(
    notifier, contexts, box, to
):
    assert await notifier.send(contexts(box.port), _message(to)) is Outcome.REJECTED
    assert box.options == []


async def test_nothing_in_a_message_becomes_a_header(notifier, contexts, box):
    message = _message(
        subject="Paid\r\nBcc: eve@example.com\r\n\r\nHello",
        locale="en\r\nX-Evil: 1",
        text="Bcc: eve@example.com\r\n.\r\nMAIL FROM:<eve@example.com>\r\n",
    )
    assert await notifier.send(contexts(box.port), message) is Outcome.SENT
    [(_, readers, _)], [mail] = box.mails, box.letters()
    assert readers == ["han@example.com"]
    assert (mail["Bcc"], mail["X-Evil"], mail["Content-Language"]) == (None, None, "en")
    assert mail["Subject"] == "Paid Bcc: eve@example.com Hello"
    assert "MAIL FROM:<eve@example.com>" in mail.get_body(("plain",)).get_content()


async def test_a_host_in_chinese_is_written_to_in_ascii(notifier, contexts, box):
    assert await notifier.send(contexts(box.port), _message("han@例子.测试")) is Outcome.SENT
    assert box.mails[0][1] == ["han@xn--fsqu00a.xn--0zwm56d"]


async def test_an_international_address_needs_a_server_that_takes_it(
    notifier, contexts, box, tls_box, papers
):
    message = _message("梅梅@example.com")
    assert await notifier.send(contexts(box.port), message) is Outcome.SENT
    assert box.mails[0][1] == ["梅梅@example.com"]
    assert "SMTPUTF8" in box.options[0]
    without = contexts(tls_box.port, encryption=Encryption.TLS, ca_file=papers.authority)
    assert await notifier.send(without, message) is Outcome.REJECTED
    assert tls_box.mails == []


async def test_twenty_mails_at_once_are_twenty_mails(notifier, contexts, box):
    context = contexts(box.port)
    outcomes = await asyncio.gather(
        *(notifier.send(context, _message(f"reader{n}@example.com")) for n in range(20))
    )
    assert outcomes == [Outcome.SENT] * 20
    assert sorted(to for _, [to], _ in box.mails) == sorted(
        f"reader{n}@example.com" for n in range(20)
    )


async def test_receipts_are_forgeries(notifier):
    with pytest.raises(SignatureInvalid):
        await notifier.parse_receipt(None, None)


def test_an_address_keeps_its_case_before_the_at_and_not_behind():
    assert reader("Han.Mei+shop@Example.COM").to == "Han.Mei+shop@example.com"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "mail.test\r\nEVIL"}, "host"),
        ({"sender": "shop@example.com\nBcc: eve@example.com"}, "sender"),
        ({"sender": "shop"}, "sender"),
        ({"sender_name": "Shop\r\nBcc: eve@example.com"}, "sender_name"),
        ({"encryption": "maybe"}, "encryption"),
        ({"port": 0}, "port"),
        ({"username": "shop"}, "username needs a password"),
        ({"username": "shop", "password": "x", "encryption": "none"}, "not sent in clear"),
        ({"typo": 1}, "typo"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(changes, message):
    given = {"host": "mail.test", "sender": "shop@example.com"} | changes
    with pytest.raises(SettingsError, match=message):
        Section(table=given).read(Account)


def test_a_host_and_a_sender_are_enough():
    account = Section(table={"host": "mail.test", "sender": "shop@example.com"}).read(Account)
    assert (account.encryption, account.port, account.encryption.port) == ("starttls", None, 587)


def test_a_password_is_not_shown():
    account = Account(
        host="mail.test", sender="a@b.test", username="shop", password=Secret("hunter2")
    )
    assert "hunter2" not in repr(account)
    with pytest.raises(ValueError, match="username needs"):
        msgspec.structs.replace(account, password=None).__post_init__()


def test_plugin_brings_one_notifier_for_mails():
    (notifier,) = plugin.register_notifiers()
    assert (notifier.code, notifier.channels) == ("smtp", frozenset({Channel.EMAIL}))
    assert Path(plugin.__file__).with_name("py.typed").exists()
