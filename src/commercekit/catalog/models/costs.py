"""What a variant costs the shop itself."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, UnsetType

from commercekit.kernel import Money

__all__ = ["CostEntry", "check_cost"]

_MOST = 10**15


class CostEntry(Struct, frozen=True, kw_only=True):
    """A cost, from when it holds until the next one begins."""

    id: UUID
    variant_id: UUID
    number: int
    """From 1, the last one holds."""
    sku: str
    cost: Money | None
    """``None``: it was taken away."""
    at: datetime
    actor: str


def check_cost(cost: Money | UnsetType | None) -> None:
    """Raise ``ValueError`` for a cost below nothing, and for one beyond all measure."""
    if isinstance(cost, Money) and not 0 <= cost.amount <= _MOST:
        message = "a cost is neither below nothing nor beyond all measure"
        raise ValueError(message)
