"""One gateway on trial: its vendor, the line between them, and calls that end in our words."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import httpx
import msgspec

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    CaptureMode,
    CreatePayment,
    CreateResult,
    Flow,
    Notification,
    PayLine,
    PaymentGateway,
    PaymentSnapshot,
    RefundRequest,
    RefundSnapshot,
)
from commercekit.platform.providers import (
    ProviderContext,
    ProviderError,
    RawRequest,
    SecretReader,
    TokenCache,
)
from commercekit.platform.settings import Secret
from commercekit.testing.conformance.contract import RuleBroken
from commercekit.testing.conformance.gateways.line import Fault, Line
from commercekit.testing.conformance.gateways.rules import fail
from commercekit.testing.conformance.gateways.senses import Stepped
from commercekit.testing.conformance.gateways.vendor import (
    CARD_NUMBER,
    Asked,
    InProcessVendor,
    PaymentVendor,
    VendorBooks,
)
from commercekit.testing.conformance.gateways.words import premise, spoken

if TYPE_CHECKING:
    from commercekit.testing import ManualClock
    from commercekit.testing.conformance.gateways.contract import PaymentGatewayContract

__all__ = ["Trial"]

T = TypeVar("T")

_FLOWS = (Flow.REDIRECT, Flow.QR, Flow.H5, Flow.FORM, Flow.CLIENT_SECRET, Flow.JSAPI, Flow.APP)
_MISSING: Final = {
    "vendor": "nobody outside is asked: OFFLINE is the only flow",
    "line": "speaks_http is False: the vendor is reached in another way",
    "faults": "speaks_http is False, and the vendor has no fail_next",
    "currencies": "capabilities.currencies is None: every currency is taken",
    "declines": "tells_of_declines is False: the shop only sees that nobody paid",
    "window": "replay_window is None: the vendor signs no time",
    "secrets": "the account has no secrets",
}


class Trial:
    """What the rules work with. ``context`` is the author's, with a :class:`Line` in it."""

    def __init__(
        self,
        contract: PaymentGatewayContract,
        gateway: PaymentGateway,
        context: ProviderContext,
        vendor: PaymentVendor | None,
        clock: ManualClock,
    ) -> None:
        self.contract = contract
        self.gateway = gateway
        self.able = gateway.capabilities
        self.clock = clock
        self.verdicts: dict[str, str] = {}
        self.steps: list[tuple[str, float]] | None = None
        """How long each step of a call took without giving way, once somebody wants to know."""
        self.heard: list[Any] | None = None
        """Every answer and every error, once somebody listens."""
        self._refs: dict[str, str] = {}
        self._given = context
        self._vendor = vendor
        self._clients: list[httpx.AsyncClient] = []
        self.context, self.line = self.connected(context)

    def connected(self, context: ProviderContext) -> tuple[ProviderContext, Line]:
        """``context`` with a line of its own to the vendor."""
        line = Line(self._given.http)
        client = httpx.AsyncClient(
            transport=line, timeout=self._given.http.timeout, headers=self._given.http.headers
        )
        self._clients.append(client)
        return dataclasses.replace(context, http=client), line

    async def end(self) -> None:
        """Close what was opened for the trial."""
        for client in self._clients:
            await client.aclose()

    # ------------------------------------------------------------------------- what is asked at all

    @property
    def vendor(self) -> PaymentVendor:
        """The vendor; rules that need one say so."""
        if self._vendor is None:
            message = "give the fixture `vendor`: the gateway has flows that a vendor answers"
            raise TypeError(message)
        return self._vendor

    def lacks(self, needs: tuple[str, ...]) -> str:
        """Why a rule that needs all of ``needs`` is not asked; empty when it is."""
        return next((why for need in needs if (why := self._lacks(need))), "")

    def _lacks(self, need: str) -> str:
        there = {
            "vendor": self._vendor is not None or self.able.flows != {Flow.OFFLINE},
            "line": self.contract.speaks_http,
            "faults": self.contract.speaks_http or hasattr(self._vendor, "fail_next"),
            "currencies": self.able.currencies is not None,
            "declines": self.contract.tells_of_declines,
            "window": self.contract.replay_window is not None,
            "secrets": bool(self.secrets),
        }
        if need in there:
            return "" if there[need] else _MISSING[need]
        return "" if getattr(self.able, need) else f"capabilities.{need} is not declared"

    def note(self, rule: str, verdict: str) -> None:
        """Write down how a rule fared, unless it fared worse before."""
        self.verdicts.setdefault(rule, verdict)

    @property
    def secrets(self) -> dict[str, str]:
        """The texts of the account's secrets by the names of their settings."""
        config = self.context.config
        fields = {name: getattr(config, name) for name in config.__struct_fields__}
        return {n: v.reveal() for n, v in fields.items() if isinstance(v, Secret) and v}

    # -------------------------------------------------------------------------------------- material

    @property
    def currency(self) -> str:
        """What the trial pays in."""
        wanted, takes = self.contract.currency, self.able.currencies
        if wanted is not None or takes is None:
            return wanted or "CNY"
        return "CNY" if "CNY" in takes else min(takes)

    @property
    def amount(self) -> Money:
        """What a payment of the trial costs."""
        limits = self.able.limits(self.currency)
        wanted = max(self.contract.amount, 10 * limits.least)
        fitting = min(wanted, limits.most or wanted)
        return Money(fitting - fitting % limits.step, self.currency)

    @property
    def flow(self) -> Flow:
        """How the shopper of the trial pays."""
        return next((flow for flow in _FLOWS if flow in self.able.flows), Flow.OFFLINE)

    def request(self, **changes: Any) -> CreatePayment:
        """A new payment, different from all before."""
        payment_id = new_id().hex
        manual = not self.able.auto_capture
        wanted = CreatePayment(
            payment_id=payment_id,
            order_ref="261122-TEST",
            amount=self.amount,
            flow=self.flow,
            capture=CaptureMode.MANUAL if manual else CaptureMode.AUTO,
            subject="Order 261122-TEST",
            idempotency_key=f"create-{payment_id}",
            notify_url=f"https://shop.test/webhooks/payments/{self.gateway.code}/"
            f"{self.context.account_id}",
            return_url="https://shop.test/thanks",
            cancel_url="https://shop.test/cart",
            expires_at=self.clock.now() + timedelta(minutes=30),
            customer_ip="203.0.113.77",
            lines=[PayLine("Cap <&> 帽子", 1, self.amount)],
            metadata={"locale": "en", "note": CARD_NUMBER},
        )
        changed = msgspec.structs.replace(wanted, **changes)
        if "lines" not in changes:
            changed = msgspec.structs.replace(
                changed, lines=[PayLine("Cap <&> 帽子", 1, changed.amount)]
            )
        return self.contract.payment_request(changed)

    # ----------------------------------------------------------------------------------------- calls

    async def create(self, request: CreatePayment, context: ProviderContext | None = None) -> Asked:
        """Ask for money."""
        call = self.gateway.create(context or self.context, request)
        return Asked(request, await self.spoken(call, CreateResult))

    async def asked(self, **changes: Any) -> Asked:
        """A new payment that nobody has paid yet."""
        return await self.create(self.request(**changes))

    async def paid(self) -> Asked:
        """A new payment that the shopper has paid, and whose money was taken."""
        with premise("paying"):
            asked = await self.asked()
            await self.vendor.pay(asked)
            if asked.request.capture is CaptureMode.MANUAL:
                await self.capture(asked, asked.amount)
            if self.ref(asked) is None and self.able.query:
                await self.query(asked)
        return asked

    async def held(self) -> Asked:
        """A new payment whose money is held."""
        with premise("holding money"):
            asked = await self.asked(capture=CaptureMode.MANUAL)
            await self.vendor.pay(asked)
        return asked

    async def query(self, asked: Asked, context: ProviderContext | None = None) -> PaymentSnapshot:
        """Ask what became of it."""
        return await self.query_id(asked.payment_id, self.ref(asked), context)

    async def query_id(
        self,
        payment_id: str,
        provider_ref: str | None = None,
        context: ProviderContext | None = None,
    ) -> PaymentSnapshot:
        """Ask about a payment of which not more than its id may be known."""
        call = self.gateway.query(context or self.context, payment_id, provider_ref)
        return await self.spoken(call, PaymentSnapshot)

    async def capture(
        self, asked: Asked, amount: Money, key: str = "", *, final: bool = True
    ) -> PaymentSnapshot:
        """Take held money; without ``key`` under a new one."""
        call = self.gateway.capture(
            self.context,
            asked.payment_id,
            self.ref(asked),
            amount,
            key or f"capture-{new_id().hex}",
            **({} if final else {"final": False}),
        )
        return await self.spoken(call, PaymentSnapshot)

    async def void(self, asked: Asked, key: str = "") -> PaymentSnapshot:
        """Give held money up."""
        call = self.gateway.void(
            self.context, asked.payment_id, self.ref(asked), key or f"void-{new_id().hex}"
        )
        return await self.spoken(call, PaymentSnapshot)

    async def close(self, asked: Asked) -> PaymentSnapshot:
        """End an unpaid payment."""
        call = self.gateway.close(self.context, asked.payment_id, self.ref(asked))
        return await self.spoken(call, PaymentSnapshot)

    def refund_request(
        self, asked: Asked, amount: Money | None = None, **more: Any
    ) -> RefundRequest:
        """A new refund of ``amount``, else of all."""
        refund_id = new_id().hex
        wanted = RefundRequest(
            refund_id=refund_id,
            payment_id=asked.payment_id,
            provider_ref=self.ref(asked),
            amount=amount or asked.amount,
            payment_total=asked.amount,
            reason="returned",
            idempotency_key=f"refund-{refund_id}",
            notify_url=asked.request.notify_url,
        )
        return msgspec.structs.replace(wanted, **more)

    async def refund(
        self, request: RefundRequest, context: ProviderContext | None = None
    ) -> RefundSnapshot:
        """Send money back."""
        call = self.gateway.refund(context or self.context, request)
        return await self.spoken(call, RefundSnapshot)

    async def query_refund(self, request: RefundRequest) -> RefundSnapshot:
        """Ask what became of a refund."""
        call = self.gateway.query_refund(
            self.context, request.refund_id, request.payment_id, self.ref(request)
        )
        return await self.spoken(call, RefundSnapshot)

    async def parse(self, raw: RawRequest, context: ProviderContext | None = None) -> Notification:
        """Have a notification read, as the core hands it over: header names in lower case."""
        lowered = {name.lower(): value for name, value in raw.headers.items()}
        call = self.gateway.parse_notification(
            context or self.context, msgspec.structs.replace(raw, headers=lowered)
        )
        return await self.spoken(call, Notification)

    async def read(self, raw: RawRequest) -> Notification:
        """Have a genuine notification read; who refuses it breaks ``accepts-its-own``."""
        try:
            return await self.parse(raw)
        except ProviderError as error:
            why = getattr(error, "reason", "") or getattr(error, "message", "")
            fail("accepts-its-own", f"a genuine notification: {error!r} {why}", error)

    async def told(self, asked: Asked) -> Sequence[RawRequest]:
        """What the vendor tells; at least one notification."""
        raws = await self.vendor.notifications(asked.payment_id)
        if not raws:
            message = "the vendor's `notifications` gave none for a payment that was paid"
            raise TypeError(message)
        return raws

    async def books(self, asked: Asked) -> VendorBooks:
        """The vendor's own books on it."""
        return await self.vendor.books(asked.payment_id)

    async def spoken(self, call: Awaitable[T], kind: type[T]) -> T:
        """The answer, of the type promised; a stranger's exception breaks a rule."""
        if self.steps is not None:
            call = Stepped(call, self.steps)
        try:
            answer = await spoken(call, kind)
        except (ProviderError, RuleBroken) as error:
            self._hear(error)
            if isinstance(error, RuleBroken) and self.line.vendor_error is not None:
                message = "the vendor's fake raised this, not the gateway"
                raise TypeError(message) from self.line.vendor_error
            raise
        self._hear(answer)
        self._note_refs(answer)
        return answer

    def ref(self, known: Asked | RefundRequest) -> str | None:
        """The vendor's own id, once the gateway told it, as the core would hand it over."""
        if isinstance(known, RefundRequest):
            return self._refs.get(known.refund_id)
        return self._refs.get(known.payment_id, known.provider_ref)

    def _note_refs(self, answer: Any) -> None:
        seen = answer.snapshot if isinstance(answer, CreateResult) else answer
        if isinstance(seen, PaymentSnapshot | RefundSnapshot) and seen.provider_ref:
            ours = seen.refund_id if isinstance(seen, RefundSnapshot) else seen.payment_id
            self._refs[ours or ""] = seen.provider_ref

    def _hear(self, answer: Any) -> None:
        if self.heard is not None:
            self.heard.append(answer)

    # ---------------------------------------------------------------------------------------- faults

    def plays(self, fault: Fault) -> bool:
        """Whether the line, or a vendor in the same process, can fail like that."""
        return self.contract.speaks_http or fault in cast("InProcessVendor", self.vendor).faults

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Have calls that move something end like that."""
        if self.contract.speaks_http:
            with self.line.failing(fault):
                yield
        else:
            cast("InProcessVendor", self.vendor).fail_next(fault)
            yield

    # ---------------------------------------------------------------------------- another's context

    def at(self, step: timedelta) -> ProviderContext:
        """The context ``step`` later, or earlier."""
        now = self.context.now
        return dataclasses.replace(self.context, now=lambda: now() + step)

    def with_secrets(self, texts: Mapping[str, str], account: str = "") -> ProviderContext:
        """The context of an account with other secrets."""
        secrets = {name: Secret(text) for name, text in texts.items()}
        config = msgspec.structs.replace(self.context.config, **secrets)
        account = account or self.context.account_id
        return dataclasses.replace(
            self.context,
            account_id=account,
            config=config,
            secrets=SecretReader.of(config, f"{self.gateway.code}.{account}"),
            cache=TokenCache(),
        )

    def stranger(self) -> ProviderContext:
        """The context of another account, none of whose secrets is the same."""
        return self.with_secrets(
            {name: f"other-{text[::-1]}" for name, text in self.secrets.items()}, "other"
        )

    # ---------------------------------------------------------------------------------------- all

    async def course(self) -> tuple[Asked, RefundRequest | None]:
        """Everything once that the gateway can do, without a mishap."""
        with premise("asking"):
            asked = await self.asked()
            if self.able.query:
                await self.query(asked)
            if self.able.close:
                await self.close(await self.asked())
        if self.lacks(("vendor",)):
            return asked, None
        asked = await self.paid()
        if self.able.manual_capture:
            held = await self.held()
            with premise("capturing"):
                await self.capture(held, held.amount)
            if self.able.void:
                held = await self.held()
                with premise("voiding"):
                    await self.void(held)
        request = None
        with premise("afterwards"):
            if self.able.query:
                await self.query(asked)
            if self.able.refund:
                request = self.refund_request(asked)
                await self.refund(request)
                if self.able.query:
                    await self.query_refund(request)
        if self.able.webhook:
            for raw in await self.told(asked):
                await self.read(raw)
        return asked, request
