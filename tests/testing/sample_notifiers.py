"""A notifier that keeps its contract, the vendor it writes to, and one for every way to break it."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar

import httpx
import msgspec
import pytest
from msgspec import Struct

from commercekit.kernel import SystemClock, new_id
from commercekit.notifications import (
    Channel,
    Message,
    Notifier,
    Outcome,
    Receipt,
    ReceiptNotification,
    ReceiptState,
)
from commercekit.platform.providers import (
    Ack,
    ProviderContext,
    ProviderContexts,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret
from commercekit.testing.conformance import Delivered, NotifierContract, Outbox, Trouble

KEY = "key-of-the-post-office"
_ADDRESS = re.compile(r"[^\s@,;]+@[^\s@,;]+|\+\d{6,15}")


class Account(Struct, frozen=True, kw_only=True):
    key: Secret


class Post(Outbox):
    """Delivers by id, once; whoever stands in an address gets a copy."""

    def __init__(self) -> None:
        self.letters: dict[str, dict[str, Any]] = {}
        self.copies: list[Delivered] = []
        self.trouble: Trouble | None = None

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if self.trouble is Trouble.DOWN:
            raise httpx.ConnectError("no connection", request=request)
        if self.trouble is Trouble.REFUSED:
            return httpx.Response(422, text="no such address")
        letter = json.loads(request.content)
        if self.letters.setdefault(request.url.path, letter) is letter:
            self.copies += [
                Delivered(to=to, text=letter["text"], subject=letter["subject"])
                for to in re.split(r"[,;\s]+(?:Bcc: )?", letter["to"])
            ]
        if self.trouble is Trouble.UNHEARD:
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(200)

    async def delivered(self) -> list[Delivered]:
        return self.copies

    async def meet(self, trouble: Trouble, message: Message) -> Message:
        self.trouble = trouble
        return message

    async def calm(self) -> None:
        self.trouble = None

    async def receipt(self, message: Message) -> RawRequest:
        body = json.dumps({"id": message.message_id, "at": "2026-11-22T12:00:00Z"}).encode()
        return RawRequest(
            method="POST",
            url="https://shop.test/webhooks",
            path="/webhooks",
            query=[],
            headers={"post-signature": signature(body)},
            body=body,
            received_at=SystemClock().now(),
        )


def signature(body: bytes) -> str:
    return hmac.digest(KEY.encode(), body, "sha256").hex()


class GoodNotifier(Notifier):
    """Does everything a notifier can do."""

    code: ClassVar[str] = "good"
    config_type: ClassVar[type[Struct]] = Account
    channels: ClassVar[frozenset[Channel]] = frozenset(Channel)

    async def send(self, ctx: ProviderContext, message: Message) -> Any:
        if not self.is_address(message.to):
            return Outcome.REJECTED
        letter = {
            "to": message.to,
            "subject": " ".join(message.subject.split()),
            "text": self.text(message),
        }
        try:
            answer = await ctx.http.put(
                f"https://post.test/{self.id_of(message)}",
                json=letter,
                headers={"authorization": ctx.secrets.read("key")},
            )
        except httpx.ConnectError:
            return self.unreachable()
        except httpx.HTTPError:
            return self.unheard()
        if answer.status_code == 422:
            return self.refused(message)
        return Outcome.ACCEPTED

    def is_address(self, to: str) -> bool:
        return bool(_ADDRESS.fullmatch(to))

    def text(self, message: Message) -> str:
        return message.text

    def id_of(self, message: Message) -> str:
        return message.message_id

    def unreachable(self) -> Any:
        raise ProviderUnavailable(detail="nobody answers")

    def unheard(self) -> Any:
        raise ProviderUnknown(detail="the answer was lost")

    def refused(self, message: Message) -> Any:
        return Outcome.REJECTED

    async def parse_receipt(self, ctx: ProviderContext, req: RawRequest) -> ReceiptNotification:
        self.verify(req)
        news = json.loads(req.body)
        receipt = Receipt(
            message_id=news["id"],
            state=ReceiptState.DELIVERED,
            code=None,
            at=datetime.fromisoformat(news["at"]),
        )
        return ReceiptNotification(receipts=[receipt], ack=Ack(body=b"ok"), nack=Ack(status=503))

    def verify(self, req: RawRequest) -> None:
        if not hmac.compare_digest(signature(req.body), req.header("post-signature")):
            raise SignatureInvalid("forged")


class GoodContract(NotifierContract):
    @pytest.fixture
    def context(self, outbox):
        http = httpx.AsyncClient(transport=httpx.MockTransport(outbox.answer))
        account = Account(key=Secret(KEY))
        return ProviderContexts(http=http, clock=SystemClock())("good", "default", account)


class Unchannelled(GoodNotifier):
    channels: ClassVar[Any] = ["email"]


class SaysYes(GoodNotifier):
    async def send(self, ctx, message):
        return (await super().send(ctx, message)) is Outcome.ACCEPTED


class SendsTheHtml(GoodNotifier):
    def text(self, message):
        return message.html or message.text


class ChineseOnly(GoodNotifier):
    def text(self, message):
        return message.text.encode("gb2312", "replace").decode("gb2312")


class Cuts(GoodNotifier):
    def text(self, message):
        return message.text[:70_000]


class SendsAgain(GoodNotifier):
    def id_of(self, message):
        return new_id().hex


class LooksThenSends(SendsAgain):
    def __init__(self):
        self.sent = set()

    async def send(self, ctx, message):
        if message.message_id in self.sent:
            return Outcome.SENT
        await asyncio.sleep(0)
        self.sent.add(message.message_id)
        try:
            return await super().send(ctx, message)
        except ProviderUnavailable:
            self.sent.discard(message.message_id)
            raise


class TellsByText(GoodNotifier):
    def id_of(self, message):
        return sha256(f"{message.to} {message.text}".encode()).hexdigest()


class TakesAnyAddress(GoodNotifier):
    def is_address(self, to):
        return True


class TriesForEver(GoodNotifier):
    def refused(self, message):
        raise ProviderUnavailable(detail="not taken")


class SeesNoRefusal(GoodNotifier):
    def refused(self, message):
        return Outcome.SENT


class DoubtsEverything(GoodNotifier):
    def unreachable(self):
        return Outcome.UNKNOWN


class SureOfEverything(GoodNotifier):
    def unheard(self):
        raise ProviderUnavailable(detail="no answer")


class LogsAddresses(GoodNotifier):
    async def send(self, ctx, message):
        ctx.log.info("sending", to=message.to)
        return await super().send(ctx, message)


class LogsOnBadDays(GoodNotifier):
    def refused(self, message):
        import logging

        logging.getLogger("post").warning("refused: %s", message.params)
        return Outcome.REJECTED


class RefusesByName(GoodNotifier):
    def refused(self, message):
        raise ProviderRejected("no-such-address", f"there is no {message.to}")


class PrintsItsKey(GoodNotifier):
    async def send(self, ctx, message):
        ctx.log.debug("calling", authorization=f"Bearer {ctx.secrets.read('key')}")
        return await super().send(ctx, message)


class TheirIds(GoodNotifier):
    async def parse_receipt(self, ctx, req):
        news = await super().parse_receipt(ctx, req)
        theirs = msgspec.structs.replace(news.receipts[0], message_id="post-1")
        return msgspec.structs.replace(news, receipts=[theirs])


class AlwaysContent(GoodNotifier):
    async def parse_receipt(self, ctx, req):
        news = await super().parse_receipt(ctx, req)
        return msgspec.structs.replace(news, nack=news.ack)


class Gullible(GoodNotifier):
    def verify(self, req):
        if not req.body.startswith(b'{"id"'):
            raise SignatureInvalid("unreadable")


class ReadsOnce(GoodNotifier):
    def __init__(self):
        self.read = set()

    async def parse_receipt(self, ctx, req):
        news = await super().parse_receipt(ctx, req)
        if req.body in self.read:
            return msgspec.structs.replace(news, receipts=[])
        self.read.add(req.body)
        return news


class KnowsTwoLanguages(GoodNotifier):
    async def send(self, ctx, message):
        {"en": 1, "zh": 2}[message.locale]
        return await super().send(ctx, message)


class Waits(GoodNotifier):
    async def send(self, ctx, message):
        time.sleep(0.001)
        return await super().send(ctx, message)


class NeverGivesUp(GoodNotifier):
    async def send(self, ctx, message):
        if message.locale == "tlh-QQ":
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                await asyncio.sleep(1.5)
        return await super().send(ctx, message)


class SendsLater(GoodNotifier):
    async def send(self, ctx, message):
        self.later = asyncio.ensure_future(asyncio.sleep(30))
        return await super().send(ctx, message)


BROKEN: dict[type[GoodNotifier], set[str]] = {
    Unchannelled: {"declares-itself"},
    SaysYes: {"answers-with-an-outcome"},
    SendsTheHtml: {"carries-what-it-was-given"},
    ChineseOnly: {"carries-every-script"},
    Cuts: {"carries-or-refuses-long-texts"},
    SendsAgain: {"sends-once", "sends-once-at-once", "says-unknown"},
    LooksThenSends: {"sends-once-at-once"},
    TellsByText: {"tells-messages-apart"},
    TakesAnyAddress: {"writes-to-nobody-else"},
    TriesForEver: {"says-rejected"},
    SeesNoRefusal: {"says-rejected"},
    DoubtsEverything: {"says-unavailable"},
    SureOfEverything: {"says-unknown"},
    LogsAddresses: {"keeps-people-out-of-logs"},
    LogsOnBadDays: {"keeps-people-out-of-logs"},
    RefusesByName: {"keeps-people-out-of-errors"},
    PrintsItsKey: {"keeps-secrets"},
    TheirIds: {"accepts-its-own"},
    AlwaysContent: {"answers-both-ways"},
    Gullible: {"refuses-forgeries"},
    ReadsOnce: {"reads-without-effects"},
    KnowsTwoLanguages: {"fails-in-our-words"},
    Waits: {"holds-up-nobody"},
    NeverGivesUp: {"lets-itself-be-cut-short"},
    SendsLater: {"leaves-no-task-behind"},
}
"""Which rules, and no others, each of them breaks."""
