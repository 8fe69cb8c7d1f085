"""A payment vendor in memory: an HTTP interface, its books, and the kit's commands."""

from __future__ import annotations

import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from commercekit.kernel import exponent
from commercekit.payments import CaptureMode, DisputeState
from commercekit.platform.providers import RawRequest
from commercekit.testing import ManualClock
from commercekit.testing.conformance import CARD_NUMBER, Asked, PaymentVendor, VendorBooks

__all__ = ["CHINA", "AcmeVendor", "signature"]

CHINA = timedelta(hours=8)
API_KEY, WEBHOOK_SECRET = "sk_live_51acme", "whsec_acme_4711"


@dataclass
class Charge:
    """A payment as the vendor keeps it; amounts are minor units."""

    ref: str
    reference: str
    amount: int
    currency: str
    manual: bool
    state: str = "open"
    held: int = 0
    captures: list[int] = field(default_factory=list)


@dataclass
class Refund:
    """A refund as the vendor keeps it."""

    ref: str
    reference: str
    charge: Charge
    amount: int
    state: str = "pending"


@dataclass
class Movement:
    """A line of the statement."""

    id: str
    at: str
    kind: str
    payment: str
    refund: str | None
    amount: str
    currency: str


class Refusal(Exception):
    """What the vendor answers with 4xx."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class AcmeVendor(PaymentVendor):
    """Knows payments by our reference; what a key asked for once is not done twice."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.charges: list[Charge] = []
        self.given_back: list[Refund] = []
        self.moved: list[Movement] = []
        self.disputes: dict[str, str] = {}
        self.events: list[tuple[str, bytes]] = []
        self.answered: dict[str, tuple[bytes, int, bytes]] = {}
        self._numbers = itertools.count(1)

    # ------------------------------------------------------------------------- what the kit commands

    async def pay(self, asked: Asked) -> None:
        charge = self._charge(asked.provider_ref)
        if charge.state != "open":
            return
        if charge.manual:
            charge.state, charge.held = "authorised", charge.amount
        else:
            charge.state, charge.captures = "paid", [charge.amount]
            self._move("charge", charge, charge.amount)
        self._tell(charge)

    async def decline(self, asked: Asked) -> None:
        charge = self._charge(asked.provider_ref)
        charge.state = "declined"
        self._tell(charge)

    async def books(self, payment_id: str) -> VendorBooks:
        charges = [each for each in self.charges if each.reference == payment_id]
        if not charges:
            return VendorBooks()
        gone = [
            each for each in self.given_back if each.charge in charges and each.state != "failed"
        ]
        from commercekit.kernel import Money

        return VendorBooks(
            payments=len(charges),
            amount=Money(charges[0].amount, charges[0].currency),
            held=sum(each.held for each in charges),
            captures=sum(len(each.captures) for each in charges),
            captured=sum(sum(each.captures) for each in charges),
            refunds=len(gone),
            refunded=sum(each.amount for each in gone),
        )

    async def settle_refund(self, refund_id: str, *, succeeds: bool) -> None:
        refund = [each for each in self.given_back if each.reference == refund_id][-1]
        refund.state = "succeeded" if succeeds else "failed"
        if succeeds:
            self._move("refund", refund.charge, -refund.amount, refund.reference)
        self._tell(refund.charge, refund)

    async def dispute(self, asked: Asked, state: DisputeState) -> None:
        charge = self._charge(asked.provider_ref)
        ref = self.disputes.setdefault(charge.ref, f"dis_{next(self._numbers):06}")
        said = {
            "ref": ref,
            "payment": charge.reference,
            "charge": charge.ref,
            "state": state.value,
            "amount": major(charge.amount, charge.currency),
            "currency": charge.currency,
        }
        self._note(charge.reference, dispute=said)

    async def notifications(self, payment_id: str) -> Sequence[RawRequest]:
        return [self.signed(body) for reference, body in self.events if reference == payment_id]

    def signed(self, body: bytes) -> RawRequest:
        t = int(self.clock.now().timestamp())
        return RawRequest(
            method="POST",
            url="https://shop.test/webhooks/payments/acme/default",
            path="/webhooks/payments/acme/default",
            query=[],
            headers={
                "Content-Type": "application/json",
                "Acme-Signature": f"t={t},v1={signature(WEBHOOK_SECRET, t, body)}",
            },
            body=body,
            received_at=self.clock.now(),
        )

    # ------------------------------------------------------------------------ its interface by HTTP

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """For ``httpx.MockTransport``."""
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return httpx.Response(401, json={"code": "no-such-key"})
        if request.method == "GET":
            return httpx.Response(200, json=self._read(request))
        key = request.headers.get("idempotency-key")
        known = self.answered.get(key) if key else None
        if known is not None:
            if known[0] != request.content:
                return httpx.Response(409, json={"code": "key-reused"})
            return httpx.Response(known[1], content=known[2])
        try:
            status, said = 200, self._do(request.url.path, json.loads(request.content or b"{}"))
        except Refusal as refusal:
            status, said = refusal.status, {"code": refusal.code}
        body = json.dumps(said).encode()
        if key:
            self.answered[key] = (request.content, status, body)
        return httpx.Response(status, content=body)

    def _read(self, request: httpx.Request) -> Any:
        if request.url.path == "/v1/statement":
            day = request.url.params["day"]
            return [asdict(each) for each in self.moved if each.at.startswith(day)]
        reference = request.url.params["reference"]
        if request.url.path == "/v1/refunds":
            return [self._said_of(each) for each in self.given_back if each.reference == reference]
        return [self._said(each) for each in self.charges if each.reference == reference]

    def _do(self, path: str, said: dict[str, Any]) -> Any:
        match path.strip("/").split("/"):
            case ["v1", "payments"]:
                return self._said(self._open(said))
            case ["v1", "payments", ref, "capture"]:
                return self._said(self._capture(self._charge(ref), said))
            case ["v1", "payments", ref, "void"]:
                return self._said(self._void(self._charge(ref)))
            case ["v1", "payments", ref, "close"]:
                return self._said(self._close(self._charge(ref)))
            case ["v1", "refunds"]:
                return self._said_of(self._refund(said))
        raise Refusal(404, "no-such-path")

    def _open(self, said: dict[str, Any]) -> Charge:
        charge = Charge(
            ref=f"pay_{next(self._numbers):06}",
            reference=said["reference"],
            amount=units(said["amount"], said["currency"]),
            currency=said["currency"],
            manual=said["capture"] == CaptureMode.MANUAL,
        )
        self.charges.append(charge)
        return charge

    def _capture(self, charge: Charge, said: dict[str, Any]) -> Charge:
        amount = units(said["amount"], said["currency"])
        if charge.state != "authorised":
            raise Refusal(422, "not-authorised")
        if said["currency"] != charge.currency or not 0 < amount <= charge.held:
            raise Refusal(422, "exceeds-authorisation")
        charge.captures.append(amount)
        self._move("charge", charge, amount)
        charge.held -= amount
        if said.get("final", True) or not charge.held:
            charge.state, charge.held = "paid", 0
            self._tell(charge)
        return charge

    def _void(self, charge: Charge) -> Charge:
        if charge.state != "authorised":
            raise Refusal(422, "not-authorised")
        charge.state, charge.held = "paid" if charge.captures else "closed", 0
        self._tell(charge)
        return charge

    def _close(self, charge: Charge) -> Charge:
        if charge.state == "open":
            charge.state = "closed"
            self._tell(charge)
        return charge

    def _refund(self, said: dict[str, Any]) -> Refund:
        charge, amount = self._charge(said["payment"]), units(said["amount"], said["currency"])
        gone = sum(
            each.amount
            for each in self.given_back
            if each.charge is charge and each.state != "failed"
        )
        if not 0 < amount <= sum(charge.captures) - gone:
            raise Refusal(422, "exceeds-captured")
        refund = Refund(f"re_{next(self._numbers):06}", said["reference"], charge, amount)
        self.given_back.append(refund)
        self._tell(charge, refund)
        return refund

    # ------------------------------------------------------------------------------- what it says

    def _said(self, charge: Charge) -> dict[str, Any]:
        return {
            "ref": charge.ref,
            "reference": charge.reference,
            "state": charge.state,
            "amount": major(charge.amount, charge.currency),
            "captured": major(sum(charge.captures), charge.currency),
            "currency": charge.currency,
            "code": "insufficient-funds" if charge.state == "declined" else None,
            "url": f"https://pay.acme.example/{charge.ref}",
            "method": {"card": CARD_NUMBER},
        }

    def _said_of(self, refund: Refund) -> dict[str, Any]:
        charge = refund.charge
        gone = sum(each.amount for each in self.given_back if each.charge is charge)
        return {
            "ref": refund.ref,
            "reference": refund.reference,
            "payment": charge.reference,
            "state": refund.state,
            "amount": major(refund.amount, charge.currency),
            "amount_refunded_in_all": major(gone, charge.currency),
            "currency": charge.currency,
            "code": "account-closed" if refund.state == "failed" else None,
        }

    def _move(self, kind: str, charge: Charge, amount: int, refund: str | None = None) -> None:
        at = (self.clock.now() + CHINA).isoformat().replace("+00:00", "+08:00")
        said = major(amount, charge.currency)
        number = f"mv_{next(self._numbers):06}"
        self.moved.append(
            Movement(number, at, kind, charge.reference, refund, said, charge.currency)
        )

    def _tell(self, charge: Charge, refund: Refund | None = None) -> None:
        if refund is None:
            self._note(charge.reference, payment=self._said(charge))
        else:
            self._note(charge.reference, refund=self._said_of(refund))

    def _note(self, reference: str, **said: Any) -> None:
        news = {
            "id": f"evt_{next(self._numbers):06}",
            "at": self.clock.now().isoformat(),
            "merchant": "acme-1",
            **said,
        }
        body = json.dumps(news, separators=(",", ":")).encode()
        self.events.append((reference, body))

    def _charge(self, ref: str | None) -> Charge:
        found = next((each for each in self.charges if each.ref == ref), None)
        if found is None:
            raise Refusal(404, "no-such-payment")
        return found


def units(amount: str, currency: str) -> int:
    """Minor units of ``"19.99"``."""
    return int(Decimal(amount).scaleb(exponent(currency)))


def major(amount: int, currency: str) -> str:
    """``"19.99"`` of minor units."""
    return str(Decimal(amount).scaleb(-exponent(currency)))


def signature(secret: str, t: int, body: bytes) -> str:
    """As the vendor signs."""
    return hmac.digest(secret.encode(), f"{t}.".encode() + body, "sha256").hex()
