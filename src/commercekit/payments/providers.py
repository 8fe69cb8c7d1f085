"""What a payment plugin implements: one class, a few verbs, outcomes as values.

The core owns the bookkeeping: rows, locks, deduplication, states, retries and the ledger. A gateway
only translates: our structs to the provider's calls, the provider's answers to our snapshots. It never
touches the shop's database tables of payments and is never called inside a transaction.

Outcomes:

* a decline is a value, ``PaymentSnapshot(state=FAILED, failure_code=…)``;
* :class:`~commercekit.platform.providers.ProviderRejected`: the request was wrong, repeating it is useless;
* :class:`~commercekit.platform.providers.ProviderUnavailable`: surely not executed, may be repeated;
* :class:`~commercekit.platform.providers.ProviderUnknown`: nobody knows (timeout, 5xx): the core asks
  :meth:`PaymentGateway.query` before it repeats anything;
* :class:`~commercekit.platform.providers.SignatureInvalid`: a notification that is not the provider's.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.platform.providers import Ack, ProviderContext, RawRequest

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
    "PaymentGateway",
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


class PaymentGateway(ABC):
    """Moves money at one payment provider. Instances are shared: keep no state of a request.

    Every method gets the context of one merchant account: its decoded settings, secrets, an HTTP
    client, the clock. Amounts and currencies in answers are those the provider stated.
    """

    code: ClassVar[str]
    """Stable and unique, such as ``sandbox``; part of the webhook address."""
    config_type: ClassVar[type[Struct]]
    """Settings of one merchant account; decoded strictly, every error stops the start."""
    capabilities: ClassVar[Capabilities]
    label: ClassVar[Mapping[str, str]] = {}
    """What shoppers read where the shop's settings give the method no label, by language."""
    collects_later: ClassVar[bool] = False
    """Money comes after the goods, as cash on delivery does: an order may ship unpaid."""

    def merchant_account(self, config: Struct) -> str | None:
        """The provider's id of the account ``config`` describes; ``None`` when events carry none.

        :param config: an instance of ``config_type``.
        :returns: the id that :attr:`GatewayEvent.merchant_account` has to equal.
        """
        return None

    @abstractmethod
    async def create(self, ctx: ProviderContext, req: CreatePayment) -> CreateResult:
        """Ask the shopper for ``req.amount``.

        Repeating an idempotency key returns the first outcome and asks for nothing more.

        :param ctx: the merchant account to use.
        :param req: what to ask for.
        :returns: the payment's state and what the shopper has to do; a decline is a value.
        :raises ProviderUnknown: no answer; the core asks :meth:`query` before it repeats.
        :raises ProviderRejected: the request can never succeed as it is.
        """

    @abstractmethod
    async def query(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """Say what the provider knows about a payment now.

        A payment the provider has not met yet (the shopper did not open the page) is ``PENDING``
        with the state the shop knows, not an error and never ``FAILED``.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's, once it told one.
        :returns: the truth; it wins over notifications.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def capture(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        amount: Money,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """Take ``amount`` of what is authorised; what is left of the authorisation is given up.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's.
        :param amount: at most what is authorised.
        :param idempotency_key: repeating it captures once.
        :returns: ``PAID`` with ``captured``; declines are values.
        :raises ProviderRejected: more than authorised, or nothing is.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def void(
        self,
        ctx: ProviderContext,
        payment_id: str,
        provider_ref: str | None,
        idempotency_key: str,
    ) -> PaymentSnapshot:
        """Give an authorisation up without taking money.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's.
        :param idempotency_key: repeating it changes nothing.
        :returns: ``CLOSED``.
        :raises ProviderRejected: it is captured already.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def close(
        self, ctx: ProviderContext, payment_id: str, provider_ref: str | None
    ) -> PaymentSnapshot:
        """End an unpaid payment so that nobody can pay it any more.

        :param ctx: the merchant account the payment was made with.
        :param payment_id: ours.
        :param provider_ref: the provider's, if any.
        :returns: ``CLOSED``; or ``PAID`` when the shopper was faster.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def refund(self, ctx: ProviderContext, req: RefundRequest) -> RefundSnapshot:
        """Send money back.

        Repeating ``req.refund_id`` never sends it twice.

        :param ctx: the merchant account the payment was made with.
        :param req: what goes back.
        :returns: ``SUCCEEDED``, ``PENDING`` when it settles later, or ``FAILED`` with its code.
        :raises ProviderUnknown: no answer; the core asks :meth:`query_refund` before it repeats.
        :raises ProviderRejected: the request can never succeed as it is.
        """

    @abstractmethod
    async def query_refund(
        self,
        ctx: ProviderContext,
        refund_id: str,
        payment_id: str,
        provider_ref: str | None,
    ) -> RefundSnapshot:
        """Say what the provider knows about a refund now.

        :param ctx: the merchant account the payment was made with.
        :param refund_id: ours.
        :param payment_id: ours.
        :param provider_ref: the refund's at the provider, if told.
        :returns: ``UNKNOWN`` for a refund the provider has not met.
        :raises ProviderUnknown: no answer.
        """

    @abstractmethod
    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> Notification:
        """Verify a notification and say what it tells. No side effects, no look at the database.

        :param ctx: the merchant account its address names.
        :param req: the request exactly as it arrived.
        :returns: events and the answers to give.
        :raises SignatureInvalid: not the provider's, altered, or older than its window allows.
        """

    def reconcile(self, ctx: ProviderContext, day: date) -> AsyncIterator[StatementLine]:
        """Read the provider's statement of ``day``. Optional.

        :param ctx: the merchant account.
        :param day: in the provider's own time zone.
        :returns: every movement of that day.
        :raises NotImplementedError: the provider gives no statement.
        """
        message = f"{self.code} gives no statement"
        raise NotImplementedError(message)
