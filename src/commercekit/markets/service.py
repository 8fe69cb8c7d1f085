"""Use cases of markets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from commercekit.errors import ConfigurationError, Conflict, FieldError
from commercekit.kernel import Clock, exponent, new_id
from commercekit.markets import repository
from commercekit.markets.errors import (
    DuplicateMarket,
    MarketBySettings,
    MarketCurrencyFixed,
    MarketInactive,
    MarketNotFound,
)
from commercekit.markets.models import Market, Rounding
from commercekit.platform.bus import Broadcast
from commercekit.platform.db import Database, UnitOfWork
from commercekit.platform.security import EVERYWHERE, Reach

__all__ = ["CHANNEL", "MarketService"]

CHANNEL = "markets"
"""Where every process hears that a market was changed."""


class _Routes(NamedTuple):
    by_host: Mapping[str, Market]
    by_prefix: Mapping[str, Market]


class MarketService:
    """Tells which market applies. A process reads markets once, and again when one has changed."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._by_code: dict[str, Market] = {}
        self._default: Market | None = None
        self._routes: _Routes | None = None
        self._round = 0
        self._listeners: list[Callable[[], None]] = []
        self._witnesses: list[Callable[[UnitOfWork], Awaitable[None]]] = []

    def on_changing(self, witness: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        """Have ``witness`` called inside the unit of work of each change, to note what comes of it."""
        self._witnesses.append(witness)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called whenever a market may have changed; it is quick and does not await."""
        self._listeners.append(listener)

    def heard(self, _code: str) -> None:
        """A market was changed, in this process or another: read all of them again."""
        self.forget()

    def forget(self) -> None:
        """Read every market again when it is asked for, and tell who listens."""
        self.drop()
        for listener in self._listeners:
            listener()

    def drop(self) -> None:
        """Read every market again when it is asked for; for who already tells of the change."""
        self._round += 1
        self._by_code.clear()
        self._default = None
        self._routes = None

    async def default(self) -> Market:
        """The market of a request that names none.

        Raises :class:`~commercekit.errors.ConfigurationError` when :meth:`ensure_default` never ran.
        """
        market = self._default
        if market is None:
            begun = self._round
            market = await repository.default()
            if begun == self._round:
                self._default = market
        if market is None:
            message = (
                "There is no default market yet; start the shop once, or run `commercekit run`."
            )
            raise ConfigurationError(message)
        return market

    async def by_code(self, code: str) -> Market:
        """The market of that code; :class:`MarketNotFound` otherwise."""
        kept = self._by_code.get(code)
        if kept is not None:
            return kept
        begun = self._round
        market = await repository.by_code(code)
        if market is None:
            raise _unknown(code)
        if begun == self._round:
            # One that was changed while it was read is not kept.
            self._by_code[code] = market
        return market

    async def within(self, code: str, reach: Reach) -> Market:
        """As :meth:`by_code`, for staff: a market beyond ``reach`` is as unknown as one that is none."""
        if not reach.has_market(code):
            raise _unknown(code)
        return await self.by_code(code)

    async def for_shopper(self, code: str | None) -> Market:
        """The market that a request names, the default one if it names none.

        :class:`MarketNotFound` or, for one that takes no new shoppers, :class:`MarketInactive`.
        """
        if not code:
            return await self.default()
        market = await self.by_code(code)
        if not market.active:
            message = f"The market {code!r} takes no orders; leave X-Market out, or name another."
            fault = FieldError("header:X-Market", "inactive", message)
            raise MarketInactive(message, market=code, errors=(fault,))
        return market

    def known(self, code: str) -> Market | None:
        """The active market of that code if this process has met it; asks no database."""
        market = self._by_code.get(code)
        return market if market is not None and market.active else None

    async def resolve(self, host: str, path: str) -> tuple[Market, str] | None:
        """The market that a visitor of ``host`` and ``path`` shops in, and the path without its prefix.

        The prefix says more than the host. ``None`` when neither names a market: then the header or the
        default does. Inactive markets are not found.
        """
        routes = self._routes
        if routes is None:
            begun = self._round
            markets = [market for market in await self.every() if market.active]
            routes = _Routes(
                {host: market for market in markets for host in market.hosts},
                {market.path_prefix: market for market in markets if market.path_prefix},
            )
            if begun == self._round:
                self._by_code |= {market.code: market for market in markets}
                self._routes = routes
        first, slash, rest = path.removeprefix("/").partition("/")
        if first in routes.by_prefix:
            return routes.by_prefix[first], f"/{rest}" if slash else "/"
        name = host.partition(":")[0].lower()
        if name in routes.by_host:
            return routes.by_host[name], path
        return None

    async def add(
        self,
        code: str,
        currency: str,
        languages: Sequence[str],
        *,
        countries: Sequence[str] = (),
        prices_include_tax: bool = True,
        rounding: Rounding = Rounding.LINE,
        hosts: Sequence[str] = (),
        path_prefix: str | None = None,
        active: bool = True,
    ) -> Market:
        """Another market. Raises :class:`DuplicateMarket` for a taken code, host or prefix."""
        exponent(currency)
        market = Market(
            id=new_id(),
            code=code,
            currency=currency,
            languages=tuple(languages),
            countries=tuple(countries),
            prices_include_tax=prices_include_tax,
            default=False,
            version=1,
            updated_at=self._clock.now(),
            rounding=rounding,
            hosts=tuple(host.lower() for host in hosts),
            path_prefix=path_prefix,
            active=active,
        )
        async with self._db.unit_of_work() as uow:
            await self._claim(uow, market)
            if not await repository.insert(uow, market):
                message = f"There is a market {code} already."
                raise DuplicateMarket(message)
        return market

    async def change(self, code: str, *, expected: int, **changes: Any) -> Market:
        """Change fields of a market that is still at version ``expected``; code and currency stay.

        Raises :class:`MarketBySettings` for what the settings say of the default market, which would
        say it again at the next start, and for switching it off.
        """
        async with self._db.unit_of_work() as uow:
            current = await repository.by_code(code)
            if current is None:
                message = f"There is no market {code!r}."
                raise MarketNotFound(message, market=code)
            if "hosts" in changes:
                changes["hosts"] = tuple(host.lower() for host in changes["hosts"])
            wanted = replace(current, **changes, version=expected, updated_at=self._clock.now())
            fixed = ("languages", "countries", "prices_include_tax", "active")
            if current.default and any(
                getattr(wanted, field) != getattr(current, field) for field in fixed
            ):
                message = (
                    "Change the section [market] of the settings; the default market follows it."
                )
                raise MarketBySettings(message)
            await self._claim(uow, wanted)
            if not await repository.update(uow, wanted):
                message = f"The market {code} was changed by somebody else."
                raise Conflict(message)
        return replace(wanted, version=expected + 1)

    async def _claim(self, uow: UnitOfWork, market: Market) -> None:
        """Make sure that hosts and prefix are nobody else's, and tell every process."""
        await uow.lock("markets")
        for other in await repository.every():
            shared = set(other.hosts) & set(market.hosts)
            same_prefix = other.path_prefix is not None and other.path_prefix == market.path_prefix
            if other.code != market.code and (shared or same_prefix):
                message = (
                    f"{', '.join(sorted(shared)) or market.path_prefix} is market {other.code}."
                )
                raise DuplicateMarket(message)
        uow.after_commit(self.forget)
        # First: who hears what follows from it must have heard this.
        await Broadcast.tell(uow, CHANNEL, market.code)
        for witness in self._witnesses:
            await witness(uow)

    async def every(self, *, reach: Reach = EVERYWHERE) -> list[Market]:
        """All markets within ``reach``, the default first."""
        return [market for market in await repository.every() if reach.has_market(market.code)]

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
                    replace(
                        present,
                        languages=wanted.languages,
                        countries=wanted.countries,
                        prices_include_tax=wanted.prices_include_tax,
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


def _unknown(code: str) -> MarketNotFound:
    message = f"There is no market {code!r}."
    return MarketNotFound(message, market=code)
