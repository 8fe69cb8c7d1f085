"""Amounts as the vendor writes them: fen in the API, yuan in its bills."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from commercekit.kernel import Money
from commercekit.platform.providers import ProviderRejected

__all__ = ["CURRENCY", "fen", "yuan"]

CURRENCY: Final = "CNY"
_AMOUNT: Final = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,5})?")


def fen(amount: Money) -> int:
    """The number the API wants; refuses what is not in yuan."""
    if amount.currency != CURRENCY:
        code = "currency-not-supported"
        raise ProviderRejected(code, f"WeChat Pay takes CNY, not {amount.currency}")
    return amount.amount


def yuan(text: str) -> Money:
    """Of ``"19.90"``; raises :class:`ValueError` for what is no amount in whole fen."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    units = Decimal(text).scaleb(2)
    if units != units.to_integral_value():
        raise ValueError(text)
    return Money(int(units), CURRENCY)
