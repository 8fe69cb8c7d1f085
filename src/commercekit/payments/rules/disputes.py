"""What a snapshot of a dispute changes, whatever the order in which snapshots arrive."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from commercekit.kernel import Money
from commercekit.payments.models import ENDED, Dispute
from commercekit.payments.providers import DisputeSnapshot, DisputeState

__all__ = ["DisputeChange", "judge_dispute"]

_HELD: Final = (DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW, DisputeState.LOST)
_RANK: Final = {
    DisputeState.INQUIRY: 0,
    DisputeState.NEEDS_RESPONSE: 1,
    DisputeState.UNDER_REVIEW: 2,
} | dict.fromkeys(ENDED, 3)


class DisputeChange(Struct, frozen=True, kw_only=True):
    """What becomes of a dispute, and which money moves."""

    state: DisputeState
    withdrawn: int
    moved: int
    """Taken from the shop (positive) or given back (negative), since it was last heard of."""
    lost: int
    """Of what is withdrawn: gone for good (positive), or found again (negative), since then."""
    is_new: bool
    """Nobody knew of the dispute."""
    is_step: bool
    """Its state is another."""


def judge_dispute(known: Dispute | None, snapshot: DisputeSnapshot) -> DisputeChange | None:
    """What ``snapshot`` changes; ``None`` when it is old news, or says nothing new.

    What the provider says last counts. What was decided is not undecided by news that came late.
    """
    withdrawn = _withdrawn(snapshot)
    lost = withdrawn if snapshot.state is DisputeState.LOST else 0
    if known is None:
        return DisputeChange(
            state=snapshot.state,
            withdrawn=withdrawn,
            moved=withdrawn,
            lost=lost,
            is_new=True,
            is_step=True,
        )
    if _is_old(known, snapshot):
        return None
    lost_before = known.withdrawn.amount if known.state is DisputeState.LOST else 0
    change = DisputeChange(
        state=snapshot.state,
        withdrawn=withdrawn,
        moved=withdrawn - known.withdrawn.amount,
        lost=lost - lost_before,
        is_new=False,
        is_step=snapshot.state is not known.state,
    )
    due = snapshot.evidence_due_at or known.evidence_due_at
    same = not (change.is_step or change.moved or change.lost)
    return None if same and due == known.evidence_due_at else change


def _is_old(known: Dispute, snapshot: DisputeSnapshot) -> bool:
    if known.state in ENDED and snapshot.state not in ENDED:
        return True
    if snapshot.occurred_at == known.occurred_at:
        return _RANK[snapshot.state] < _RANK[known.state]
    return snapshot.occurred_at < known.occurred_at


def _withdrawn(snapshot: DisputeSnapshot) -> int:
    stated: Money | None = snapshot.withdrawn
    if stated is not None and stated.currency == snapshot.amount.currency:
        return max(0, stated.amount)
    return snapshot.amount.amount if snapshot.state in _HELD else 0
