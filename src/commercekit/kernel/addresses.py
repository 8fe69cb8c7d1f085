"""A postal address as the shop's HTTP surface writes it."""

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Address", "CountryCode", "PhoneNumber"]

CountryCode = Annotated[str, Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166-1 alpha-2")]
PhoneNumber = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{5,14}$(?!\n)", description="E.164")]
_Line = Annotated[str, Meta(min_length=1, max_length=200)]
_Optional = Annotated[str, Meta(max_length=200)]


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a parcel goes. Personal: sealed at rest, never in logs, events or errors."""

    name: _Line
    phone: PhoneNumber
    country: CountryCode
    region: _Optional = ""
    city: _Line
    district: _Optional = ""
    line1: _Line
    line2: _Optional = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
