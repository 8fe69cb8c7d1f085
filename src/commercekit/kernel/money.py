"""Money as integer minor units, and how to split it without losing a cent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated

from iso4217 import Currency as _IsoCurrency
from msgspec import Meta, Struct

from commercekit.errors import Malformed

__all__ = ["CurrencyCode", "CurrencyMismatch", "Money", "allocate", "exponent", "round_half_up"]

CurrencyCode = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, such as CNY")]

_EXPONENTS: dict[str, int] = {
    currency.code.upper(): currency.exponent or 0
    for currency in _IsoCurrency
    if currency.exponent is not None
}


class CurrencyMismatch(TypeError):
    """Two currencies met in one sum: a bug in the caller, never a shopper's mistake."""


def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for CNY, 0 for JPY, 3 for KWD.

    Raises :class:`~commercekit.errors.Malformed` for a code ISO 4217 does not know.
    """
    try:
        return _EXPONENTS[currency]
    except KeyError:
        message = f"{currency!r} is not an ISO 4217 currency"
        raise Malformed(message) from None


def round_half_up(value: Fraction | Decimal) -> int:
    """The nearest integer, halves away from zero, exactly."""
    fraction = Fraction(value)
    doubled = 2 * abs(fraction.numerator) + fraction.denominator
    magnitude = doubled // (2 * fraction.denominator)
    return magnitude if fraction >= 0 else -magnitude


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split ``amount`` minor units by ``weights`` so that the parts sum to it exactly.

    Largest remainder, earlier parts first among equals; all-zero weights split evenly; a negative
    amount splits like its opposite. No weights and an amount of zero give an empty list; no weights
    and anything to split, or a negative weight, raise :class:`ValueError`.
    """
    if not weights:
        if amount:
            message = f"cannot split {amount} over nothing"
            raise ValueError(message)
        return []
    if min(weights) < 0:
        message = "weights must not be negative"
        raise ValueError(message)
    total = sum(weights)
    shares = list(weights) if total else [1] * len(weights)
    total = total or len(weights)
    sign, magnitude = (-1, -amount) if amount < 0 else (1, amount)
    parts = [magnitude * share // total for share in shares]
    remainders = [magnitude * share % total for share in shares]
    left = magnitude - sum(parts)
    for index in sorted(range(len(parts)), key=lambda i: (-remainders[i], i))[:left]:
        parts[index] += 1
    return [sign * part for part in parts]


class Money(Struct, frozen=True, order=False):
    """An amount in the minor units of its currency: ``Money(1999, "CNY")`` is ¥19.99.

    On the wire ``{"amount": 1999, "currency": "CNY"}``. Arithmetic stays within one currency and
    raises :class:`CurrencyMismatch` otherwise. There is no float anywhere near it.
    """

    amount: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    currency: CurrencyCode

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in ``currency``."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a decimal in major units, ``"19.99"``, as imports and providers write it.

        More decimals than the currency has are rounded half up. Raises
        :class:`~commercekit.errors.Malformed` for anything that is no finite number.
        """
        try:
            value = Decimal(text.strip())
        except InvalidOperation:
            message = f"{text!r} is not an amount"
            raise Malformed(message) from None
        if not value.is_finite() or abs(value) > 10**13:
            message = f"{text!r} is not an amount"
            raise Malformed(message)
        minor = value.scaleb(exponent(currency))
        return cls(int(minor.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """The sum of ``parts``, zero of ``currency`` when there are none."""
        amount = 0
        for part in parts:
            if part.currency != currency:
                message = f"{currency} and {part.currency} do not mix"
                raise CurrencyMismatch(message)
            amount += part.amount
        return cls(amount, currency)

    def to_decimal(self) -> Decimal:
        """Major units with exactly the currency's decimals, for providers and people."""
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.amount * quantity, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __gt__(self, other: Money) -> bool:
        return not self <= other

    def __ge__(self, other: Money) -> bool:
        return not self < other

    def __bool__(self) -> bool:
        return self.amount != 0

    def __str__(self) -> str:
        return f"{self.to_decimal()} {self.currency}"

    def portion(self, share: Fraction) -> Money:
        """``share`` of this amount, rounded half up to the minor unit."""
        return Money(round_half_up(self.amount * share), self.currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split by ``weights``; the parts sum to this amount exactly (see :func:`allocate`)."""
        return [Money(part, self.currency) for part in allocate(self.amount, weights)]

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            message = f"{self.currency} and {other.currency} do not mix"
            raise CurrencyMismatch(message)
