"""What a tax plugin implements: the rates at a destination.

A provider says rates and nothing else. Amounts, rounding and sums stay with the core, so that they agree
whoever names the rates; no amount and no shopper leaves the shop.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar, Final

from msgspec import Struct

from commercekit.platform.plugins import since
from commercekit.platform.providers import FailurePolicy, ProviderKind, Verb
from commercekit.pricing.models import RatePpm, TaxDestination

__all__ = ["RATES", "TAX_PROVIDERS", "TaxComponent", "TaxProvider", "TaxRequest"]


class TaxRequest(Struct, frozen=True, kw_only=True):
    """Which classes of goods go where, and when."""

    destination: TaxDestination
    tax_classes: tuple[str, ...]
    at: datetime


class TaxComponent(Struct, frozen=True, kw_only=True):
    """One tax on one class; several of a class add up in the order given."""

    tax_class: str
    code: str = "tax"
    rate_ppm: RatePpm
    name: dict[str, str] = {}
    compound: bool = False
    """Taken of the price with the taxes before it, not of the price alone."""


@since("0.1")
class TaxProvider(ABC):
    """One source of tax rates. Stateless; asked for every quote, outside of transactions."""

    code: ClassVar[str]
    """What ``[pricing] tax_provider`` names."""

    @abstractmethod
    async def rates(self, request: TaxRequest) -> list[TaxComponent]:
        """Say the rates of the classes at the destination; a class without any is not taxed.

        :param request: destination, classes and moment.
        :returns: the components, each class's in the order in which they are reckoned.
        :raises ProviderUnavailable: then the shop's own table counts, or the quote is refused, as the
            policy in ``[providers.tax.verbs.rates]`` says. So it does after two seconds without an
            answer.
        """


RATES: Final[Verb[list[TaxComponent] | None]] = Verb(
    "tax",
    "rates",
    list[TaxComponent] | None,
    retries=1,
    # The shop has a table of its own.
    policies=(FailurePolicy.OPEN, FailurePolicy.CLOSED),
)

TAX_PROVIDERS: Final = ProviderKind("tax", "tax provider", (RATES,))
"""What a tax provider is asked, and what the core does when it fails."""
