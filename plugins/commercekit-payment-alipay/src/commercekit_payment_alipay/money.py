"""Yuan on the wire, fen in the shop. Nothing here is a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from commercekit.kernel import Money

__all__ = ["CNY", "money", "yuan"]

CNY: Final = "CNY"
_MOST: Final = 10**13
"""Above every amount that the vendor takes, and far below what a column holds."""


def yuan(amount: Money) -> str:
    """``49.90`` for 4990 fen."""
    return f"{amount.amount // 100}.{amount.amount % 100:02d}"


def money(said: Decimal) -> Money:
    """The amount the vendor says; ``ValueError`` for what is no amount of whole fen."""
    if not said.is_finite() or abs(said.adjusted()) > len(str(_MOST)):
        message = "no amount"
        raise ValueError(message)
    fen = said.scaleb(2)
    if fen != fen.to_integral_value() or abs(fen) > _MOST:
        message = "no amount of whole fen"
        raise ValueError(message)
    return Money(int(fen), CNY)
