"""What the vendor keeps. Amounts are its own units, times are seconds since 1970."""

from enum import StrEnum

from msgspec import Struct, field

__all__ = [
    "Books",
    "Charge",
    "Dispute",
    "Event",
    "Intent",
    "Kept",
    "Later",
    "Refund",
    "Session",
    "Transaction",
    "Way",
]


class Way(StrEnum):
    """How a shopper pays on the page, and what comes of it."""

    CARD = "card"
    DECLINED = "declined"
    """The bank says no; another card may be tried."""
    BANK = "bank"
    """A debit that arrives a while later."""
    BANK_FAILS = "bank-fails"
    REFUND_PENDING = "refund-pending"
    """A card whose refunds take a while."""
    REFUND_FAILS = "refund-fails"
    """A card whose refunds succeed, and come back a while later."""
    DISPUTED = "disputed"
    """A card whose bank asks for the money back a while later."""


class Session(Struct, kw_only=True):
    """A Checkout Session."""

    id: str
    created: int
    expires_at: int
    amount: int
    currency: str
    name: str
    success_url: str
    cancel_url: str | None = None
    reference: str | None = None
    locale: str = "auto"
    manual: bool = False
    description: str | None = None
    methods: list[str] = field(default_factory=lambda: ["card"])
    metadata: dict[str, str] = field(default_factory=dict)
    intent_metadata: dict[str, str] = field(default_factory=dict)
    status: str = "open"
    payment_status: str = "unpaid"
    intent: str | None = None


class Intent(Struct, kw_only=True):
    """A PaymentIntent."""

    id: str
    secret: str
    created: int
    amount: int
    currency: str
    manual: bool
    description: str | None = None
    methods: list[str] = field(default_factory=lambda: ["card"])
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "requires_payment_method"
    received: int = 0
    charge: str | None = None
    session: str | None = None
    error: dict[str, str] | None = None
    canceled_at: int | None = None


class Charge(Struct, kw_only=True):
    """One movement of a shopper's money."""

    id: str
    intent: str
    created: int
    amount: int
    currency: str
    way: Way
    metadata: dict[str, str]
    captured: int = 0
    refunded: int = 0
    status: str = "succeeded"
    transaction: str | None = None
    dispute: str | None = None


class Refund(Struct, kw_only=True):
    """Money that goes back."""

    id: str
    charge: str
    intent: str
    created: int
    amount: int
    currency: str
    status: str
    metadata: dict[str, str]
    reason: str | None = None
    failure_reason: str | None = None
    transaction: str | None = None
    failure_transaction: str | None = None


class Dispute(Struct, kw_only=True):
    """A bank that asks for money back."""

    id: str
    charge: str
    intent: str
    created: int
    amount: int
    currency: str
    status: str
    reason: str
    due_by: int
    transactions: list[str] = field(default_factory=list)


class Transaction(Struct, kw_only=True):
    """One movement on the balance."""

    id: str
    created: int
    amount: int
    currency: str
    fee: int
    type: str
    category: str
    source: str | None


class Event(Struct, kw_only=True):
    """Something to tell, and how far telling has got."""

    id: str
    type: str
    created: int
    body: bytes
    about: str
    """The metadata's payment, for tests; empty if there is none."""
    attempts: int = 0
    due: int | None = None


class Kept(Struct, kw_only=True):
    """What a key was used for, and what was answered."""

    asked: str
    at: int
    status: int
    body: bytes


class Later(Struct, kw_only=True):
    """Something that happens a while later."""

    at: int
    what: str
    about: str


class Books(Struct, kw_only=True):
    """Everything."""

    made: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    keys: dict[str, Kept] = field(default_factory=dict)
    later: list[Later] = field(default_factory=list)

    def name(self, kind: str) -> str:
        """A new id, such as ``pi_0000000007fake``."""
        self.made += 1
        return f"{kind}_{self.made:010}fake"
