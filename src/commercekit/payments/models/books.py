"""What is kept beside payments: disputes, statements, differences, and the ledger's accounts."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.providers import DisputeState, StatementKind

__all__ = [
    "ENDED",
    "Account",
    "Balance",
    "Decision",
    "Difference",
    "DifferenceKind",
    "Dispute",
    "LineOutcome",
    "Statement",
    "StatementReport",
    "StatementState",
    "StatementSum",
    "StoredLine",
]

ENDED: Final = (DisputeState.WON, DisputeState.LOST, DisputeState.CLOSED)
"""A dispute that is one of these is never open again."""


class Account(StrEnum):
    """The ledger's accounts that belong to no gateway; the others are named by functions of rules."""

    RECEIVED = "received"
    """What customers paid for something: the counterpart of captures and refunds."""
    BANK = "bank"
    """What gateways paid out."""
    DISPUTE_LOSSES = "dispute-losses"
    WRITTEN_OFF = "written-off"
    """Differences that somebody decided to bear, or to keep."""
    CONVERSION = "conversion"
    """Where one currency becomes another: what it holds is the difference of rates."""


class Dispute(Struct, frozen=True, kw_only=True):
    """The payer's bank asks for the money of one payment back."""

    id: UUID
    payment_id: UUID
    reference: str
    gateway: str
    account: str
    dispute_ref: str
    """The provider's own id of it."""
    state: DisputeState
    amount: Money
    withdrawn: Money
    """What the provider holds of the shop's money because of it."""
    reason: str
    evidence_due_at: datetime | None
    occurred_at: datetime
    """When the provider said so last."""
    opened_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    version: int

    @property
    def is_open(self) -> bool:
        """Whether it is still to be decided."""
        return self.state not in ENDED


class StatementState(StrEnum):
    """How far a day of a merchant account is reconciled."""

    WAITING = "waiting"
    """The provider has not given it yet, or not all of it."""
    READ = "read"
    """Every line is here; differences may wait for a person."""
    SETTLED = "settled"
    """Every line is matched or booked, and every difference resolved."""


class LineOutcome(StrEnum):
    """What became of one line."""

    MATCHED = "matched"
    """The books say the same."""
    BOOKED = "booked"
    """The books did not know and do now: a fee, a payout."""
    DIFFERS = "differs"
    """See the difference that was opened for it."""
    FOREIGN = "foreign"
    """Another system's, on an account that is shared with it."""


class Statement(Struct, frozen=True, kw_only=True):
    """A provider's statement of one day of one merchant account."""

    id: UUID
    gateway: str
    account: str
    day: date
    state: StatementState
    lines: int
    attempts: int
    """How often it was asked for."""
    problem: str
    """Why it could not be read the last time."""
    due_at: datetime | None
    """When it is asked for next."""
    first_due_at: datetime
    read_at: datetime | None
    settled_at: datetime | None


class StoredLine(Struct, frozen=True, kw_only=True):
    """A line of a statement as it is kept; see :class:`~commercekit.payments.StatementLine`."""

    id: UUID
    statement_id: UUID
    gateway: str
    account: str
    line_id: str
    kind: StatementKind
    amount: Money
    fee: Money | None
    settled: Money | None
    payment_ref: str | None
    refund_ref: str | None
    dispute_ref: str | None
    payment_id: UUID | None
    """What ``payment_ref`` is as an id of ours, if it is one."""
    refund_id: UUID | None
    provider_ref: str | None
    batch: str | None
    text: str
    occurred_at: datetime
    outcome: LineOutcome | None = None


class DifferenceKind(StrEnum):
    """How a statement and the books differ."""

    UNKNOWN_PAYMENT = "unknown-payment"
    """Money on the statement that no payment of the shop asked for."""
    NOT_PAID = "not-paid"
    """The statement has money for a payment that is not paid here."""
    CHARGE_DIFFERS = "charge-differs"
    """More or less came than the payment has captured."""
    CHARGE_MISSING = "charge-missing"
    """Paid here, and not on the statement."""
    UNKNOWN_REFUND = "unknown-refund"
    """Money went back that this shop did not send."""
    REFUND_DIFFERS = "refund-differs"
    """The refund has another amount here, or has not succeeded here."""
    REFUND_MISSING = "refund-missing"
    """Gone back here, and not on the statement."""
    UNKNOWN_DISPUTE = "unknown-dispute"
    """Money was taken, or given back, for a dispute that nobody told the shop of."""
    WRONG_ACCOUNT = "wrong-account"
    """The payment was made with another merchant account."""
    ADJUSTMENT = "adjustment"
    """A movement that only its text explains."""


class Decision(StrEnum):
    """What a person decided about a difference."""

    EXPLAINED = "explained"
    """There is nothing to book: it is in order, or was mended at the provider."""
    BOOKED = "booked"
    """Taken into the books as what the line says, against the account of corrections."""
    WRITTEN_OFF = "written_off"
    """Borne by the shop, or kept by it."""


class Difference(Struct, frozen=True, kw_only=True):
    """One line that the books do not agree with, or one booking that has no line."""

    id: UUID
    statement_id: UUID
    line_id: UUID | None
    kind: DifferenceKind
    gateway: str
    account: str
    day: date
    payment_id: UUID | None
    refund_id: UUID | None
    reference: str
    stated: Money | None
    """What the statement says; ``None`` when it says nothing."""
    expected: Money | None
    """What the books say."""
    detail: str
    opened_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    """``system`` when it came right by itself."""
    decision: Decision | None = None
    resolution: str = ""


class StatementSum(Struct, frozen=True, kw_only=True):
    """All lines of one kind, outcome and currency of a statement."""

    kind: StatementKind
    outcome: LineOutcome | None
    currency: str
    lines: int
    amount: int
    fees: int
    """In the currency of the fees, which is the account's."""


class StatementReport(Struct, frozen=True, kw_only=True):
    """A statement, its sums, and what differs."""

    statement: Statement
    sums: list[StatementSum]
    differences: list[Difference]


class Balance(Struct, frozen=True, kw_only=True):
    """What one account of the ledger holds in one currency."""

    account: str
    currency: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Debit less credit: positive where the shop has it, or has spent it."""
        return self.debit - self.credit
