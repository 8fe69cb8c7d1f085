"""The table, as the settings of a shop say it."""

from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["Row", "Settings"]


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tax, and what it is for."""

    code: Annotated[
        str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$", description="One row of each code counts.")
    ] = "tax"
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166 code.")]
    regions: Annotated[
        list[str], Meta(description="Provinces or states, compared without case; without any, all.")
    ] = field(default_factory=list)
    postcodes: Annotated[
        list[str], Meta(description="Beginnings of postcodes; without any, all.")
    ] = field(default_factory=list)
    classes: Annotated[list[str], Meta(description="Classes of goods; without any, all.")] = field(
        default_factory=list
    )
    rate_ppm: Annotated[int, Meta(ge=0, le=1_000_000, description="130000 is 13 %.")]
    compound: Annotated[
        bool, Meta(description="Taken of the price with the taxes of the rows before it.")
    ] = False
    name: Annotated[
        dict[str, str], Meta(description='What stands on the invoice: { en = "GST", zh = "…" }.')
    ] = field(default_factory=dict)


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.tax-table]``."""

    rows: Annotated[
        list[Row], Meta(description="The rows; of each code the first that fits counts.")
    ] = field(default_factory=list)
