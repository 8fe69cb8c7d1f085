"""The contract of :class:`commercekit.notifications.Notifier`, rule by rule."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import pytest
from msgspec import Struct

from commercekit.notifications import Channel, Notifier, Outcome
from commercekit.platform.providers import (
    ProviderContext,
    ProviderUnavailable,
    RawRequest,
    SignatureInvalid,
)
from commercekit.testing.conformance.gateways.senses import overheard, spellings, told_by
from commercekit.testing.conformance.notifier_rules import NOTIFIER_RULES
from commercekit.testing.conformance.notifier_trial import (
    PERSONAL,
    TAKEN,
    NotifierTrial,
    altered,
    anew,
    changed,
    is_same_text,
    push,
    secrets_of,
)
from commercekit.testing.conformance.outboxes import Outbox, Trouble

__all__ = ["NotifierContract"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SCRIPTS: Final = (
    "您好，韩梅梅！ Grüße, Žofie — مرحبا שלום नमस्ते 🧧👩‍👩‍👧 e\u0301 “ok” <b>&amp;</b> 50 %"
)


class NotifierContract(NotifierTrial):
    """Inherit it, give the ``notifier``, its ``context`` and the ``outbox`` of the vendor's fake."""

    rules = NOTIFIER_RULES
    pytestmark = pytest.mark.asyncio

    # ----------------------------------------------------------------------------- carrying messages

    async def test_declares_itself(self, notifier: Notifier) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(notifier, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")
        config: Any = getattr(notifier, "config_type", None)
        known = isinstance(config, type) and issubclass(config, Struct)
        self.hold("declares-itself", known, f"config_type is {config!r}")
        channels: Any = getattr(notifier, "channels", None)
        known = isinstance(channels, frozenset) and bool(channels) and channels <= set(Channel)
        self.hold("declares-itself", known, f"channels are {channels!r}")

    async def test_answers_with_an_outcome(
        self, notifier: Notifier, context: ProviderContext
    ) -> None:
        """Rule ``answers-with-an-outcome``: and it is a good one for a good message."""
        for message in self.messages(notifier):
            await self.carried(notifier, context, message)

    async def test_carries_what_it_was_given(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``carries-what-it-was-given``: to whom, the subject and the text, on every channel."""
        for message in self.messages(notifier):
            await self.arrives(notifier, context, outbox, message, "carries-what-it-was-given")

    async def test_carries_every_script(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``carries-every-script``: Chinese, Arabic, emoji, letters that are put together."""
        for each in self.messages(notifier):
            message = changed(each, text=f"{_SCRIPTS}\n", subject=_SCRIPTS[:40], html=None)
            await self.arrives(notifier, context, outbox, message, "carries-every-script")

    async def test_carries_or_refuses_long_texts(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``carries-or-refuses-long-texts``: whole, or with a refusal."""
        rule = "carries-or-refuses-long-texts"
        line = "很长的一行 of a very long text.\n"
        for each in self.messages(notifier):
            text = line * (self.long_text // len(line))
            message = changed(each, text=text, html=None)
            before = len(await outbox.delivered())
            outcome = await self.outcome_of(notifier, context, message)
            arrived = (await outbox.delivered())[before:]
            if outcome is Outcome.REJECTED:
                detail = f"{message.channel}: refused {len(text)} characters, and sent them"
                self.hold(rule, not arrived, detail)
            else:
                whole = len(arrived) == 1 and is_same_text(arrived[0].text, text)
                lengths = [len(found.text) for found in arrived]
                detail = f"{message.channel}: {outcome!r}, {lengths} of {len(text)} characters"
                self.hold(rule, whole and outcome in TAKEN, detail)

    async def test_sends_once(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``sends-once``: the same ``message_id`` again is the same message."""
        if not self.vendor_knows_ids:
            self.pass_over("vendor_knows_ids is false")
            return
        for message in self.messages(notifier):
            before = len(await outbox.delivered())
            outcomes = [await self.carried(notifier, context, message) for _ in range(3)]
            sent = len(await outbox.delivered()) - before
            self.hold("sends-once", sent == 1, f"{message.channel}: {sent} sent, told {outcomes}")

    async def test_sends_once_at_once(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``sends-once-at-once``: five calls that overtake each other."""
        if not self.vendor_knows_ids:
            self.pass_over("vendor_knows_ids is false")
            return
        for message in self.messages(notifier):
            before = len(await outbox.delivered())
            await asyncio.gather(*(self.carried(notifier, context, message) for _ in range(5)))
            sent = len(await outbox.delivered()) - before
            self.hold("sends-once-at-once", sent == 1, f"{message.channel}: {sent} sent")

    async def test_tells_messages_apart(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``tells-messages-apart``: the same words under another id are another message."""
        for message in self.messages(notifier):
            before = len(await outbox.delivered())
            for _ in range(2):
                await self.carried(notifier, context, anew(message))
            sent = len(await outbox.delivered()) - before
            self.hold("tells-messages-apart", sent == 2, f"{message.channel}: {sent} sent of 2")

    async def test_writes_to_nobody_else(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``writes-to-nobody-else``: whatever an address or a subject tries to add."""
        for each in self.messages(notifier):
            for changes in (
                {"to": f"{each.to}\r\nBcc: eve@example.com"},
                {"to": f"{each.to}, eve@example.com"},
                {"to": f"{each.to};+8613700137000"},
                {"subject": "Paid\r\nBcc: eve@example.com"},
            ):
                before = len(await outbox.delivered())
                await self.refusal(notifier.send(context, changed(each, **changes)))
                others = [
                    found.to
                    for found in (await outbox.delivered())[before:]
                    if found.to.strip() != each.to
                ]
                self.hold("writes-to-nobody-else", not others, f"{changes}: wrote to {others}")

    # ------------------------------------------------------------------------------------- bad days

    async def test_says_rejected(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``says-rejected``: ``Outcome.REJECTED`` or ``ProviderRejected``, and nothing sent."""
        async for message, before in self.in_trouble(notifier, outbox, Trouble.REFUSED):
            outcome = await self.outcome_of(notifier, context, message)
            detail = f"{message.channel}: {outcome!r} for an address that does not exist"
            self.hold("says-rejected", outcome is Outcome.REJECTED, detail)
            sent = len(await outbox.delivered()) - before
            self.hold("says-rejected", sent == 0, f"{message.channel}: refused, and sent")

    async def test_says_unavailable(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``says-unavailable``: ``ProviderUnavailable``, and the next try goes through."""
        async for message, before in self.in_trouble(notifier, outbox, Trouble.DOWN):
            refused = await self.refusal(notifier.send(context, message))
            fits = isinstance(refused, ProviderUnavailable)
            detail = f"{message.channel}: {refused!r} while nobody answers"
            self.hold("says-unavailable", fits, detail)
            await outbox.calm()
            own = changed(message, to=self.message(message.channel).to)
            await self.carried(notifier, context, own)
            sent = len(await outbox.delivered()) - before
            self.hold("says-unavailable", sent == 1, f"{message.channel}: {sent} sent afterwards")

    async def test_says_unknown(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``says-unknown``: ``Outcome.UNKNOWN`` or ``ProviderUnknown``; once more sends no second."""
        async for message, before in self.in_trouble(notifier, outbox, Trouble.UNHEARD):
            outcome = await self.outcome_of(notifier, context, message)
            detail = f"{message.channel}: {outcome!r} when the answer is lost"
            self.hold("says-unknown", outcome is Outcome.UNKNOWN, detail)
            await outbox.calm()
            if self.vendor_knows_ids:
                await self.carried(notifier, context, message)
                sent = len(await outbox.delivered()) - before
                self.hold("says-unknown", sent == 1, f"{message.channel}: {sent} sent in the end")

    # -------------------------------------------------------------------------------------- discretion

    async def test_keeps_people_out_of_logs(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``keeps-people-out-of-logs``: neither address nor text nor parameters, on bad days too."""
        with overheard() as heard:
            await self.everything(notifier, context, outbox)
        for text in heard:
            said = next((each for each in PERSONAL if each in text), None)
            self.hold("keeps-people-out-of-logs", said is None, f"a log line contains {said!r}")

    async def test_keeps_people_out_of_errors(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``keeps-people-out-of-errors``: nor in what led to them."""
        for error in await self.everything(notifier, context, outbox):
            text = told_by(error)
            said = next((each for each in PERSONAL if each in text), None)
            detail = f"{type(error).__name__} contains {said!r}"
            self.hold("keeps-people-out-of-errors", said is None, detail)

    async def test_keeps_secrets(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``keeps-secrets``: not in logs, errors, messages, nor in what it is printed as."""
        with overheard() as heard:
            errors = await self.everything(notifier, context, outbox)
        told = {
            "a log line": heard,
            "an error": [told_by(error) for error in errors],
            "what it is printed as": [repr(notifier), str(notifier), repr(context.config)],
            "a message": [repr(each) for each in await outbox.delivered()],
        }
        secrets = dict(secrets_of(context))
        if not secrets:
            self.pass_over("the settings hold no secrets")
        for name, secret in secrets.items():
            for where, texts in told.items():
                shown = any(each in text for text in texts for each in spellings(secret))
                # The text itself would be told once more by this very message.
                self.hold("keeps-secrets", not shown, f"{where} contains the secret {name}")

    # ---------------------------------------------------------------------------------------- receipts

    async def test_accepts_its_own(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``accepts-its-own``: a genuine receipt, about our message."""
        async for message, genuine in self.receipts(notifier, context, outbox):
            news = await self.receipt_in(notifier, context, genuine)
            ids = [each.message_id for each in news.receipts]
            self.hold("accepts-its-own", message.message_id in ids, f"it is about {ids}")

    async def test_answers_both_ways(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``answers-both-ways``: ``ack`` says that all is well, ``nack`` does not."""
        async for _, genuine in self.receipts(notifier, context, outbox):
            news = await self.receipt_in(notifier, context, genuine)
            both = 200 <= news.ack.status < 300 and (
                not 200 <= news.nack.status < 300 or news.nack.body != news.ack.body
            )
            self.hold("answers-both-ways", both, f"{news.ack} or {news.nack}")

    async def test_refuses_forgeries(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``refuses-forgeries``: without proof, or about something else."""
        forgeries: dict[str, RawRequest] = {"what nobody sent": push(context, b"{}")}
        async for _, genuine in self.receipts(notifier, context, outbox, expected=False):
            if self.vendor_signs:
                forgeries["a changed body"] = altered(genuine, body=genuine.body + b" ")
            forgeries |= {
                "an empty body": altered(genuine, body=b""),
                "no headers": altered(genuine, headers={}, query=[], path="/", url="/"),
            }
        for what, forged in forgeries.items():
            refused = await self.refusal(notifier.parse_receipt(context, forged))
            detail = f"{refused!r} for {what}"
            self.hold("refuses-forgeries", isinstance(refused, SignatureInvalid), detail)

    async def test_reads_without_effects(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> None:
        """Rule ``reads-without-effects``: read twice, it says the same."""
        async for _, genuine in self.receipts(notifier, context, outbox):
            first = await self.receipt_in(notifier, context, genuine)
            again = await self.receipt_in(notifier, context, genuine)
            self.hold("reads-without-effects", first == again, f"{first}, then {again}")
