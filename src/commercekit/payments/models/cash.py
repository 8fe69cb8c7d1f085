"""Money that somebody collected for the shop, and hands in: a courier's cash, and its slips."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from commercekit.kernel import Money

__all__ = ["CashHeld", "CashSum", "HandIn", "HandInLine", "HandInWish"]


class CashHeld(Struct, frozen=True, kw_only=True):
    """What was collected for one payment, and is still with whoever collected it."""

    id: UUID
    """Of the payment."""
    reference: str
    gateway: str
    account: str
    collected: Money
    handed_in: Money
    collected_at: datetime

    @property
    def left(self) -> Money:
        """What is still to be handed in."""
        return self.collected - self.handed_in


class CashSum(Struct, frozen=True, kw_only=True):
    """What one account's collectors still have in one currency."""

    gateway: str
    account: str
    payments: int
    left: Money
    oldest: datetime
    """When the first of it was collected."""


class HandInWish(Struct, frozen=True, kw_only=True):
    """One payment on a slip; without an amount all that is left of it."""

    payment_id: UUID
    amount: Money | None = None


class HandInLine(Struct, frozen=True, kw_only=True):
    """What one payment has of a hand-in."""

    payment_id: UUID
    reference: str
    amount: Money


class HandIn(Struct, frozen=True, kw_only=True):
    """Money that a collector handed in at once, by the slip that names it."""

    id: UUID
    gateway: str
    account: str
    slip: str
    """The collector's own number of it; booked once in each account."""
    amount: Money
    """What the shop has in hand."""
    fee: Money
    """What the collector kept of it."""
    note: str
    recorded_by: str
    recorded_at: datetime
    lines: list[HandInLine]
    """With the fee taken off they sum to ``amount``; those of archived months are not here."""
    cancelled_at: datetime | None = None
    cancelled_by: str = ""
    cancel_reason: str = ""
