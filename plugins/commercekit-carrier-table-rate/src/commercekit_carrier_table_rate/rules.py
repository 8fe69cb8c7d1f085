"""Which row fits, and what it says. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit.fulfilment import Parcel, RateQuote, RateRequest
from commercekit.kernel import Money
from commercekit_carrier_table_rate.settings import Account, Rate

__all__ = ["chargeable_weight", "quote"]

_GRAMS = 1000


def chargeable_weight(parcels: Sequence[Parcel], volumetric_divisor: int) -> int:
    """Grams that are charged: for each parcel its weight or, if that is more, what its size counts."""
    return sum(
        max(parcel.weight_g, _volume_weight(parcel, volumetric_divisor)) for parcel in parcels
    )


def quote(account: Account, request: RateRequest) -> list[RateQuote]:
    """One quote for each service that has a row for the request, in the order of the table."""
    weight = chargeable_weight(request.parcels, account.volumetric_divisor)
    quotes: dict[str, RateQuote] = {}
    for rate in account.rates:
        if rate.service not in quotes and _fits(rate, request, weight):
            quotes[rate.service] = RateQuote(
                service=rate.service,
                amount=Money(_price(rate, request.value.amount, weight), rate.currency),
                min_days=rate.min_days,
                max_days=rate.max_days,
            )
    return list(quotes.values())


def _fits(rate: Rate, request: RateRequest, weight: int) -> bool:
    to, value = request.destination, request.value.amount
    return (
        rate.currency == request.currency == request.value.currency
        and (not rate.countries or to.country in rate.countries)
        and (not rate.regions or _plain(to.region) in {_plain(each) for each in rate.regions})
        and (
            not rate.postcodes or _plain(to.postcode).startswith(tuple(map(_plain, rate.postcodes)))
        )
        and rate.min_weight_g <= weight
        and (rate.max_weight_g is None or weight <= rate.max_weight_g)
        and rate.min_value <= value
        and (rate.max_value is None or value <= rate.max_value)
    )


def _price(rate: Rate, value: int, weight: int) -> int:
    if rate.free_above is not None and value >= rate.free_above:
        return 0
    further = max(0, -(-weight // _GRAMS) - 1)
    return rate.amount + rate.per_kg * further


def _volume_weight(parcel: Parcel, divisor: int) -> int:
    if not divisor:
        return 0
    cubic_millimetres = parcel.length_mm * parcel.width_mm * parcel.height_mm
    # A cubic centimetre is 1000 cubic millimetres and a kilogram 1000 grams: the two cancel out.
    return -(-cubic_millimetres // divisor)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
