"""Amounts: ours in ISO 4217's minor units, the vendor's in its own. Pure, integers only.

https://docs.stripe.com/currencies: most currencies are counted in hundredths, some in whole units, and
the dinars in thousandths of which the last digit has to be 0. ISK and UGX have no decimals any more, and
the vendor still counts them in hundredths; MGA it counts in whole units.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from commercekit.kernel import Money, exponent
from commercekit.payments import AmountLimits
from commercekit.platform.providers import ProviderRejected

__all__ = ["CURRENCIES", "LIMITS", "from_units", "to_units"]

_WHOLE: Final = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_PRESENTMENT: Final = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD
    MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
    RSD RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS
    VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
"""
CURRENCIES: Final = frozenset(_PRESENTMENT.split())
"""What may be charged in; which of them an account takes depends on its country."""

_EIGHT_DIGITS: Final = 99_999_999
_LEAST: Final = {
    "AED": 2_00,
    "AUD": 50,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 15_00,
    "DKK": 2_50,
    "EUR": 50,
    "GBP": 30,
    "HKD": 4_00,
    "HUF": 175_00,
    "INR": 50,
    "JPY": 50,
    "MXN": 10_00,
    "MYR": 2_00,
    "NOK": 3_00,
    "NZD": 50,
    "PLN": 2_00,
    "RON": 2_00,
    "SEK": 3_00,
    "SGD": 50,
    "THB": 10_00,
    "USD": 50,
}
"""The least charge where the account is kept in the same currency; in the vendor's units."""


def _decimals(currency: str) -> int:
    """How many decimals the vendor gives a currency."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def _limits(currency: str) -> AmountLimits:
    step = (
        10 if currency in _THOUSANDTHS else 10 ** max(exponent(currency) - _decimals(currency), 0)
    )
    least = _LEAST.get(currency)
    most = None if least is None else _EIGHT_DIGITS
    return AmountLimits(least=least or 1, most=most, step=step)


LIMITS: Final = MappingProxyType(
    {
        currency: limits
        for currency in sorted(CURRENCIES)
        if (limits := _limits(currency)) != AmountLimits()
    }
)
"""What may be charged at once, where that is not simply anything."""


def to_units(amount: Money) -> int:
    """The amount as the vendor counts it; :class:`ProviderRejected` for one that it cannot count."""
    shift = _decimals(amount.currency) - exponent(amount.currency)
    if shift >= 0:
        units = amount.amount * int(10**shift)
        fits = amount.currency not in _THOUSANDTHS or units % 10 == 0
    else:
        units, rest = divmod(amount.amount, int(10**-shift))
        fits = not rest
    if not fits:
        code = "amount-not-countable"
        raise ProviderRejected(code, f"{amount}: this currency is charged in coarser steps")
    return units


def from_units(units: int, currency: str) -> Money:
    """The vendor's count as ours; :class:`ValueError` for a fraction of our smallest unit."""
    code = currency.upper()
    shift = exponent(code) - _decimals(code)
    if shift >= 0:
        return Money(units * int(10**shift), code)
    whole, rest = divmod(units, int(10**-shift))
    if rest:
        message = f"{units} {code} is a fraction of the smallest unit"
        raise ValueError(message)
    return Money(whole, code)
