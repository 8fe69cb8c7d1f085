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

from commercekit.payments.providers.gateway import PaymentGateway
from commercekit.payments.providers.messages import (
    Action,
    AmountLimits,
    AppParams,
    Capabilities,
    CaptureMode,
    ClientSecret,
    CreatePayment,
    CreateResult,
    DisputeSnapshot,
    DisputeState,
    EventKind,
    Flow,
    FormPost,
    GatewayEvent,
    Instructions,
    JsApi,
    NoAction,
    Notification,
    PayLine,
    PaymentSnapshot,
    PaymentState,
    QrCode,
    Redirect,
    RefundRequest,
    RefundSnapshot,
    RefundState,
    StatementKind,
    StatementLine,
    StatementPart,
    StatementPlan,
)
from commercekit.payments.providers.verbs import PAYMENT_GATEWAYS

__all__ = [
    "PAYMENT_GATEWAYS",
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
    "PaymentGateway",
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
