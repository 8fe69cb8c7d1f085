"""What is shown of a person to staff who need not know them. Pure."""

from __future__ import annotations

from typing import Final

from commercekit.kernel import Address

__all__ = ["masked_address", "masked_email"]

_MASK: Final = "***"
_CALLING: Final = 3


def masked_email(email: str) -> str:
    """Enough to tell two apart while talking, too little to write to."""
    return f"{email[:1]}{_MASK}@{_MASK}"


def masked_address(address: Address) -> Address:
    """The country, the region and the city stay: statistics are made of them."""
    return Address(
        name=f"{address.name[:1]}{_MASK}",
        # Still a telephone number by its form, which clients may rely on; nobody has it.
        phone=address.phone[:_CALLING] + "0" * (len(address.phone) - _CALLING),
        country=address.country,
        region=address.region,
        city=address.city,
        line1=_MASK,
    )
