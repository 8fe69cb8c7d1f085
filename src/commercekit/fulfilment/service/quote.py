"""What sending costs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from commercekit.fulfilment.errors import RatesUnavailable
from commercekit.fulfilment.models import ShippingOption
from commercekit.fulfilment.providers import RATES, Parcel, RateQuote, RateRequest
from commercekit.fulfilment.service.base import FulfilmentUseCases
from commercekit.fulfilment.service.carriers import CarrierAccount
from commercekit.kernel import Address, Money
from commercekit.platform.providers import PluginFailed, PluginFailedMidway, ProviderError

__all__ = ["Quoting"]

_log = structlog.get_logger("commercekit.fulfilment")


class Quoting(FulfilmentUseCases):
    """Asks every carrier at once, outside of any transaction."""

    async def rates(
        self,
        destination: Address,
        parcels: Sequence[Parcel],
        value: Money,
        currency: str,
        *,
        option: str | None = None,
    ) -> list[ShippingOption]:
        """The ways to have ``parcels``, worth ``value``, sent to ``destination``.

        With the code of an ``option``, as it was offered before, nobody is asked who would not offer it.
        A carrier that does not answer in time is left out, or, where its policy is ``closed``, raises
        :class:`~commercekit.fulfilment.errors.RatesUnavailable`; ``PluginFailed`` if it is broken.
        Empty when nobody goes there. Never call it inside a unit of work.
        """
        request = RateRequest(
            origin=self._settings.origin,
            destination=destination,
            parcels=list(parcels),
            value=value,
            currency=currency,
        )
        asked = self._carriers.quoting(option)
        if len(asked) == 1:
            answers = [await self._ask(asked[0], request)]
        else:
            answers = await asyncio.gather(*(self._ask(entry, request) for entry in asked))
        return self._carriers.options(list(zip(asked, answers, strict=True)))

    async def _ask(self, entry: CarrierAccount, request: RateRequest) -> list[RateQuote]:
        carrier = entry.carrier
        nothing: list[RateQuote] = []
        try:
            quotes = await self._caller.call(
                RATES,
                carrier.code,
                lambda: carrier.rates(entry.context, request),
                instead=nothing,
            )
        except (PluginFailed, PluginFailedMidway):
            raise
        except ProviderError as error:
            message = "A carrier does not answer; try again in a moment."
            raise RatesUnavailable(message, retry_after=5) from error
        wanted = [quote for quote in quotes if quote.amount.currency == request.currency]
        if len(wanted) < len(quotes):
            _log.warning(
                "rates-in-another-currency", carrier=carrier.code, currency=request.currency
            )
        return wanted
