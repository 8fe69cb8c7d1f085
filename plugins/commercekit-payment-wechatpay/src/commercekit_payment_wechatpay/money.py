"""Amounts as the vendor writes them: fen in the API, yuan in its bills."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from commercekit.kernel import Money
from commercekit.platform.providers import ProviderRejected

__all__ = ["CURRENCY", "fen", "yuan"]

CURRENCY = "CNY"
_MOST_DIGITS = 15


def fen(amount: Money) -> int:
    """The number the API wants; refuses what is not in yuan."""
    if amount.currency != CURRENCY:
        code = "currency-not-supported"
        raise ProviderRejected(code, f"WeChat Pay takes CNY, not {amount.currency}")
    return amount.amount


def yuan(text: str) -> Money:
    """Of ``"19.90"``; raises :class:`ValueError` for what is no amount in whole fen."""
    try:
        value = Decimal(text)
        units = value.scaleb(2)
    except InvalidOperation:
        raise ValueError(text) from None
    if not units.is_finite() or len(text) > _MOST_DIGITS or units != units.to_integral_value():
        raise ValueError(text)
    return Money(int(units), CURRENCY)
