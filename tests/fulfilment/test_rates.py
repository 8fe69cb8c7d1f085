from __future__ import annotations

import asyncio

import pytest

from commercekit.fulfilment import (
    CARRIERS,
    FulfilmentSettings,
    MethodSettings,
    Parcel,
    RateQuote,
    RatesUnavailable,
)
from commercekit.kernel import Money
from commercekit.platform.providers import FailurePolicy, ProviderUnavailable
from commercekit.platform.settings import Section, SettingsError
from tests.guards import patient_guard

PARCELS = [Parcel(weight_g=600)]
VALUE = Money(9900, "CNY")


async def test_every_service_is_an_option_cheapest_first_when_no_methods_are_set(
    make_service, make_carrier, address
):
    slow, quick = make_carrier("slow"), make_carrier("quick")
    quick.quotes = [RateQuote(service="express", amount=Money(1800, "CNY"), min_days=1, max_days=1)]
    options = await make_service(quick, slow).rates(address, PARCELS, VALUE, "CNY")
    assert [(o.code, o.amount, o.carrier, o.service, o.min_days) for o in options] == [
        ("slow-standard", Money(800, "CNY"), "slow", "standard", None),
        ("quick-express", Money(1800, "CNY"), "quick", "express", 1),
    ]
    assert options[0].label == {"en": "Standard"}


async def test_methods_name_order_and_limit_what_is_offered(make_service, make_carrier, address):
    one, two = make_carrier("one"), make_carrier("two")
    one.quotes.append(RateQuote(service="hidden", amount=Money(1, "CNY")))
    label = {"en": "Home delivery", "zh": "送货上门"}
    settings = FulfilmentSettings(
        methods={
            "home": MethodSettings(carrier="two", service="standard", label=label),
            "cheap": MethodSettings(carrier="one", service="standard"),
            "absent": MethodSettings(carrier="one", service="express"),
        }
    )
    options = await make_service(one, two, settings=settings).rates(address, PARCELS, VALUE, "CNY")
    assert [(option.code, option.carrier) for option in options] == [
        ("home", "two"),
        ("cheap", "one"),
    ]
    assert options[0].label == label


async def test_carrier_that_does_not_answer_is_left_out(make_service, make_carrier, address):
    dead, hanging, well = make_carrier("dead"), make_carrier("hanging"), make_carrier("well")
    dead.fails["rates"] = [ProviderUnavailable(), ProviderUnavailable()]

    async def hang(ctx, r):
        await asyncio.sleep(60)

    hanging.rates = hang
    service = make_service(dead, hanging, well, deadline=0.05)
    options = await service.rates(address, PARCELS, VALUE, "CNY")
    assert [option.carrier for option in options] == ["well"]


async def test_a_carrier_that_is_away_for_a_moment_is_asked_a_second_time(
    make_service, make_carrier, address
):
    dead = make_carrier("dead")
    dead.fails["rates"] = [ProviderUnavailable()]
    options = await make_service(dead).rates(address, PARCELS, VALUE, "CNY")
    assert [option.carrier for option in options] == ["dead"]


async def test_shop_that_does_not_sell_without_a_price_refuses(make_service, make_carrier, address):
    dead = make_carrier("dead")
    dead.fails["rates"] = [ProviderUnavailable(), ProviderUnavailable()]
    guard = patient_guard(CARRIERS, policy=FailurePolicy.CLOSED)
    service = make_service(dead, caller=guard)
    with pytest.raises(RatesUnavailable):
        await service.rates(address, PARCELS, VALUE, "CNY")


async def test_quotes_in_another_currency_are_not_offered(make_service, carrier, address):
    options = await make_service(carrier).rates(address, PARCELS, Money(99, "EUR"), "EUR")
    assert options == []


async def test_plugin_that_returns_nonsense_is_left_out(make_service, carrier, address):
    carrier.quotes = "cheap"
    assert await make_service(carrier).rates(address, PARCELS, VALUE, "CNY") == []


async def test_wrong_settings_stop_the_start_with_every_problem(make_service, carrier):
    settings = FulfilmentSettings(
        methods={
            "a": MethodSettings(carrier="nobody"),
            "b": MethodSettings(carrier="fake", account="second"),
        },
        accounts={"ghost": {"default": Section()}},
    )
    with pytest.raises(SettingsError) as refused:
        make_service(carrier, settings=settings)
    assert [problem.path for problem in refused.value.problems] == [
        "fulfilment.accounts.ghost",
        "fulfilment.methods.a.carrier",
        "fulfilment.methods.b.account",
    ]
