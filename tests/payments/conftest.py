from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from msgspec import Struct

from commercekit.kernel import Money, new_id
from commercekit.payments import (
    SEALED,
    Capabilities,
    CaptureMode,
    CreateResult,
    DisputeSnapshot,
    DisputeState,
    EventKind,
    Flow,
    GatewayEvent,
    Gateways,
    MethodSettings,
    Notification,
    PaymentGateway,
    PaymentNeedsAttention,
    PaymentService,
    PaymentSnapshot,
    PaymentsSettings,
    PaymentState,
    Redirect,
    RefundSnapshot,
    RefundState,
    StatementPlan,
)
from commercekit.payments.invariants import INVARIANTS
from commercekit.platform.providers import (
    Ack,
    Breaker,
    ProviderCaller,
    ProviderContexts,
    ProviderUnavailable,
    RawRequest,
    SignatureInvalid,
)
from commercekit.platform.security import MasterKey, Sealer
from commercekit.platform.settings import Secret, Section
from commercekit.testing import core_piccolo_apps


class Crash(BaseException):  # nothing may catch it: the process is gone
    pass


class FakeConfig(Struct, frozen=True, kw_only=True):
    secret: Secret = Secret("shared")
    merchant: str | None = None


class FakeGateway(PaymentGateway):
    """Keeps charges in memory, counts calls, and misbehaves when told to."""

    code = "fake"
    config_type = FakeConfig
    label = {"en": "Fake", "zh": "假"}  # noqa: RUF012 - as the ABC has it
    capabilities = Capabilities(
        flows=frozenset({Flow.REDIRECT, Flow.QR}),
        manual_capture=True,
        partial_capture=True,
        multi_capture=True,
        void=True,
        refund_async=True,
        disputes=True,
        statement=StatementPlan(utc_offset=timedelta(hours=8), ready_after=timedelta(hours=10)),
    )

    def __init__(self):
        self.calls = []
        self.charges = {}
        self.refunds = {}
        self.keys = {}
        self.script = {}
        self.statements = {}
        """Lines by day; a day that is not there is not ready."""

    async def reconcile(self, ctx, day):
        self.calls.append("reconcile")
        before, after = self.script.get("reconcile", (None, None))
        if before is not None:
            raise before
        if day not in self.statements:
            raise ProviderUnavailable(f"no statement of {day} yet", retry_after=60)
        for line in self.statements[day]:
            yield line
        if after is not None:
            raise after

    def merchant_account(self, config):
        return config.merchant

    async def _do(self, verb, key, work):
        """Run ``work`` once per key, and what the script has for this verb around it."""
        self.calls.append(verb)
        before, after = self.script.get(verb, (None, None))
        if before is not None:
            raise before
        if key is None or key not in self.keys:
            answer = work()
            if key is not None:
                self.keys[key] = answer
        answer = self.keys.get(key, None) if key is not None else answer
        if after is not None:
            raise after
        return answer

    def fails(self, verb, *, before=None, after=None):
        self.script[verb] = (before, after)

    def works(self, verb):
        self.script.pop(verb, None)

    def snapshot(self, payment_id, **change):
        charge = {**self.charges[payment_id], **change}
        return PaymentSnapshot(
            payment_id=payment_id, provider_ref=f"ch_{payment_id[-6:]}", **charge
        )

    def pay(self, payment_id, state=PaymentState.PAID, captured=None):
        charge = self.charges[payment_id]
        charge["state"] = state
        charge["captured"] = captured or (charge["amount"] if state is PaymentState.PAID else None)

    async def create(self, ctx, req):
        def work():
            self.charges.setdefault(
                req.payment_id,
                {"amount": req.amount, "state": PaymentState.PENDING, "captured": None},
            )
            return CreateResult(
                self.snapshot(req.payment_id), Redirect(f"https://pay.test/{req.payment_id}")
            )

        return await self._do("create", req.idempotency_key, work)

    async def query(self, ctx, payment_id, provider_ref):
        return await self._do("query", None, lambda: self.snapshot(payment_id))

    async def capture(self, ctx, payment_id, provider_ref, amount, idempotency_key, *, final=True):
        def work():
            before = self.charges[payment_id]["captured"]
            taken = amount if before is None else before + amount
            self.pay(payment_id, PaymentState.PAID if final else PaymentState.AUTHORISED, taken)
            return self.snapshot(payment_id)

        return await self._do("capture", idempotency_key, work)

    async def void(self, ctx, payment_id, provider_ref, idempotency_key):
        def work():
            taken = self.charges[payment_id]["captured"]
            self.pay(payment_id, PaymentState.PAID if taken else PaymentState.CLOSED, taken)
            return self.snapshot(payment_id)

        return await self._do("void", idempotency_key, work)

    async def close(self, ctx, payment_id, provider_ref):
        def work():
            if self.charges[payment_id]["state"] is PaymentState.PENDING:
                self.charges[payment_id]["state"] = PaymentState.CLOSED
            return self.snapshot(payment_id)

        return await self._do("close", None, work)

    async def refund(self, ctx, req):
        def work():
            self.refunds.setdefault(
                req.refund_id,
                RefundSnapshot(
                    refund_id=req.refund_id,
                    provider_ref=f"re_{req.refund_id[-6:]}",
                    payment_id=req.payment_id,
                    state=self.script.get("refund-state", RefundState.SUCCEEDED),
                    amount=req.amount,
                    failure_code="account-closed",
                ),
            )
            return self.refunds[req.refund_id]

        return await self._do("refund", req.idempotency_key, work)

    async def query_refund(self, ctx, refund_id, payment_id, provider_ref):
        unknown = RefundSnapshot(
            refund_id=refund_id, payment_id=payment_id, state=RefundState.UNKNOWN
        )
        return await self._do("query_refund", None, lambda: self.refunds.get(refund_id, unknown))

    async def parse_notification(self, ctx, req):
        signature = hmac.new(
            ctx.secrets.read("secret").encode(), req.body, hashlib.sha256
        ).hexdigest()
        if not hmac.compare_digest(signature, req.header("x-signature")):
            raise SignatureInvalid("wrong digest")
        message = json.loads(req.body)
        if abs(message["t"] - ctx.now().timestamp()) > 300:
            raise SignatureInvalid("outside of 300 s", stale=True)
        return Notification(
            [self._event(event) for event in message["events"]],
            ack=Ack(200, b"success"),
            nack=Ack(503, b"fail"),
        )

    def _event(self, event):
        payment = refund = dispute = None
        if "dispute" in event:
            currency = event.get("currency", "CNY")
            dispute = DisputeSnapshot(
                dispute_id=event["dispute"],
                payment_id=event["payment"],
                state=DisputeState(event["dispute_state"]),
                amount=Money(event["amount"], currency),
                withdrawn=Money(event["withdrawn"], currency) if "withdrawn" in event else None,
                reason=event.get("reason", "fraudulent"),
                evidence_due_at=datetime.fromisoformat(event["due"]) if "due" in event else None,
                occurred_at=datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=event["hour"]),
            )
        if "state" in event:
            currency = event.get("currency", "CNY")
            payment = PaymentSnapshot(
                payment_id=event["payment"],
                provider_ref="ch_notified",
                state=PaymentState(event["state"]),
                amount=Money(event["amount"], currency),
                captured=Money(event["captured"], currency) if "captured" in event else None,
            )
        if "refund_state" in event:
            refund = RefundSnapshot(
                refund_id=event.get("refund"),
                payment_id=event["payment"],
                state=RefundState(event["refund_state"]),
                amount=Money(event["amount"], "CNY"),
                failure_code=event.get("code"),
            )
        return GatewayEvent(
            event_id=event["id"],
            kind=EventKind(
                event.get("kind", "refund" if refund else "dispute" if dispute else "payment")
            ),
            occurred_at=datetime(2026, 11, 22, tzinfo=UTC),
            merchant_account=event.get("merchant"),
            payment=payment,
            refund=refund,
            dispute=dispute,
        )


class AuditTrail:
    def __init__(self):
        self.entries = []

    async def record(self, uow, entry):
        self.entries.append(entry)


class Till:
    """A payment service on a real database with a fake gateway, and short ways to say things."""

    def __init__(self, database, clock, sealer, http):
        self.db = database
        self.clock = clock
        self.gateway = FakeGateway()
        self.audit = AuditTrail()
        settings = PaymentsSettings(
            methods={
                "card": MethodSettings(gateway="fake"),
                "held": MethodSettings(gateway="fake", capture=CaptureMode.MANUAL),
                "other": MethodSettings(gateway="fake", account="other"),
            },
            accounts={"fake": {"other": Section(table={"merchant": "M-2"})}},
        )
        gateways = Gateways(
            [self.gateway],
            settings,
            ProviderContexts(http=http, clock=clock),
            ProviderCaller(breaker=lambda: Breaker(limit=1000)),
        )
        self.payments = PaymentService(
            database,
            clock,
            gateways=gateways,
            sealer=sealer,
            audit=self.audit,
            base_url="https://shop.test/",
        )
        self.told = []
        self.alarms = []
        database.on_flush(self._hear)

    async def _hear(self, _uow, events):
        for event in events:
            called = isinstance(event, PaymentNeedsAttention)
            (self.alarms if called else self.told).append(event)

    def names(self):
        return [type(event).__name__ for event in self.told]

    async def intend(self, amount=10_00, *, method="card", reference=None, minutes=30, **options):
        payment_id = new_id()

        async def work(uow):
            return await self.payments.create_intent(
                uow,
                payment_id=payment_id,
                reference=reference or f"ref-{payment_id.hex[-6:]}",
                amount=Money(amount, options.pop("currency", "CNY")),
                method=method,
                subject="Order 1001",
                locale="en",
                return_url="https://shop.test/back?token=secret",
                expires_at=self.clock.now() + timedelta(minutes=minutes),
                customer_ip="203.0.113.7",
                **options,
            )

        return await self.db.run(work)

    async def started(self, amount=10_00, **options):
        payment = await self.intend(amount, **options)
        return await self.payments.start(payment.id)

    async def paid(self, amount=10_00, **options):
        payment = await self.started(amount, **options)
        self.gateway.pay(payment.id.hex)
        payment = await self.payments.query(payment.id)
        self.told.clear()
        return payment

    async def held(self, amount=10_00, **options):
        payment = await self.started(amount, method="held", **options)
        self.gateway.pay(payment.id.hex, PaymentState.AUTHORISED)
        payment = await self.payments.query(payment.id)
        self.told.clear()
        return payment

    async def refunded(self, payment, amount, *, refund_id=None, send=True):
        refund_id = refund_id or new_id()
        money = Money(amount, "CNY")
        refund = await self.db.run(
            lambda uow: self.payments.create_refund(
                uow, refund_id=refund_id, payment_id=payment.id, amount=money, reason="returned"
            )
        )
        return await self.payments.send_refund(refund.id) if send else refund

    async def notify(self, *events, account="default", at=None, sign="shared", body=None):
        moment = at or self.clock.now()
        sent = json.dumps({"t": int(moment.timestamp()), "events": list(events)}).encode()
        signature = hmac.new(sign.encode(), sent, hashlib.sha256).hexdigest()
        return await self.payments.receive_notification(
            "fake",
            account,
            RawRequest(
                method="POST",
                url=f"https://shop.test/webhooks/payments/fake/{account}",
                path=f"/webhooks/payments/fake/{account}",
                query=[],
                headers={"x-signature": signature},
                body=body(sent) if body else sent,
                received_at=self.clock.now(),
            ),
        )

    async def of(self, payment):
        return await self.payments.payment(payment.id)

    async def balances(self, payment):
        totals = {}
        for entry in await self.payments.ledger(payment.id):
            totals[entry.account] = totals.get(entry.account, 0) + entry.debit - entry.credit
        return totals

    async def assert_books_balance(self):
        """I3, I4, I6 and I12 of the shop's invariants, as far as payments go."""
        assert (
            await self.db.fetch(
                """SELECT transaction_id FROM payments_ledger_entry GROUP BY transaction_id, currency
            HAVING sum(debit) <> sum(credit)"""
            )
            == []
        )
        assert (
            await self.db.fetch(
                """SELECT p.id FROM payments_payment p WHERE captured - refunded - disputed <> (
                SELECT coalesce(sum(debit - credit), 0) FROM payments_ledger_entry l
                WHERE l.payment_id = p.id AND l.account LIKE 'gateway:%'
                  AND l.line_id IS NULL
                  AND l.kind NOT IN ('quarantine', 'hand_in', 'paid_out'))"""
            )
            == []
        )
        for invariant in INVARIANTS:
            if not invariant.name.startswith("sealed"):
                assert await self.db.fetch(invariant.sql) == [], invariant.sentence
        assert (
            await self.db.fetch(
                """SELECT p.id FROM payments_payment p WHERE (refunded, refund_pending) <> (
                SELECT coalesce(sum(amount) FILTER (WHERE status = 'succeeded'), 0),
                    coalesce(sum(amount) FILTER (WHERE status IN ('pending', 'needs_attention')), 0)
                FROM payments_refund r WHERE r.payment_id = p.id)"""
            )
            == []
        )
        assert (
            await self.db.fetch(
                """SELECT p.id FROM payments_payment p WHERE status = 'paid' AND NOT EXISTS (
                SELECT FROM payments_provider_event e WHERE e.payment_id = p.id)"""
            )
            == []
        )


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform", "payments")


@pytest_asyncio.fixture
async def sealer(database):
    sealer = Sealer(MasterKey(b"k" * 32))
    await sealer.load(database, SEALED)
    return sealer


@pytest_asyncio.fixture
async def till(database, clock, sealer):
    async with httpx.AsyncClient() as http:
        till = Till(database, clock, sealer, http)
        yield till
        await till.assert_books_balance()


@pytest.fixture
def crash():
    """What the death of a process looks like from inside: nothing catches it."""
    return Crash
