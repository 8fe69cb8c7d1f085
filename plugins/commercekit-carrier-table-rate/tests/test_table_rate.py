from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.fulfilment import (
    CancelOutcome,
    Carriers,
    CreateShipment,
    FulfilmentSettings,
    Parcel,
    Party,
    RateRequest,
    ShipmentRef,
    SubscribeResult,
    TrackQuery,
)
from commercekit.kernel import Address, Money, new_id
from commercekit.platform.providers import ProviderRejected, SignatureInvalid
from commercekit.platform.settings import Section, SettingsError
from commercekit_carrier_table_rate import plugin
from commercekit_carrier_table_rate.carrier import TableRateCarrier
from commercekit_carrier_table_rate.rules import chargeable_weight, quote
from commercekit_carrier_table_rate.settings import Account, Rate

ORIGIN = Address(name="W", phone="+8610000000", country="CN", city="Shanghai", line1="1")


def _request(
    *, country="CN", region="Zhejiang", postcode="310000", weight=600, value=5000, currency="CNY"
):
    return RateRequest(
        origin=ORIGIN,
        destination=Address(
            name="L",
            phone="+8613800138000",
            country=country,
            region=region,
            city="Hangzhou",
            line1="1",
            postcode=postcode,
        ),
        parcels=[Parcel(weight_g=weight)],
        value=Money(value, currency),
        currency=currency,
    )


def _quoted(rates, **request):
    return [
        (each.service, each.amount.amount)
        for each in quote(Account(rates=rates), _request(**request))
    ]


def test_without_a_table_nothing_is_quoted():
    assert _quoted([]) == []


def test_first_row_that_fits_counts_for_each_service():
    rates = [
        Rate(countries=["CN"], regions=["Tibet"], amount=2000),
        Rate(countries=["CN"], amount=800),
        Rate(amount=9000),
        Rate(service="express", countries=["CN"], amount=1800, min_days=1, max_days=2),
    ]
    assert _quoted(rates) == [("standard", 800), ("express", 1800)]
    assert _quoted(rates, region="tibet ") == [("standard", 2000), ("express", 1800)]
    assert _quoted(rates, country="DE") == [("standard", 9000)]


@pytest.mark.parametrize(
    ("row", "inside", "outside"),
    [
        ({"postcodes": ["31", "SW1A"]}, {"postcode": "sw1 a1aa"}, {"postcode": "200000"}),
        ({"postcodes": ["31"]}, {"postcode": "310000"}, {"postcode": ""}),
        ({"max_weight_g": 1000}, {"weight": 1000}, {"weight": 1001}),
        ({"min_weight_g": 1000}, {"weight": 1000}, {"weight": 999}),
        ({"min_value": 5000}, {"value": 5000}, {"value": 4999}),
        ({"max_value": 5000}, {"value": 5000}, {"value": 5001}),
        ({"countries": ["CN", "HK"]}, {"country": "HK"}, {"country": "TW"}),
        ({"currency": "EUR"}, {"currency": "EUR"}, {"currency": "CNY"}),
    ],
)
def test_row_fits_up_to_its_borders_and_not_beyond(row, inside, outside):
    assert _quoted([Rate(amount=1, **row)], **inside) == [("standard", 1)]
    assert _quoted([Rate(amount=1, **row)], **outside) == []


def test_free_from_a_value_on():
    rates = [Rate(amount=800, per_kg=100, free_above=9900)]
    assert _quoted(rates, value=9899, weight=5000) == [("standard", 1200)]
    assert _quoted(rates, value=9900, weight=5000) == [("standard", 0)]


@pytest.mark.parametrize(
    ("weight", "price"), [(0, 800), (1, 800), (1000, 800), (1001, 900), (2000, 900), (2001, 1000)]
)
def test_every_kilogram_begun_after_the_first_costs(weight, price):
    assert _quoted([Rate(amount=800, per_kg=100)], weight=weight) == [("standard", price)]


def test_bulky_parcels_count_by_their_size():
    bulky = Parcel(weight_g=500, length_mm=500, width_mm=400, height_mm=300)
    heavy = Parcel(weight_g=20_000, length_mm=100, width_mm=100, height_mm=100)
    assert chargeable_weight([bulky, heavy], 0) == 20_500
    assert chargeable_weight([bulky, heavy], 5000) == 32_000


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_weight_never_costs_less(one, more):
    rates = [Rate(amount=800, per_kg=137)]
    ((_, light),) = _quoted(rates, weight=one)
    ((_, heavy),) = _quoted(rates, weight=one + more)
    assert light <= heavy


@pytest.fixture
def carriers():
    def carriers(table):
        settings = FulfilmentSettings(
            accounts={"table-rate": {"default": Section(table=table)}} if table is not None else {}
        )
        return Carriers(
            plugin.register_carriers(),
            settings,
            lambda code, account, config: SimpleNamespace(account_id=account, config=config),
        )

    return carriers


async def test_table_stands_in_the_settings(carriers):
    entry = carriers(
        {
            "rates": [{"service": "standard", "amount": 800, "countries": ["CN"]}],
            "labels": {"standard": {"en": "By hand", "zh": "人工"}},
        }
    ).account("table-rate")
    (rate,) = await entry.carrier.rates(entry.context, _request())
    assert (rate.service, rate.amount) == ("standard", Money(800, "CNY"))
    assert entry.carrier.service_label(entry.context, "standard")["zh"] == "人工"
    assert entry.carrier.service_label(entry.context, "express")["zh"] == "快速配送"
    assert entry.carrier.service_label(entry.context, "over-night") == {"en": "Over night"}


def test_wrong_rows_stop_the_start_with_every_problem(carriers):
    with pytest.raises(SettingsError) as refused:
        carriers({"rates": [{"amount": -1, "currency": "yuan"}, {"service": "standard"}]})
    assert sorted(problem.path.rpartition(".")[2] for problem in refused.value.problems) == [
        "amount",
        "amount",
        "currency",
    ]


async def test_shipment_has_no_number_and_nobody_is_told():
    carrier, ctx = TableRateCarrier(), SimpleNamespace(config=Account())
    shipment_id = new_id().hex
    request = CreateShipment(
        shipment_id=shipment_id,
        service="standard",
        sender=Party(address=ORIGIN),
        receiver=Party(address=ORIGIN),
        parcels=[],
        declared=Money(0, "CNY"),
        reference="A-1",
    )
    booked = await carrier.create(ctx, request)
    assert (booked.shipment_id, booked.tracking) == (shipment_id, [])
    assert await carrier.create(ctx, request) == booked
    assert await carrier.find(ctx, shipment_id) is None
    ref = ShipmentRef(shipment_id=shipment_id, provider_ref=shipment_id)
    assert (await carrier.cancel(ctx, ref)).outcome is CancelOutcome.CANCELLED
    query = TrackQuery(number="1", carrier="table-rate")
    assert await carrier.track(ctx, query) == []
    assert await carrier.subscribe(ctx, query, "https://x") is SubscribeResult.REJECTED
    with pytest.raises(ProviderRejected):
        await carrier.label(ctx, ref, "pdf")
    with pytest.raises(SignatureInvalid):
        await carrier.parse_notification(ctx, None)
