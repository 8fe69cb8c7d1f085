"""What is said to a gateway and what it answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.platform.providers import Ack

__all__ = [
    "Action",
    "AmountLimits",
    "AppParams",
    "Capabilities",
    "CaptureMode",
    "ClientSecret",
    "CreatePayment",
    "CreateResult",
    "DisputeSnapshot",
    "DisputeState",
    "EventKind",
    "Flow",
    "FormPost",
    "GatewayEvent",
    "Instructions",
    "JsApi",
    "NoAction",
    "Notification",
    "PayLine",
    "PaymentSnapshot",
    "PaymentState",
    "QrCode",
    "Redirect",
    "RefundRequest",
    "RefundSnapshot",
    "RefundState",
    "StatementKind",
    "StatementLine",
    "StatementPart",
    "StatementPlan",
]


class Flow(StrEnum):
    """How the shopper meets the payment."""

    REDIRECT = "redirect"
    FORM = "form"
    QR = "qr"
    JSAPI = "jsapi"
    H5 = "h5"
    APP = "app"
    CLIENT_SECRET = "client_secret"  # noqa: S105 - the name of a flow
    OFFLINE = "offline"


class CaptureMode(StrEnum):
    """Whether money moves at once, or is held until staff take it."""

    AUTO = "auto"
    MANUAL = "manual"


class PaymentState(StrEnum):
    """What the provider says about a payment. The shop's own word for it is ``PaymentStatus``."""

    CREATED = "created"
    PENDING = "pending"
    ACTION_REQUIRED = "action_required"
    AUTHORISED = "authorised"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class RefundState(StrEnum):
    """What the provider says about a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"
    NEEDS_ATTENTION = "needs_attention"
    """Only a person can finish it: a dead card, money to be counted out by hand."""
    UNKNOWN = "unknown"
    """The provider does not know this refund, or will not say: sending it again is safe and due."""


class EventKind(StrEnum):
    """What a notification speaks of."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    INFO = "info"


class DisputeState(StrEnum):
    """How far the payer's bank has got with asking for the money back."""

    INQUIRY = "inquiry"
    """The bank only asks: no money has moved. It may become a dispute."""
    NEEDS_RESPONSE = "needs_response"
    """The shop has until ``evidence_due_at`` to say why the money is its own."""
    UNDER_REVIEW = "under_review"
    """The shop has answered; the bank decides."""
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """It ended without anybody deciding: an inquiry that became nothing, a dispute withdrawn."""


class StatementKind(StrEnum):
    """What one line of a provider's statement is about."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_REVERSAL = "refund_reversal"
    """A refund came back: its card was closed."""
    DISPUTE = "dispute"
    """Taken from the shop because a payer's bank asked for it."""
    DISPUTE_REVERSAL = "dispute_reversal"
    """Given back to the shop: the dispute was won."""
    FEE = "fee"
    """What the provider charges by itself; what it keeps of a movement is that line's ``fee``."""
    PAYOUT = "payout"
    """Sent on to the shop's bank account; positive when the bank sent it back."""
    ADJUSTMENT = "adjustment"
    """Anything else; ``text`` says what."""


class AmountLimits(Struct, frozen=True, kw_only=True):
    """What may be paid at once in one currency, in minor units."""

    least: int = 1
    most: int | None = None
    step: int = 1
    """Only multiples of it: a vendor may count dinars in hundredths only."""


class StatementPlan(Struct, frozen=True, kw_only=True):
    """When a provider's statement of a day can be read."""

    utc_offset: timedelta = timedelta(0)
    """By whose midnight its days end: eight hours for a vendor who counts China's days."""
    ready_after: timedelta = timedelta(hours=10)
    """How long after that midnight the statement is complete."""
    days_kept: int = 90
    """How many days back it is given."""


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a gateway can do. The core never asks for what is not declared here."""

    currencies: frozenset[str] | None = None
    """ISO codes; ``None`` takes every currency."""
    flows: frozenset[Flow]
    auto_capture: bool = True
    manual_capture: bool = False
    partial_capture: bool = False
    multi_capture: bool = False
    """Several captures on one authorisation, until one says that it is the last."""
    void: bool = False
    refund: bool = True
    partial_refund: bool = True
    multi_refund: bool = True
    """Several refunds on one payment."""
    refund_async: bool = False
    """Refunds may answer pending and settle later."""
    max_refunds: int | None = None
    refund_window: timedelta | None = None
    """How long after payment money can go back; ``None`` without limit."""
    query: bool = True
    close: bool = True
    webhook: bool = True
    min_amount: int | None = None
    """In minor units, whatever the currency."""
    max_amount: int | None = None
    """In minor units, whatever the currency."""
    amounts: Mapping[str, AmountLimits] = {}
    """By currency, in place of ``min_amount`` and ``max_amount``."""
    session_ttl: timedelta | None = None
    """How long an action (a link, a code) stays usable."""
    disputes: bool = False
    """Notifications tell of disputes, each with a :class:`DisputeSnapshot`."""
    statement: StatementPlan | None = None
    """:meth:`PaymentGateway.reconcile` reads the provider's statement; ``None`` when there is none."""

    def limits(self, currency: str) -> AmountLimits:
        """What may be paid at once in ``currency``, whether or not it is taken at all."""
        return self.amounts.get(currency) or AmountLimits(
            least=self.min_amount or 1, most=self.max_amount
        )

    def takes(self, amount: Money) -> bool:
        """Whether so much of this currency can be paid at once; nothing else is ever asked for."""
        limits = self.limits(amount.currency)
        return (
            (self.currencies is None or amount.currency in self.currencies)
            and amount.amount >= limits.least
            and (limits.most is None or amount.amount <= limits.most)
            and amount.amount % limits.step == 0
        )


class PayLine(Struct, frozen=True):
    """One line of what is being paid for, for providers that show it."""

    name: str
    quantity: int
    amount: Money


class CreatePayment(Struct, frozen=True, kw_only=True):
    """Ask the shopper for money."""

    payment_id: str
    """Ours, unique: 32 hex digits, legal as a merchant order number everywhere."""
    order_ref: str
    """What is being paid for, as the shop names it; opaque."""
    amount: Money
    flow: Flow
    capture: CaptureMode
    subject: str
    """A short line for the shopper's statement, free of personal data."""
    idempotency_key: str
    """The same for every repetition of this request, never used for another."""
    notify_url: str
    return_url: str | None = None
    """Where the shopper goes afterwards. Coming back proves nothing."""
    cancel_url: str | None = None
    expires_at: datetime | None = None
    customer_ip: str | None = None
    payer_ref: str | None = None
    """The payer's id at the provider (openid, customer id) where the flow needs one."""
    lines: list[PayLine] = []
    metadata: dict[str, str] = {}


class Redirect(Struct, frozen=True, tag_field="kind", tag="redirect"):
    """Send the shopper's browser to ``url`` by GET."""

    url: str


class FormPost(Struct, frozen=True, tag_field="kind", tag="form"):
    """Let the shopper's browser post ``fields`` to ``url``."""

    url: str
    fields: dict[str, str]


class QrCode(Struct, frozen=True, tag_field="kind", tag="qr"):
    """Show ``text`` as a QR code."""

    text: str
    expires_at: datetime | None = None


class JsApi(Struct, frozen=True, tag_field="kind", tag="jsapi"):
    """Hand ``params`` to the JavaScript of the app the shop runs in."""

    params: dict[str, str]


class AppParams(Struct, frozen=True, tag_field="kind", tag="app"):
    """Hand ``params`` to the provider's mobile SDK."""

    params: dict[str, str]


class ClientSecret(Struct, frozen=True, tag_field="kind", tag="client_secret"):
    """Let the provider's own page element finish the payment."""

    secret: str
    publishable: str


class Instructions(Struct, frozen=True, tag_field="kind", tag="instructions"):
    """Tell the shopper what to do, in their language: ``text`` is plain."""

    text: str


class NoAction(Struct, frozen=True, tag_field="kind", tag="none"):
    """Nothing for the shopper to do."""


Action = Redirect | FormPost | QrCode | JsApi | AppParams | ClientSecret | Instructions | NoAction
"""What the shopper has to do next; told apart on the wire by ``kind``."""


class PaymentSnapshot(Struct, frozen=True, kw_only=True):
    """A payment as the provider sees it at one moment."""

    payment_id: str
    provider_ref: str | None = None
    state: PaymentState
    amount: Money
    """The total as the provider says it, not an echo of the question: the core compares the two."""
    captured: Money | None = None
    """All that was taken so far, never the last capture alone."""
    refunded: Money | None = None
    payer_paid: Money | None = None
    """After the provider's own coupons; never compared with the total."""
    occurred_at: datetime | None = None
    failure_code: str | None = None
    """Stable and short, such as ``declined``; shown to staff."""
    raw: bytes = b""
    """What the provider sent, for the core to fingerprint; never stored in clear."""


class CreateResult(Struct, frozen=True):
    """What became of a request for money, and what the shopper has to do."""

    snapshot: PaymentSnapshot
    action: Action


class RefundRequest(Struct, frozen=True, kw_only=True):
    """Send money back to where it came from."""

    refund_id: str
    """Ours, 32 hex digits, the same when a failed refund is tried again."""
    payment_id: str
    provider_ref: str | None = None
    amount: Money
    payment_total: Money
    """What was captured on the payment; some providers ask for it."""
    reason: str
    idempotency_key: str
    """The same while the outcome is unknown, another after the provider said that it failed."""
    notify_url: str | None = None


class RefundSnapshot(Struct, frozen=True, kw_only=True):
    """A refund as the provider sees it at one moment."""

    refund_id: str | None
    """Ours; ``None`` for one that was not made through the shop."""
    provider_ref: str | None = None
    payment_id: str
    state: RefundState
    amount: Money | None = None
    """Of this refund, never the sum of all."""
    occurred_at: datetime | None = None
    failure_code: str | None = None
    raw: bytes = b""


class DisputeSnapshot(Struct, frozen=True, kw_only=True):
    """A dispute as the provider sees it at one moment.

    Snapshots may come in any order: the one with the latest ``occurred_at`` counts, and what is won,
    lost or closed is never open again.
    """

    dispute_id: str
    """The provider's; a payment may have several."""
    payment_id: str
    """Ours."""
    provider_ref: str | None = None
    """The payment's at the provider."""
    state: DisputeState
    amount: Money
    """What the payer's bank asks for."""
    withdrawn: Money | None = None
    """What the provider has taken from the shop for it and not given back, fees aside. ``None`` where
    it does not say: all of ``amount`` while it is answered, reviewed or lost, else nothing."""
    reason: str = ""
    """The provider's word for why, short and stable, such as ``fraudulent``; shown to staff."""
    evidence_due_at: datetime | None = None
    """Until when the shop can answer, at the provider."""
    occurred_at: datetime
    """When it was so."""
    raw: bytes = b""


class GatewayEvent(Struct, frozen=True, kw_only=True):
    """One thing a notification tells."""

    event_id: str
    """The provider's, the same on every resend; else the SHA-256 of the canonical body."""
    kind: EventKind
    occurred_at: datetime
    merchant_account: str | None = None
    """Whose money, in the provider's words; compared with :meth:`PaymentGateway.merchant_account`."""
    payment: PaymentSnapshot | None = None
    refund: RefundSnapshot | None = None
    dispute: DisputeSnapshot | None = None


class Notification(Struct, frozen=True):
    """A verified notification: what it tells, and the bytes to answer with."""

    events: list[GatewayEvent]
    ack: Ack
    """Sent after everything is booked."""
    nack: Ack
    """Sent when the provider shall come again, such as for a payment not known yet."""


class StatementLine(Struct, frozen=True, kw_only=True):
    """One movement on the provider's statement of a day.

    Signs are the shop's: what came to it is positive, what left it negative. ``amount`` is before
    fees, in the money the shopper paid in; ``settled`` is the same movement in the money the
    account is kept in, where that is another.
    """

    line_id: str
    """Of this movement, unique within the account for ever and the same each time it is read: the
    provider's own id, or made of the ids it does give (trade, kind, refund)."""
    kind: StatementKind
    amount: Money
    fee: Money | None = None
    """What the provider kept of it: positive where it costs, negative where a fee is given back. In
    the money the account is kept in."""
    settled: Money | None = None
    payment_id: str | None = None
    """Ours, as :attr:`CreatePayment.payment_id` was; whatever the statement says, ours or not."""
    refund_id: str | None = None
    """Ours, as :attr:`RefundRequest.refund_id` was."""
    dispute_id: str | None = None
    """The provider's, as :attr:`DisputeSnapshot.dispute_id`."""
    provider_ref: str | None = None
    """The movement's at the provider, to find it there."""
    batch: str | None = None
    """The payout it was, or is going to be, paid out with."""
    text: str = ""
    """The provider's own words, for staff; free of personal data."""
    occurred_at: datetime


class StatementPart(Struct, frozen=True):
    """Some lines of a statement, as the core asks for them; no lines, and it is at its end."""

    lines: list[StatementLine]
