"""The table, as the settings of a shop say it."""

from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["Account", "Rate"]

_Limit = Annotated[int, Meta(ge=0)]


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: where and what it is for, and what it costs."""

    service: Annotated[
        str, Meta(pattern="^[a-z][a-z0-9-]{0,62}$", description="What the row prices.")
    ] = "standard"
    countries: Annotated[
        list[str], Meta(description="ISO 3166 codes; without any, everywhere.")
    ] = field(default_factory=list)
    regions: Annotated[
        list[str], Meta(description="Provinces or states, compared without case; without any, all.")
    ] = field(default_factory=list)
    postcodes: Annotated[
        list[str], Meta(description="Beginnings of postcodes; without any, all.")
    ] = field(default_factory=list)
    min_weight_g: Annotated[_Limit, Meta(description="From this weight on, in grams.")] = 0
    max_weight_g: Annotated[
        _Limit | None, Meta(description="Up to and with this weight, in grams.")
    ] = None
    min_value: Annotated[_Limit, Meta(description="From this goods value on, in minor units.")] = 0
    max_value: Annotated[
        _Limit | None, Meta(description="Up to and with this goods value, in minor units.")
    ] = None
    currency: Annotated[
        str, Meta(pattern="^[A-Z]{3}$", description="Of every amount in the row.")
    ] = "CNY"
    amount: Annotated[_Limit, Meta(description="What it costs, in minor units.")]
    per_kg: Annotated[
        _Limit, Meta(description="And so much for every kilogram begun after the first.")
    ] = 0
    free_above: Annotated[
        _Limit | None, Meta(description="Free from this goods value on, in minor units.")
    ] = None
    min_days: Annotated[_Limit | None, Meta(description="Arrives after so many days at best.")] = (
        None
    )
    max_days: Annotated[_Limit | None, Meta(description="Arrives after so many days at worst.")] = (
        None
    )


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[fulfilment.accounts.table-rate.<account>]``."""

    rates: Annotated[
        list[Rate], Meta(description="The rows; for each service the first that fits counts.")
    ] = field(default_factory=list)
    labels: Annotated[
        dict[str, dict[str, str]],
        Meta(
            description='What shoppers read for a service: { standard = { en = "…", zh = "…" } }.'
        ),
    ] = field(default_factory=dict)
    volumetric_divisor: Annotated[
        _Limit,
        Meta(
            description="Cubic centimetres that count as one kilogram, such as 5000; 0: only the "
            "scales count."
        ),
    ] = 0
