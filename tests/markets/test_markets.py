"""The default market follows the settings, except where prices forbid it."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import ConfigurationError, Malformed
from commercekit.kernel import new_id
from commercekit.markets import Market, MarketCurrencyFixed, MarketNotFound, MarketService
from commercekit.platform.db import schema_drift
from commercekit.testing import core_piccolo_apps


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("markets")


@pytest.fixture
def markets(database, clock):
    return MarketService(database, clock)


async def test_the_declared_table_is_the_migrated_one(database):
    from commercekit.markets.tables import MarketRow

    async with database.unit_of_work() as uow:
        drift = await schema_drift(uow.connection, [MarketRow])
    assert drift == []


async def test_without_a_start_there_is_no_market(markets):
    with pytest.raises(ConfigurationError, match="no default market"):
        await markets.default()


async def test_the_first_start_makes_the_default_market(markets, clock):
    made = await markets.ensure_default(
        currency="CNY", languages=["zh", "en"], countries=["CN"], prices_include_tax=True
    )
    assert (made.code, made.currency, made.languages, made.countries) == (
        "default",
        "CNY",
        ("zh", "en"),
        ("CN",),
    )
    assert (made.prices_include_tax, made.default, made.version) == (True, True, 1)
    assert made.updated_at == clock.now()
    assert await markets.default() == made
    assert await markets.by_code("default") == made
    assert await markets.every() == [made]


async def test_a_second_start_changes_nothing(markets, database):
    first = await markets.ensure_default(currency="CNY", languages=["en"])
    second = await MarketService(database, database.clock).ensure_default(
        currency="CNY", languages=["en"]
    )
    assert second == first


async def test_two_nodes_that_start_at_once_make_one_market(database, clock):
    made = await asyncio.gather(
        *(
            MarketService(database, clock).ensure_default(currency="CNY", languages=["en"])
            for _ in range(4)
        )
    )
    assert len({market.id for market in made}) == 1
    assert await database.fetchval("SELECT count(*) FROM markets_market") == 1


async def test_languages_and_tax_mode_follow_the_settings(markets):
    first = await markets.ensure_default(currency="CNY", languages=["en"])
    second = await markets.ensure_default(
        currency="CNY", languages=["en", "zh"], countries=["CN", "HK"], prices_include_tax=False
    )
    assert second.id == first.id
    assert second.languages == ("en", "zh")
    assert second.countries == ("CN", "HK")
    assert second.prices_include_tax is False
    assert second.version == 2
    assert await markets.default() == second


async def test_another_currency_stops_the_start(markets):
    await markets.ensure_default(currency="CNY", languages=["en"])
    with pytest.raises(MarketCurrencyFixed, match="prices of market 'default' are in CNY"):
        await markets.ensure_default(currency="USD", languages=["en"])
    assert (await markets.default()).currency == "CNY"


async def test_an_unknown_currency_is_refused(markets, database):
    with pytest.raises(Malformed, match="'XYZ' is not an ISO 4217 currency"):
        await markets.ensure_default(currency="XYZ", languages=["en"])
    assert await database.fetchval("SELECT count(*) FROM markets_market") == 0


async def test_a_market_without_languages_is_refused(markets, database):
    with pytest.raises(ConfigurationError, match="at least one language"):
        await markets.ensure_default(currency="CNY", languages=[])
    assert await database.fetchval("SELECT count(*) FROM markets_market") == 0


async def test_an_unknown_code_is_not_found(markets):
    await markets.ensure_default(currency="CNY", languages=["en"])
    with pytest.raises(MarketNotFound, match="no market 'moon'"):
        await markets.by_code("moon")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9", "zh"),
        ("ZH", "zh"),
        ("fr, zh;q=0.5", "zh"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("zh;q=0.2, en;q=0.8", "en"),
        (";;;,,=", "en"),
    ],
)
def test_a_reader_gets_the_best_language_of_the_market(header, language, clock):
    market = Market(
        id=new_id(),
        code="default",
        currency="CNY",
        languages=("en", "zh"),
        countries=(),
        prices_include_tax=True,
        default=True,
        version=1,
        updated_at=clock.now(),
    )
    assert market.language_for(header) == language
    assert market.delivers_to("AQ")
