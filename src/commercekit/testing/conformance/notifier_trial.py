"""What a notifier's trial is made of: what is carried, what goes wrong, what is heard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

import msgspec
import pytest

from commercekit.errors import CommerceKitError
from commercekit.kernel import new_id
from commercekit.notifications import Channel, Message, Notifier, Outcome, ReceiptNotification
from commercekit.platform.providers import (
    ProviderContext,
    ProviderRejected,
    ProviderUnknown,
    RawRequest,
)
from commercekit.platform.settings import Secret
from commercekit.testing.conformance.called import Call, CalledContract
from commercekit.testing.conformance.outboxes import Delivered, Outbox, Trouble

__all__ = [
    "PERSONAL",
    "TAKEN",
    "NotifierTrial",
    "altered",
    "anew",
    "changed",
    "is_same_text",
    "push",
    "secrets_of",
]

_NAME: Final = "韩梅梅"
_WORD: Final = "tangerine-7391"
PERSONAL: Final = ("han.meimei", "13900139000", _WORD, _NAME)
"""What is personal in the trial's messages."""
TAKEN: Final = (Outcome.SENT, Outcome.ACCEPTED)


class NotifierTrial(CalledContract):
    """What a plugin's tests supply, and what is made of it."""

    address: ClassVar[str] = "han.meimei@example.com"
    phone: ClassVar[str] = "+8613900139000"
    vendor_knows_ids: ClassVar[bool] = True
    """Whether the vendor tells a message from one it had by our id. Where it cannot, the rules about
    sending once hold trivially."""
    vendor_signs: ClassVar[bool] = True
    """Whether a receipt proves itself. Where a secret address is all that proves it, set it false: then
    nobody can tell that its body was changed."""
    long_text: ClassVar[int] = 200_000
    """Characters of a text that is carried whole or refused."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def notifier(self) -> Notifier:
        """The notifier under test."""
        raise NotImplementedError

    @pytest.fixture
    def context(self) -> ProviderContext:
        """A context with settings of your ``config_type``, whose ``http`` leads to the fake."""
        raise NotImplementedError

    @pytest.fixture
    def outbox(self) -> Outbox:
        """The fake of the vendor, seen from where the messages arrive."""
        raise NotImplementedError

    @pytest.fixture
    def calls(self, notifier: Notifier, context: ProviderContext) -> Sequence[Call]:
        """Messages of all channels and odd contents, and receipts that nobody sent."""

        def sent(message: Message) -> Callable[[], Awaitable[Any]]:
            return lambda: notifier.send(context, anew(message))

        odd: dict[str, dict[str, Any]] = {
            "no text": {"text": "", "subject": "", "html": None},
            "no address": {"to": ""},
            "an address of two lines": {"to": f"{self.address}\r\nBcc: eve@example.com"},
            "an address that is none": {"to": "🙂 at home"},
            "a subject of two lines": {"subject": "Paid\r\nBcc: eve@example.com"},
            "an unknown language": {"locale": "tlh-QQ"},
            "params of any kind": {"params": {"": None, "list": [1, {"a": "b"}]}},
        }
        return [
            *(Call(f"a message by {each.channel}", sent(each)) for each in self.messages(notifier)),
            *(
                Call(f"{about}, by {each.channel}", sent(changed(each, **changes)))
                for about, changes in odd.items()
                for each in self.messages(notifier)
            ),
            *(
                Call("a receipt that nobody sent", self.pushed(notifier, context, body))
                for body in (b"", b"{}", b"\xff\xfe", b"[" * 10_000, b"{" + b"0" * 100_000)
            ),
        ]

    def messages(self, notifier: Notifier) -> Sequence[Message]:
        """One message for each of its channels, each time another."""
        return [self.message(channel) for channel in sorted(notifier.channels)]

    def message(self, channel: Channel, **changes: Any) -> Message:
        """A message as the core makes it; override it for vendors that want more."""
        given = {
            "message_id": new_id().hex,
            "channel": channel,
            "to": self.address if channel is Channel.EMAIL else self.phone,
            "template": "order-paid",
            "params": {"name": _NAME, "code": _WORD},
            "locale": "zh",
            "dedupe_key": new_id().hex,
            "subject": "订单 A-1 已付款",
            "text": f"{_NAME}，您的口令是 {_WORD}。\n",
            "html": f"<p>{_NAME}</p>" if channel is Channel.EMAIL else None,
        }
        return Message(**{**given, **changes})

    # ------------------------------------------------------------------------------- what happens

    async def outcome_of(
        self, notifier: Notifier, context: ProviderContext, message: Message
    ) -> Outcome | CommerceKitError:
        """What became of a message; errors that say the same as an outcome are that outcome."""
        __tracebackhide__ = True
        try:
            outcome: Any = await self.spoken(notifier.send(context, message))
        except ProviderRejected:
            return Outcome.REJECTED
        except ProviderUnknown:
            return Outcome.UNKNOWN
        except CommerceKitError as error:
            return error
        known = isinstance(outcome, Outcome)
        self.hold("answers-with-an-outcome", known, f"answered {outcome!r}")
        found: Outcome = outcome
        return found

    async def carried(
        self, notifier: Notifier, context: ProviderContext, message: Message
    ) -> Outcome:
        """Carry a message that nothing is wrong with."""
        __tracebackhide__ = True
        outcome = await self.outcome_of(notifier, context, message)
        detail = f"{message.channel}: {outcome!r} for a message that nothing is wrong with"
        if not isinstance(outcome, Outcome) or outcome not in TAKEN:
            raise self.breach(of="answers-with-an-outcome", seen=detail)
        return outcome

    async def arrives(
        self,
        notifier: Notifier,
        context: ProviderContext,
        outbox: Outbox,
        message: Message,
        rule: str,
    ) -> None:
        """Carry a message, and break ``rule`` unless it arrives as it is."""
        __tracebackhide__ = True
        before = len(await outbox.delivered())
        await self.carried(notifier, context, message)
        arrived = (await outbox.delivered())[before:]
        same = len(arrived) == 1 and _is_same(arrived[0], message)
        self.hold(rule, same, f"{message.channel}: {message!r} arrived as {list(arrived)!r}")

    async def in_trouble(
        self, notifier: Notifier, outbox: Outbox, trouble: Trouble, *, expected: bool = True
    ) -> Any:
        """A message of each channel that meets the trouble, and how many were delivered before."""
        met = False
        for each in self.messages(notifier):
            message = await outbox.meet(trouble, each)
            if message is not None:
                met = True
                yield message, len(await outbox.delivered())
            await outbox.calm()
        if expected and not met:
            self.pass_over(f"outbox.meet() prepares no {trouble.value!r}")

    async def receipts(
        self,
        notifier: Notifier,
        context: ProviderContext,
        outbox: Outbox,
        *,
        expected: bool = True,
    ) -> Any:
        """A message of each channel with its genuine receipt, where the vendor sends any."""
        received = False
        for message in self.messages(notifier):
            await self.carried(notifier, context, message)
            genuine = await outbox.receipt(message)
            if genuine is not None:
                received = True
                yield message, genuine
        if expected and not received:
            self.pass_over("outbox.receipt() gives nothing")

    async def receipt_in(
        self, notifier: Notifier, context: ProviderContext, genuine: RawRequest
    ) -> ReceiptNotification:
        """What a genuine receipt says."""
        try:
            return await self.spoken(notifier.parse_receipt(context, genuine))
        except CommerceKitError as error:
            raise self.breach(of="accepts-its-own", seen=f"{error!r}") from error

    async def everything(
        self, notifier: Notifier, context: ProviderContext, outbox: Outbox
    ) -> list[CommerceKitError]:
        """All that a notifier meets, good and bad; gives the errors it met them with."""
        errors = []
        for message in self.messages(notifier):
            errors.append(await self.refusal(notifier.send(context, message)))
            genuine = await outbox.receipt(message)
            if genuine is not None:
                errors.append(await self.refusal(notifier.parse_receipt(context, genuine)))
        for trouble in Trouble:
            async for message, _ in self.in_trouble(notifier, outbox, trouble, expected=False):
                errors.append(await self.refusal(notifier.send(context, message)))
        forged = push(context, _WORD.encode())
        errors.append(await self.refusal(notifier.parse_receipt(context, forged)))
        return [error for error in errors if error is not None]

    def pushed(
        self, notifier: Notifier, context: ProviderContext, body: bytes
    ) -> Callable[[], Awaitable[Any]]:
        """Has a request read that the vendor never sent."""
        return lambda: notifier.parse_receipt(context, push(context, body))


def changed(message: Message, **changes: Any) -> Message:
    """The message with other values."""
    return msgspec.structs.replace(message, **changes)


def anew(message: Message) -> Message:
    """The same words as another message."""
    return changed(message, message_id=new_id().hex, dedupe_key=new_id().hex)


def altered(request: RawRequest, **changes: Any) -> RawRequest:
    """The request with other values."""
    return msgspec.structs.replace(request, **changes)


def push(context: ProviderContext, body: bytes) -> RawRequest:
    """A request that the vendor never sent."""
    return RawRequest(
        method="POST",
        url="https://shop.test/",
        path="/",
        query=[],
        headers={"content-type": "application/json"},
        body=body,
        received_at=context.now(),
    )


def _is_same(found: Delivered, message: Message) -> bool:
    return (
        found.to.strip() == message.to
        and found.subject in {None, message.subject}
        and is_same_text(found.text, message.text)
    )


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts read alike: mail ends its lines in its own way."""
    return one.split() == other.split()


def secrets_of(context: ProviderContext) -> Iterator[tuple[str, str]]:
    """The account's secrets that are set, by name."""
    for name in context.config.__struct_fields__:
        value = getattr(context.config, name)
        if isinstance(value, Secret) and value:
            yield name, value.reveal()
