"""Gateways that believe the wrong people, talk too much, or behave badly among others.

Each says which rules catch it, the one meant for it first.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import msgspec
from msgspec import Struct

from commercekit.payments import Notification
from commercekit.platform.providers import (
    Ack,
    ProviderConfigError,
    ProviderRejected,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit.platform.settings import Secret
from tests.testing.sample_gateway import Account, GoodGateway, News
from tests.testing.sample_vendor import AcmeVendor, signature

__all__ = ["BROKEN"]


def but(snapshot: Any, /, **changes: Any) -> Any:
    return msgspec.structs.replace(snapshot, **changes)


# ----------------------------------------------------------------------------------- hearing


class NoTimeZone(GoodGateway):
    def event(self, news: Any, raw: bytes) -> Any:
        return but(super().event(news, raw), occurred_at=news.at.replace(tzinfo=None))


class LooksForCapitals(GoodGateway):
    def verify(self, ctx: Any, req: Any) -> None:
        if "Acme-Signature" not in req.headers:
            raise SignatureInvalid("no signature")
        super().verify(ctx, req)


class NamesNoAccount(GoodGateway):
    def merchant_account(self, config: Any) -> str | None:
        return None


class HearsOnce(GoodGateway):
    def __init__(self) -> None:
        self.heard: set[str] = set()

    def read(self, ctx: Any, req: Any) -> Any:
        news = super().read(ctx, req)
        events = [event for event in news.events if event.event_id not in self.heard]
        self.heard.update(event.event_id for event in events)
        return but(news, events=events)


class AsksBack(GoodGateway):
    async def parse_notification(self, ctx: Any, req: Any) -> Any:
        news = await super().parse_notification(ctx, req)
        for event in news.events:
            if event.payment is not None:
                await self.query(ctx, event.payment.payment_id, None)
        return news


class NumbersDeliveries(GoodGateway):
    async def parse_notification(self, ctx: Any, req: Any) -> Any:
        news = await super().parse_notification(ctx, req)
        delivery = hashlib.sha256(req.header("acme-signature").encode()).hexdigest()
        return but(news, events=[but(event, event_id=delivery) for event in news.events])


class OldNewsIsNoNews(GoodGateway):
    def read(self, ctx: Any, req: Any) -> Any:
        news = super().read(ctx, req)
        if any(ctx.now() - event.occurred_at > timedelta(days=1) for event in news.events):
            raise SignatureInvalid("too old", stale=True)
        return news


class OneIdPerPayment(GoodGateway):
    def event(self, news: Any, raw: bytes) -> Any:
        event = super().event(news, raw)
        told = event.payment or event.refund
        return but(event, event_id=told.payment_id if told else event.event_id)


class WantsOrder(GoodGateway):
    def __init__(self) -> None:
        self.last = ""

    def read(self, ctx: Any, req: Any) -> Any:
        news = super().read(ctx, req)
        events = [event for event in news.events if event.event_id >= self.last]
        self.last = max([self.last, *(event.event_id for event in events)])
        return but(news, events=events)


class NeverSaysNo(GoodGateway):
    def read(self, ctx: Any, req: Any) -> Any:
        return but(super().read(ctx, req), nack=Ack(200, b"ok"))


class WritesItAgain(GoodGateway):
    def verify(self, ctx: Any, req: Any) -> None:
        try:
            body = json.dumps(json.loads(req.body), separators=(",", ":")).encode()
        except (ValueError, RecursionError):
            raise SignatureInvalid("no JSON") from None
        super().verify(ctx, but(req, body=body))


class StrictNews(News, forbid_unknown_fields=True):
    pass


class WantsNothingNew(GoodGateway):
    def read(self, ctx: Any, req: Any) -> Any:
        try:
            msgspec.json.decode(req.body, type=StrictNews)
        except (ValueError, RecursionError):
            raise ProviderRejected("malformed") from None
        return super().read(ctx, req)


# ---------------------------------------------------------------------------------- doubting


class TakesTheUnsigned(GoodGateway):
    def verify(self, ctx: Any, req: Any) -> None:
        if req.header("acme-signature"):
            super().verify(ctx, req)


class ComparesText(GoodGateway):
    """``hmac.compare_digest`` raises for text that is not ASCII."""

    def verify(self, ctx: Any, req: Any) -> None:
        t = req.header("acme-signature").partition(",v1=")[0]
        if not t[2:].isascii() or not t[2:].isdigit():
            raise SignatureInvalid("malformed")
        expected = signature(ctx.secrets.read("webhook_secret"), int(t[2:]), req.body)
        if not hmac.compare_digest(f"t={t[2:]},v1={expected}", req.header("acme-signature")):
            raise SignatureInvalid("digest differs")
        super().verify(ctx, req)


class LooksAtTheForm(GoodGateway):
    def verify(self, ctx: Any, req: Any) -> None:
        try:
            super().verify(ctx, req)
        except SignatureInvalid as invalid:
            if invalid.reason != "digest differs":
                raise


class NeverTooOld(GoodGateway):
    window: ClassVar[timedelta] = timedelta(days=3650)


class ReadsBeforeItVerifies(GoodGateway):
    async def parse_notification(self, ctx: Any, req: Any) -> Any:
        news = self.read(ctx, req)
        self.verify(ctx, req)
        return news


class TrustsTheForm(GoodGateway):
    def read(self, ctx: Any, req: Any) -> Any:
        news = msgspec.json.decode(req.body, type=News)
        return Notification([self.event(news, req.body)], Ack(200, b"ok"), Ack(503, b"later"))


# ---------------------------------------------------------------------------------- secrecy


class PlainAccount(Struct, frozen=True, kw_only=True):
    merchant: str
    api_key: str
    webhook_secret: Secret


class PlainKey(GoodGateway):
    config_type: ClassVar[type[Struct]] = PlainAccount

    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        account = Account(
            merchant=ctx.config.merchant,
            api_key=Secret(ctx.config.api_key),
            webhook_secret=ctx.config.webhook_secret,
        )
        return await super().send(with_account(ctx, account), method, path, **options)


def with_account(ctx: Any, account: Account) -> Any:
    import dataclasses

    from commercekit.platform.providers import SecretReader

    return dataclasses.replace(ctx, config=account, secrets=SecretReader.of(account, "acme"))


class LogsItsHeaders(GoodGateway):
    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        key = ctx.secrets.read("api_key")
        ctx.log.info("calling", path=path, authorization=f"Bearer {key}")
        return await super().send(ctx, method, path, **options)


class KeyInTheAddress(GoodGateway):
    """httpx itself logs every address."""

    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        params = {**options.pop("params", {}), "key": ctx.secrets.read("api_key")}
        return await super().send(ctx, method, path, params=params, **options)


class LogsAnswers(GoodGateway):
    def judged(self, ctx: Any, answer: Any) -> bytes:
        ctx.log.info("answered", status=answer.status_code, body=answer.text)
        return super().judged(ctx, answer)


class NamesNothing(GoodGateway):
    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        if "api_key" not in ctx.secrets:
            raise ProviderConfigError("The account is not set up")
        return await super().send(ctx, method, path, **options)


class VerifiesWithNothing(GoodGateway):
    def verify(self, ctx: Any, req: Any) -> None:
        if "webhook_secret" not in ctx.secrets:
            raise SignatureInvalid("digest differs")
        super().verify(ctx, req)


class BlamesTheRequest(GoodGateway):
    def judged(self, ctx: Any, answer: Any) -> bytes:
        if answer.status_code == 401:
            raise ProviderRejected("unauthorised")
        return super().judged(ctx, answer)


# ---------------------------------------------------------------------------------- manners


class Loner(GoodGateway):
    reached: ClassVar[Any] = None

    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        import dataclasses

        transport = httpx.MockTransport(Loner.reached)
        async with httpx.AsyncClient(transport=transport) as http:
            own = dataclasses.replace(ctx, http=http)
            return await super().send(own, method, path, **options)


class LonersVendor(AcmeVendor):
    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        Loner.reached = self.answer


class CannotBeStopped(GoodGateway):
    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        try:
            return await super().send(ctx, method, path, **options)
        except asyncio.CancelledError:
            raise ProviderUnknown("cancelled") from None


class Litters(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        self_tidying = asyncio.get_running_loop().create_task(asyncio.sleep(3600))
        self_tidying.set_name("litter")
        return await super().refund(ctx, req)


class Shields(GoodGateway):
    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        return await asyncio.shield(super().send(ctx, method, path, **options))


class LeavesTheTapOn(GoodGateway):
    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        if method == "GET":
            return await super().send(ctx, method, path, **options)
        headers = {"authorization": f"Bearer {ctx.secrets.read('api_key')}"} | options["headers"]
        request = ctx.http.build_request(
            method, f"https://api.acme.example{path}", headers=headers, json=options["json"]
        )
        try:
            answer = await ctx.http.send(request, stream=True)
        except httpx.ConnectError:
            return await super().send(ctx, method, path, **options)
        except httpx.TransportError:
            raise ProviderUnknown("no-answer") from None
        if answer.status_code >= 500:
            raise ProviderUnknown("server-error")
        await answer.aread()
        return self.judged(ctx, answer)


class Sleeps(GoodGateway):
    async def void(self, ctx: Any, *args: Any) -> Any:
        time.sleep(0.06)
        return await super().void(ctx, *args)


class Remembers(GoodGateway):
    links: ClassVar[dict[str, str]] = {}

    def action(self, req: Any, payment: Any) -> Any:
        self.links[req.payment_id] = payment.url
        return super().action(req, payment)


class KeepsTheFirstKey(GoodGateway):
    def __init__(self) -> None:
        self.key: str | None = None

    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> bytes:
        self.key = self.key or ctx.secrets.read("api_key")
        account = but(ctx.config, api_key=Secret(self.key))
        return await super().send(with_account(ctx, account), method, path, **options)


class KeepsTheLastSecret(GoodGateway):
    """What was cached for one account verifies the news of all."""

    def __init__(self) -> None:
        self.secret: Secret | None = None

    def verify(self, ctx: Any, req: Any) -> None:
        secret = self.secret or Secret(ctx.secrets.read("webhook_secret"))
        super().verify(with_account(ctx, but(ctx.config, webhook_secret=secret)), req)
        self.secret = secret


class OwnClock(GoodGateway):
    def now(self, ctx: Any) -> datetime:
        return datetime.now(UTC)


BROKEN: dict[type[GoodGateway], tuple[str, ...]] = {
    NoTimeZone: ("accepts-its-own",),
    LooksForCapitals: ("accepts-its-own",),
    NamesNoAccount: ("names-its-account",),
    HearsOnce: (
        "reads-without-effects",
        "takes-added-fields",
        "takes-late-news",
        "reads-in-any-order",
        "reads-the-exact-bytes",
        "resends-under-one-id",
    ),
    AsksBack: ("reads-without-calls",),
    NumbersDeliveries: ("resends-under-one-id",),
    OldNewsIsNoNews: ("takes-late-news",),
    OneIdPerPayment: ("tells-events-apart",),
    WantsOrder: ("reads-in-any-order", "takes-late-news", "resends-under-one-id"),
    NeverSaysNo: ("answers-both-ways",),
    WritesItAgain: ("reads-the-exact-bytes",),
    WantsNothingNew: ("takes-added-fields",),
    TakesTheUnsigned: ("refuses-forgeries",),
    ComparesText: ("refuses-forgeries",),
    LooksAtTheForm: (
        "refuses-alterations",
        "refuses-forgeries",
        "refuses-strange-bodies",
        "keeps-accounts-apart",
    ),
    NeverTooOld: ("refuses-what-expired",),
    ReadsBeforeItVerifies: ("refuses-strange-bodies", "refuses-alterations"),
    TrustsTheForm: ("survives-strange-bodies",),
    PlainKey: ("types-its-secrets",),
    LogsItsHeaders: ("keeps-secrets",),
    KeyInTheAddress: ("keeps-secrets",),
    LogsAnswers: ("keeps-no-card-number",),
    NamesNothing: ("names-what-is-not-set",),
    VerifiesWithNothing: ("trusts-no-empty-secret",),
    BlamesTheRequest: ("reports-a-revoked-key",),
    Loner: ("speaks-through-the-context", "says-unavailable-when-nothing-was-done"),
    CannotBeStopped: ("ends-when-cancelled",),
    Litters: ("leaves-no-task",),
    Shields: ("leaves-no-task",),
    LeavesTheTapOn: ("leaves-no-connection",),
    Sleeps: ("never-blocks-the-loop",),
    Remembers: ("forgets-requests",),
    KeepsTheFirstKey: ("keeps-accounts-apart",),
    KeepsTheLastSecret: ("keeps-accounts-apart", "refuses-forgeries"),
    OwnClock: ("tells-time-by-the-context", "takes-late-news", "refuses-what-expired"),
}
