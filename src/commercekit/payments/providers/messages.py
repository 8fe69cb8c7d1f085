"""What is said to a gateway and what it answers."""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.platform.providers import Ack

__all__ = [
    "Action",
    "AppParams",
    "Capabilities",
    "CaptureMode",
    "ClientSecret",
    "CreatePayment",
    "CreateResult",
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
    "StatementLine",
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
    """In minor units."""
    session_ttl: timedelta | None = None
    """How long an action (a link, a code) stays usable."""


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


class Notification(Struct, frozen=True):
    """A verified notification: what it tells, and the bytes to answer with."""

    events: list[GatewayEvent]
    ack: Ack
    """Sent after everything is booked."""
    nack: Ack
    """Sent when the provider shall come again, such as for a payment not known yet."""


class StatementLine(Struct, frozen=True, kw_only=True):
    """One movement on the provider's statement of a day."""

    payment_id: str | None
    provider_ref: str | None
    refund_id: str | None = None
    kind: EventKind
    amount: Money
    fee: Money | None = None
    occurred_at: datetime
