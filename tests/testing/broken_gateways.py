"""Gateways that break their contract where money is asked for, taken, given back, or lost sight of.

Each says which rules catch it, the one meant for it first.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import httpx
import msgspec

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    Capabilities,
    CaptureMode,
    DisputeState,
    PaymentState,
    Redirect,
    RefundSnapshot,
    RefundState,
    StatementKind,
)
from commercekit.platform.providers import (
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from tests.testing.sample_gateway import GoodGateway

__all__ = ["BROKEN"]


def but(snapshot: Any, /, **changes: Any) -> Any:
    return msgspec.structs.replace(snapshot, **changes)


def able(**changes: Any) -> Capabilities:
    return msgspec.structs.replace(GoodGateway.capabilities, **changes)


# --------------------------------------------------------------------------------- of itself


class Nameless(GoodGateway):
    code = "Acme Pay"


class CountsOnMetadata(GoodGateway):
    async def create(self, ctx: Any, req: Any) -> Any:
        ctx.log.debug("asking", locale=req.metadata["locale"])
        return await super().create(ctx, req)


class AnswersInPieces(GoodGateway):
    async def close(self, ctx: Any, payment_id: str, provider_ref: Any) -> Any:
        return {"state": "closed"}


class FallsOver(GoodGateway):
    capabilities: ClassVar[Capabilities] = able(void=False)

    async def void(self, ctx: Any, *_: Any) -> Any:
        raise NotImplementedError


# ----------------------------------------------------------------------------------- asking


class CannotSayWhatBecameOfRefunds(GoodGateway):
    async def query_refund(self, ctx: Any, *_: Any) -> Any:
        raise ProviderRejected("not-supported")


class Shouts(GoodGateway):
    async def create(self, ctx: Any, req: Any) -> Any:
        result = await super().create(ctx, req)
        loud = result.snapshot.payment_id.upper()
        return but(result, snapshot=but(result.snapshot, payment_id=loud))


class OneWayOnly(GoodGateway):
    def action(self, req: Any, payment: Any) -> Any:
        return Redirect(payment.url)


class AsksAnew(GoodGateway):
    def create_key(self, req: Any) -> str:
        return new_id().hex


class LooksThenAsks(GoodGateway):
    async def create(self, ctx: Any, req: Any) -> Any:
        self.check_currency(req.amount)
        known = await self.query(ctx, req.payment_id, None)
        if known.provider_ref:
            url = f"https://pay.acme.example/{known.provider_ref}"
            return self.result(req, known, url)
        return await super().create(ctx, req)

    def result(self, req: Any, known: Any, url: str) -> Any:
        from commercekit.payments import CreateResult, Flow, QrCode

        return CreateResult(known, QrCode(url) if req.flow is Flow.QR else Redirect(url))

    def create_key(self, req: Any) -> str:
        return new_id().hex


class KeysByAmount(GoodGateway):
    def create_key(self, req: Any) -> str:
        return f"{req.idempotency_key}-{req.amount.amount}"


class AlwaysCents(GoodGateway):
    def money(self, amount: Money) -> dict[str, str]:
        return {"amount": str(Decimal(amount.amount).scaleb(-2)), "currency": amount.currency}


class TakesAnyMoney(GoodGateway):
    def check_currency(self, amount: Money) -> None:
        pass


class NeverHearsOfMoney(GoodGateway):
    async def query(self, ctx: Any, payment_id: str, provider_ref: Any) -> Any:
        seen = await super().query(ctx, payment_id, provider_ref)
        return but(seen, state=PaymentState.PENDING) if seen.state is PaymentState.PAID else seen


class RefusesDeclines(GoodGateway):
    async def query(self, ctx: Any, payment_id: str, provider_ref: Any) -> Any:
        seen = await super().query(ctx, payment_id, provider_ref)
        if seen.state is PaymentState.FAILED:
            raise ProviderRejected(seen.failure_code or "declined")
        return seen


class FailsStrangers(GoodGateway):
    def unmet(self, payment_id: str) -> Any:
        return but(super().unmet(payment_id), state=PaymentState.FAILED)


class ClosesInWords(GoodGateway):
    async def close(self, ctx: Any, payment_id: str, provider_ref: Any) -> Any:
        seen = await self.query(ctx, payment_id, provider_ref)
        pending = seen.state is PaymentState.PENDING
        return but(seen, state=PaymentState.CLOSED) if pending else seen


class ClosesWhatIsPaid(GoodGateway):
    async def close(self, ctx: Any, payment_id: str, provider_ref: Any) -> Any:
        seen = await super().close(ctx, payment_id, provider_ref)
        return but(seen, state=PaymentState.CLOSED)


# ----------------------------------------------------------------------------------- taking


class TakesAtOnce(GoodGateway):
    async def create(self, ctx: Any, req: Any) -> Any:
        return await super().create(ctx, but(req, capture=CaptureMode.AUTO))


class CapturesAnew(GoodGateway):
    async def capture(self, ctx: Any, *args: Any, **more: Any) -> Any:
        return await super().capture(ctx, *args[:-1], new_id().hex, **more)


class LooksThenCaptures(GoodGateway):
    async def capture(self, ctx: Any, *args: Any, **more: Any) -> Any:
        seen = await self.query(ctx, args[0], args[1])
        if seen.state is PaymentState.PAID and seen.captured == args[2]:
            return seen
        return await super().capture(ctx, *args[:-1], new_id().hex, **more)


class CapturesWhatItCan(GoodGateway):
    async def capture(self, ctx: Any, *args: Any, **more: Any) -> Any:
        try:
            return await super().capture(ctx, *args, **more)
        except ProviderRejected as refused:
            if refused.code != "exceeds-authorisation":
                raise
            seen = await self.query(ctx, args[0], args[1])
            return await super().capture(ctx, args[0], args[1], seen.amount, f"{args[3]}-all")


class ShrugsAtUnpaid(GoodGateway):
    shrugs: ClassVar[PaymentState] = PaymentState.PENDING

    async def capture(self, ctx: Any, *args: Any, **more: Any) -> Any:
        try:
            return await super().capture(ctx, *args, **more)
        except ProviderRejected:
            seen = await self.query(ctx, args[0], args[1])
            if seen.state is not self.shrugs:
                raise
            return seen


class KeepsTheRest(GoodGateway):
    async def capture(self, ctx: Any, *args: Any, **more: Any) -> Any:
        return await super().capture(ctx, *args, final=False)


class TellsTheLastCapture(GoodGateway):
    async def capture(self, ctx: Any, *args: Any, **more: Any) -> Any:
        return but(await super().capture(ctx, *args, **more), captured=args[2])


class VoidsOnce(GoodGateway):
    async def void(self, ctx: Any, *args: Any) -> Any:
        return await super().void(ctx, *args[:-1], new_id().hex)


class VoidsByRefunding(GoodGateway):
    async def void(self, ctx: Any, *args: Any) -> Any:
        try:
            return await super().void(ctx, *args)
        except ProviderRejected:
            seen = await self.query(ctx, args[0], args[1])
            said = {"reference": new_id().hex, "payment": args[1], **self.money(seen.captured)}
            await self.ask(ctx, "/v1/refunds", said, f"{args[2]}-back")
            return but(seen, state=PaymentState.CLOSED, captured=None)


class ShrugsAtVoided(ShrugsAtUnpaid):
    shrugs: ClassVar[PaymentState] = PaymentState.CLOSED


# --------------------------------------------------------------------------- giving back


class RefundsAnew(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        return await super().refund(ctx, but(req, idempotency_key=new_id().hex))


class LooksThenRefunds(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        seen = await self.query_refund(ctx, req.refund_id, req.payment_id, None)
        if seen.state not in (RefundState.UNKNOWN, RefundState.FAILED):
            return seen
        return await super().refund(ctx, but(req, idempotency_key=new_id().hex))


class RefundsWhatThereIs(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        if req.amount > req.payment_total:
            req = but(req, amount=req.payment_total)
        return await super().refund(ctx, req)


class RefundsNothing(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        try:
            return await super().refund(ctx, req)
        except ProviderRejected:
            seen = await self.query(ctx, req.payment_id, req.provider_ref)
            if seen.captured:
                raise
            return RefundSnapshot(
                refund_id=req.refund_id,
                payment_id=req.payment_id,
                state=RefundState.SUCCEEDED,
                amount=req.amount,
            )


class RefundsOncePerPayment(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        return await super().refund(ctx, but(req, idempotency_key=f"refund-{req.payment_id}"))


class TellsTheSum(GoodGateway):
    def refund_snapshot(self, refund: Any, raw: bytes) -> Any:
        sum_of_all = self.read_money(refund.amount_refunded_in_all, refund.currency)
        return but(super().refund_snapshot(refund, raw), amount=sum_of_all)


class KeysRefundsByAmount(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        key = f"{req.idempotency_key}-{req.amount.amount}"
        return await super().refund(ctx, but(req, idempotency_key=key))


class FailsStrangeRefunds(GoodGateway):
    async def query_refund(self, ctx: Any, *args: Any) -> Any:
        seen = await super().query_refund(ctx, *args)
        unknown = seen.state is RefundState.UNKNOWN
        return but(seen, state=RefundState.FAILED) if unknown else seen


class BelievesInBanks(GoodGateway):
    async def query_refund(self, ctx: Any, *args: Any) -> Any:
        seen = await super().query_refund(ctx, *args)
        failed = seen.state is RefundState.FAILED
        return but(seen, state=RefundState.SUCCEEDED) if failed else seen


class KeysByRefund(GoodGateway):
    async def refund(self, ctx: Any, req: Any) -> Any:
        return await super().refund(ctx, but(req, idempotency_key=req.refund_id))


# ---------------------------------------------------------------------------------- knowing


class StatesSalesAlone(GoodGateway):
    async def reconcile(self, ctx: Any, day: Any) -> Any:
        async for line in super().reconcile(ctx, day):
            if line.kind is StatementKind.CHARGE:
                yield line


class NumbersLinesAnew(GoodGateway):
    def line(self, moved: Any) -> Any:
        return but(super().line(moved), line_id=new_id().hex)


class NamesTheVendorsPayment(GoodGateway):
    def dispute_snapshot(self, dispute: Any, at: Any) -> Any:
        return but(super().dispute_snapshot(dispute, at), payment_id=dispute.charge)


class NeverHearsTheEnd(GoodGateway):
    def dispute_snapshot(self, dispute: Any, at: Any) -> Any:
        seen = super().dispute_snapshot(dispute, at)
        ended = seen.state in (DisputeState.WON, DisputeState.LOST)
        return but(seen, state=DisputeState.UNDER_REVIEW) if ended else seen


class NothingHappened(GoodGateway):
    async def send(self, ctx: Any, *args: Any, **options: Any) -> Any:
        try:
            return await super().send(ctx, *args, **options)
        except ProviderUnknown as unknown:
            if unknown.code == "nonsense":
                raise
            raise ProviderUnavailable(retry_after=1) from None


class WhoKnows(GoodGateway):
    async def send(self, ctx: Any, *args: Any, **options: Any) -> Any:
        try:
            return await super().send(ctx, *args, **options)
        except ProviderUnavailable:
            raise ProviderUnknown("no-connection") from None


class KnowsNoPending(GoodGateway):
    async def query_refund(self, ctx: Any, *args: Any) -> Any:
        seen = await super().query_refund(ctx, *args)
        pending = seen.state is RefundState.PENDING
        return but(seen, state=RefundState.UNKNOWN) if pending else seen


class TriesAgainWithAnotherKey(GoodGateway):
    async def ask(self, ctx: Any, path: str, said: Any, key: Any) -> Any:
        try:
            return await super().ask(ctx, path, said, key)
        except ProviderUnknown:
            return await super().ask(ctx, path, said, f"{key}-2")


class RefusesNonsense(GoodGateway):
    def decode(self, said: bytes, kind: Any) -> Any:
        try:
            return super().decode(said, kind)
        except ProviderUnknown:
            raise ProviderRejected("nonsense") from None


class WaitsForNobody(GoodGateway):
    """Lets httpx's own exceptions out."""

    async def send(self, ctx: Any, method: str, path: str, **options: Any) -> Any:
        headers = {
            "authorization": f"Bearer {ctx.secrets.read('api_key')}",
            **options.pop("headers", {}),
        }
        url = f"https://api.acme.example{path}"
        answer: httpx.Response = await ctx.http.request(method, url, headers=headers, **options)
        return self.judged(ctx, answer)


BROKEN: dict[type[GoodGateway], tuple[str, ...]] = {
    Nameless: ("declares-itself",),
    CountsOnMetadata: ("fails-in-our-words",),
    WaitsForNobody: ("fails-in-our-words",),
    AnswersInPieces: ("answers-in-our-words",),
    CannotSayWhatBecameOfRefunds: (
        "goes-the-whole-way",
        "names-this-refund-alone",
        "knows-no-stranger-refund",
        "settles-refunds-later",
        "tells-the-truth-afterwards",
    ),
    FallsOver: ("says-what-it-cannot",),
    Shouts: ("answers-what-was-asked",),
    OneWayOnly: ("gives-what-the-flow-needs",),
    AsksAnew: (
        "asks-once",
        "gives-one-key-one-meaning",
        "asks-once-at-once",
        "repeats-without-a-second-effect",
    ),
    LooksThenAsks: ("asks-once-at-once",),
    KeysByAmount: ("gives-one-key-one-meaning",),
    AlwaysCents: ("states-the-amount-asked",),
    TakesAnyMoney: ("refuses-other-currencies",),
    NeverHearsOfMoney: ("tells-when-it-is-paid", "tells-the-truth-afterwards"),
    RefusesDeclines: ("declines-as-a-value",),
    FailsStrangers: ("fails-no-stranger", "tells-the-truth-afterwards"),
    ClosesInWords: ("closes-what-is-unpaid",),
    ClosesWhatIsPaid: ("believes-who-was-faster",),
    TakesAtOnce: (
        "holds-before-it-takes",
        "goes-the-whole-way",
        "captures-once",
        "captures-once-at-once",
        "captures-within-what-is-held",
        "captures-in-part",
        "captures-in-parts",
        "voids-what-is-held",
        "voids-nothing-taken",
        "captures-nothing-voided",
        "tells-the-truth-afterwards",
        "repeats-without-a-second-effect",
    ),
    CapturesAnew: ("captures-once", "captures-once-at-once", "repeats-without-a-second-effect"),
    LooksThenCaptures: ("captures-once-at-once",),
    CapturesWhatItCan: ("captures-within-what-is-held",),
    ShrugsAtUnpaid: ("captures-nothing-unauthorised",),
    KeepsTheRest: ("captures-in-part",),
    TellsTheLastCapture: ("captures-in-parts",),
    VoidsOnce: ("voids-what-is-held", "repeats-without-a-second-effect"),
    VoidsByRefunding: ("voids-nothing-taken",),
    ShrugsAtVoided: ("captures-nothing-voided",),
    RefundsAnew: (
        "refunds-once",
        "refunds-once-at-once",
        "gives-one-refund-one-amount",
        "tries-a-failed-refund-again",
        "repeats-without-a-second-effect",
    ),
    LooksThenRefunds: ("refunds-once-at-once",),
    RefundsWhatThereIs: ("refunds-within-what-was-taken",),
    RefundsNothing: ("refunds-nothing-unpaid",),
    RefundsOncePerPayment: (
        "refunds-in-parts",
        "names-this-refund-alone",
        "tries-a-failed-refund-again",
    ),
    TellsTheSum: ("names-this-refund-alone",),
    KeysRefundsByAmount: ("gives-one-refund-one-amount",),
    FailsStrangeRefunds: ("knows-no-stranger-refund", "tells-the-truth-afterwards"),
    BelievesInBanks: ("settles-refunds-later",),
    KeysByRefund: ("tries-a-failed-refund-again",),
    StatesSalesAlone: ("states-what-moved",),
    NumbersLinesAnew: ("states-each-movement-once",),
    NamesTheVendorsPayment: ("names-what-is-disputed",),
    NeverHearsTheEnd: ("follows-disputes-to-their-end",),
    NothingHappened: ("says-unknown-when-nobody-knows",),
    WhoKnows: ("says-unavailable-when-nothing-was-done",),
    KnowsNoPending: ("tells-the-truth-afterwards",),
    TriesAgainWithAnotherKey: ("repeats-without-a-second-effect",),
    RefusesNonsense: ("takes-nonsense-for-unknown",),
}
