"""What a plugin implements to review refund requests and returns."""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from msgspec import Struct, field

from commercekit.kernel import Money
from commercekit.orders.models import (
    FulfilmentStatus,
    OrderStatus,
    PaymentStatus,
    ReasonCode,
)
from commercekit.platform.plugins import since
from commercekit.platform.providers import FailurePolicy, ProviderKind, Verb

__all__ = [
    "REFUND_RULES",
    "REVIEW",
    "Answer",
    "CaseKind",
    "CaseLine",
    "CustomerHistory",
    "PastClaim",
    "RefundCase",
    "RefundRule",
    "RuleAnswer",
]


class CaseKind(StrEnum):
    """What is asked."""

    REFUND = "refund"
    """Money; the goods stay, or never left."""
    RETURN = "return"
    """To send goods back; money follows what arrives."""


class CaseLine(Struct, frozen=True, kw_only=True):
    """One line of which something is asked back."""

    line_id: UUID
    sku: str
    quantity: int
    """Units asked back; zero when only part of the price is."""
    amount: Money
    """What they are worth, tax included."""
    ordered: int
    shipped: int
    """Units of the line that left the shop, whether or not they arrived."""
    delivered: int
    unshipped: int
    """Units still here, neither packed nor cancelled."""


class PastClaim(Struct, frozen=True, kw_only=True):
    """An earlier refund request or return of the same customer."""

    kind: CaseKind
    status: str
    amount: Money
    at: datetime


class CustomerHistory(Struct, frozen=True, kw_only=True):
    """What the shop knows of whoever asks; a guest is known by the e-mail address, as an index."""

    orders: int
    """Placed so far, this one included."""
    claims: tuple[PastClaim, ...] = ()
    """Newest first, at most the last hundred; the case itself is not among them."""

    def since(self, moment: datetime) -> tuple[PastClaim, ...]:
        """The claims made at ``moment`` or later."""
        return tuple(claim for claim in self.claims if claim.at >= moment)


class RefundCase(Struct, frozen=True, kw_only=True):
    """Everything a rule may look at; frozen, and complete: there is nothing to fetch."""

    kind: CaseKind
    now: datetime
    asked_at: datetime
    order_id: UUID
    market: str
    currency: str
    placed_at: datetime
    status: OrderStatus
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    total: Money
    captured: Money
    refunded: Money
    """What went back already or is on its way."""
    lines: tuple[CaseLine, ...]
    shipping: bool
    """Whether the freight is asked back too."""
    amount: Money
    """What is asked in all."""
    reason_code: ReasonCode
    reason: str
    """In the shopper's own words; they may be anything."""
    delivered_at: datetime | None
    """When the last parcel with anything of these lines arrived; ``None`` while none did."""
    customer: CustomerHistory

    @property
    def left(self) -> Money:
        """What was paid and is neither back nor on its way back; nobody can be given more."""
        return max(self.captured - self.refunded, Money.zero(self.currency))

    @property
    def unshipped(self) -> bool:
        """Whether every unit asked back is still here. False for part of a price."""
        return all(0 < line.quantity <= line.unshipped for line in self.lines)

    @property
    def age(self) -> timedelta | None:
        """How long ago the goods arrived when this was asked; ``None`` while they have not."""
        return None if self.delivered_at is None else self.asked_at - self.delivered_at


class RuleAnswer(StrEnum):
    """What a rule may say."""

    APPROVE = "approve"
    REJECT = "reject"
    PERSON = "person"
    """A person should look, whatever later rules say."""
    ABSTAIN = "abstain"
    """Not my concern: the next rule is asked."""


class Answer(Struct, frozen=True, kw_only=True):
    """A rule's answer, and why, by language; the reason of a rejection is what the shopper reads."""

    answer: RuleAnswer
    reason: dict[str, str] = field(default_factory=dict)


@since("0.1")
class RefundRule(ABC):
    """One rule by which refund requests and returns are reviewed.

    A rule is pure: the same case gives the same answer, on every node and years later. It does no I/O,
    keeps nothing between calls and looks at no clock but ``case.now``.

    *Order.* ``[orders] refund_rules`` names the rules that are asked first; all others follow by
    :attr:`rank` and then by code. The first that approves, rejects or wants a person ends the review.

    *When it fails.* A rule that raises, takes longer than its deadline, one second, or answers with something
    else than an :class:`Answer` ends the review too: the request is left to a person. It never
    approves and never rejects. So does a rule that failed repeatedly, while it is left alone.
    """

    code: ClassVar[str]
    """Unique in a shop, such as ``too-late``."""
    name: ClassVar[dict[str, str]]
    """What staff read, by language."""
    rank: ClassVar[int] = 100
    """Lower ones are asked first, unless the settings say otherwise."""

    @abstractmethod
    def review(self, case: RefundCase) -> Answer:
        """Say what should become of ``case``.

        Called in a thread of its own, outside of any transaction. If anything in the case has changed
        by the time the answer is to be booked, the rule is asked again with the case as it is then.

        :param case: the order, what is asked, what became of the goods, and who asks.
        :returns: an answer; one that rejects needs a reason the shopper can read.
        """


REVIEW: Final[Verb[Answer]] = Verb(
    "refund-rule",
    "review",
    Answer,
    deadline=timedelta(seconds=1),
    # A person decides.
    policies=(FailurePolicy.OPEN,),
)

REFUND_RULES: Final = ProviderKind("refund-rule", "refund rule", (REVIEW,))
"""What a refund rule is asked, and what the core does when it fails."""
