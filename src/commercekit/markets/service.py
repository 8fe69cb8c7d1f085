"""Use cases of markets."""

from __future__ import annotations

from collections.abc import Sequence

from commercekit.errors import ConfigurationError
from commercekit.kernel import Clock, exponent, new_id
from commercekit.markets import repository
from commercekit.markets.errors import MarketCurrencyFixed, MarketNotFound
from commercekit.markets.models import Market
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["MarketService"]


class MarketService:
    """Tells which market applies. Markets are read once per process: they change at start only."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._by_code: dict[str, Market] = {}
        self._default: Market | None = None

    async def default(self) -> Market:
        """The market of a request that names none.

        Raises :class:`~commercekit.errors.ConfigurationError` when :meth:`ensure_default` never ran.
        """
        if self._default is None:
            self._default = await repository.default()
        if self._default is None:
            message = (
                "There is no default market yet; start the shop once, or run `commercekit run`."
            )
            raise ConfigurationError(message)
        return self._default

    async def by_code(self, code: str) -> Market:
        """The market of that code; :class:`MarketNotFound` otherwise."""
        market = self._by_code.get(code) or await repository.by_code(code)
        if market is None:
            message = f"There is no market {code!r}."
            raise MarketNotFound(message, market=code)
        self._by_code[code] = market
        return market

    async def every(self) -> list[Market]:
        """All markets, the default first."""
        return await repository.every()

    async def ensure_default(
        self,
        *,
        code: str = "default",
        currency: str,
        languages: Sequence[str],
        countries: Sequence[str] = (),
        prices_include_tax: bool = True,
    ) -> Market:
        """Make the default market what the settings say; safe when several nodes start at once.

        Languages, countries and tax mode follow the settings. The currency does not: prices were
        entered in it, so another one stops the start with :class:`MarketCurrencyFixed`.
        """
        exponent(currency)
        if not languages:
            message = "A market needs at least one language."
            raise ConfigurationError(message)
        now = self._clock.now()

        async def work(uow: UnitOfWork) -> Market:
            wanted = Market(
                id=new_id(),
                code=code,
                currency=currency,
                languages=tuple(languages),
                countries=tuple(countries),
                prices_include_tax=prices_include_tax,
                default=True,
                version=1,
                updated_at=now,
            )
            await repository.insert(uow, wanted)
            present = await repository.default()
            if present is None:
                message = f"The market {code!r} exists and is not the default one."
                raise ConfigurationError(message)
            if present.currency != currency:
                message = (
                    f"The settings say {currency}, but the prices of market {present.code!r} are in "
                    f"{present.currency}. Set the currency back, or start with a new data folder."
                )
                raise MarketCurrencyFixed(message)
            if (present.languages, present.countries, present.prices_include_tax) != (
                wanted.languages,
                wanted.countries,
                wanted.prices_include_tax,
            ):
                await repository.update(
                    uow,
                    Market(
                        id=present.id,
                        code=present.code,
                        currency=present.currency,
                        languages=wanted.languages,
                        countries=wanted.countries,
                        prices_include_tax=wanted.prices_include_tax,
                        default=True,
                        version=present.version,
                        updated_at=now,
                    ),
                )
                refreshed = await repository.default()
                return refreshed or present
            return present

        market = await self._db.run(work)
        self._default = market
        self._by_code = {market.code: market}
        return market
