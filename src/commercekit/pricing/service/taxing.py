"""Tax rates: the shop's own table, and what a plugin says instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.errors import ConfigurationError, Conflict
from commercekit.kernel import new_id
from commercekit.platform.security import EVERYWHERE
from commercekit.pricing import repository
from commercekit.pricing.errors import DuplicateTaxRate, UnknownTaxRate
from commercekit.pricing.events import TaxRatesChanged
from commercekit.pricing.models import PricingSettings, TaxDestination, TaxRate, TaxTable
from commercekit.pricing.providers import RATES, TaxComponent, TaxProvider, TaxRequest
from commercekit.pricing.rules import beyond_limit, is_taxed_in, is_taxed_only_in, pick_rates

if TYPE_CHECKING:
    from commercekit.kernel import Clock
    from commercekit.markets import MarketService
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.providers import ProviderCaller
    from commercekit.platform.security import Reach

__all__ = ["Taxing"]

_NO_RATE = UUID(int=0)
"""What a provider says has no row of its own."""


class Taxing:
    """Which rates hold where."""

    _markets: MarketService

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: PricingSettings,
        caller: ProviderCaller | None,
        tax_providers: Mapping[str, TaxProvider],
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._caller = caller
        self._tax_provider: TaxProvider | None = None
        if settings.tax_provider is not None:
            self._tax_provider = tax_providers.get(settings.tax_provider)
            if self._tax_provider is None:
                offered = ", ".join(sorted(tax_providers)) or "none"
                message = (
                    f"pricing.tax_provider names {settings.tax_provider!r}, which no enabled plugin "
                    f"offers; those that are: {offered}."
                )
                raise ConfigurationError(message)

    async def tax_table(
        self, country: str, region: str | None = None, uow: UnitOfWork | None = None
    ) -> TaxTable:
        """The shop's own rates of a destination, for :func:`~commercekit.pricing.tax_lines`."""
        return pick_rates(await repository.rates(uow or self._db, country), country, region)

    async def tax_for(self, destination: TaxDestination, tax_classes: Iterable[str]) -> TaxTable:
        """The rates that count at a destination: the provider's if the settings name one.

        Never called inside a transaction. While the provider does not answer, the shop's own table
        counts, or :class:`~commercekit.platform.providers.ProviderError` is raised, as its policy says.
        """
        if self._tax_provider is not None and self._caller is not None:
            provider = self._tax_provider
            request = TaxRequest(
                destination=destination,
                tax_classes=tuple(sorted(set(tax_classes))),
                at=self._clock.now(),
            )
            said = await self._caller.call(
                RATES, provider.code, lambda: provider.rates(request), instead=None
            )
            if said is not None:
                return _as_table(said, destination)
        return await self.tax_table(destination.country, destination.region or None)

    @property
    def asks_provider(self) -> bool:
        """Whether a plugin says what is taxed how; the shop's own table is only its stand-in then."""
        return self._tax_provider is not None

    async def tax_rates(self, *, reach: Reach = EVERYWHERE) -> Sequence[TaxRate]:
        """Every rate that counts in a market within ``reach``, by country, region and class."""
        rates = await repository.rates(self._db)
        if reach.everything:
            return rates
        markets = await self._markets.every()
        return [rate for rate in rates if is_taxed_in(rate.country, markets, reach)]

    async def tax_rate(self, identifier: UUID, *, reach: Reach = EVERYWHERE) -> TaxRate:
        """The rate with this id. Raises :class:`UnknownTaxRate`, beyond ``reach`` too."""
        found = await self._rate(self._db, identifier)
        if not reach.everything and not is_taxed_in(
            found.country, await self._markets.every(), reach
        ):
            raise _no_rate(identifier)
        return found

    async def add_tax_rate(
        self,
        tax_class: str,
        country: str,
        region: str | None,
        rate_ppm: int,
        name: dict[str, str],
        *,
        code: str = "tax",
        position: int = 0,
        compound: bool = False,
        reach: Reach = EVERYWHERE,
    ) -> TaxRate:
        """A new rate.

        Raises :class:`DuplicateTaxRate` when the destination has one of this code for the class. A rate
        counts in every market that delivers to its country: ``reach`` has to go to all of them, here and
        where one is changed or removed.
        """
        await self._check_reach(country, reach)
        rate = TaxRate(
            new_id(),
            tax_class,
            country,
            region or None,
            rate_ppm,
            name,
            code=code,
            position=position,
            compound=compound,
        )
        async with self._db.unit_of_work() as uow:
            if not await repository.add_rate(uow, rate):
                place = f"{country} {region}" if region else country
                message = f"{tax_class} has a rate {code} in {place} already."
                raise DuplicateTaxRate(message)
            uow.publish(TaxRatesChanged(country=rate.country))
        return rate

    async def change_tax_rate(
        self,
        identifier: UUID,
        rate_ppm: int,
        name: dict[str, str],
        *,
        expected: int,
        reach: Reach = EVERYWHERE,
    ) -> TaxRate:
        """Set figure and name; orders already placed keep the tax they were placed with."""
        await self._check_reach((await self.tax_rate(identifier, reach=reach)).country, reach)
        async with self._db.unit_of_work() as uow:
            await self._rate(uow, identifier)
            if not await repository.change_rate(uow, identifier, rate_ppm, name, expected):
                message = "The tax rate was changed by somebody else."
                raise Conflict(message)
            changed = await self._rate(uow, identifier)
            uow.publish(TaxRatesChanged(country=changed.country))
            return changed

    async def delete_tax_rate(
        self, identifier: UUID, *, expected: int, reach: Reach = EVERYWHERE
    ) -> None:
        """Remove a rate: the class is taxed at nothing there, or at the country's rate."""
        await self._check_reach((await self.tax_rate(identifier, reach=reach)).country, reach)
        async with self._db.unit_of_work() as uow:
            gone = await self._rate(uow, identifier)
            if not await repository.delete_rate(uow, identifier, expected):
                message = "The tax rate was changed by somebody else."
                raise Conflict(message)
            uow.publish(TaxRatesChanged(country=gone.country))

    async def _check_reach(self, country: str, reach: Reach) -> None:
        if not reach.everything and not is_taxed_only_in(
            country, await self._markets.every(), reach
        ):
            raise beyond_limit()

    @staticmethod
    async def _rate(db: repository.Source, identifier: UUID) -> TaxRate:
        found = await repository.find_rate(db, identifier)
        if found is None:
            raise _no_rate(identifier)
        return found


def _no_rate(identifier: UUID) -> UnknownTaxRate:
    message = f"There is no tax rate {identifier}."
    return UnknownTaxRate(message)


def _as_table(said: Sequence[TaxComponent], destination: TaxDestination) -> TaxTable:
    rates: dict[str, list[TaxRate]] = {}
    for position, component in enumerate(said):
        rates.setdefault(component.tax_class, []).append(
            TaxRate(
                _NO_RATE,
                component.tax_class,
                destination.country,
                destination.region or None,
                component.rate_ppm,
                component.name,
                code=component.code,
                position=position,
                compound=component.compound,
            )
        )
    return TaxTable({tax_class: tuple(of_class) for tax_class, of_class in rates.items()})
