from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.kernel import Money
from commercekit.platform.providers import ProviderRejected
from commercekit_payment_stripe.form import encode
from commercekit_payment_stripe.gateway import StripeGateway
from commercekit_payment_stripe.money import CURRENCIES, LIMITS, from_units, to_units


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        (19_99, "USD", 1999),
        (1_500, "JPY", 1500),  # never times a hundred
        (5_120, "KWD", 5120),
        (500, "ISK", 50_000),  # no decimals any more, and still counted in hundredths
        (500, "UGX", 50_000),
        (12_300, "MGA", 123),  # two decimals on paper, whole units at the vendor
        (175_00, "HUF", 17_500),
        (100_00, "TWD", 10_000),
    ],
)
def test_amounts_go_there_and_come_back_as_they_were(amount, currency, units):
    assert to_units(Money(amount, currency)) == units
    assert from_units(units, currency.lower()) == Money(amount, currency)


@pytest.mark.parametrize(("amount", "currency"), [(5_124, "KWD"), (12_345, "MGA"), (1, "BHD")])
def test_what_cannot_be_counted_is_refused_and_not_rounded(amount, currency):
    assert not StripeGateway.capabilities.takes(Money(amount, currency))
    with pytest.raises(ProviderRejected) as refused:
        to_units(Money(amount, currency))
    assert refused.value.code == "amount-not-countable"


def test_a_fraction_of_the_smallest_unit_is_no_amount_of_ours():
    with pytest.raises(ValueError, match="fraction"):
        from_units(50, "isk")


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(0, 10**11))
def test_every_amount_is_counted_exactly_or_refused(currency, amount):
    money = Money(amount, currency)
    try:
        units = to_units(money)
    except ProviderRejected:
        assert amount % LIMITS[currency].step
    else:
        assert from_units(units, currency) == money


@pytest.mark.parametrize(
    ("amount", "currency", "offered"),
    [
        (50, "USD", True),
        (49, "USD", False),
        (999_999_99, "USD", True),
        (1_000_000_00, "USD", False),
        (50, "JPY", True),
        (49, "JPY", False),
        (1, "CNY", True),
        (100, "IRR", False),
        (100, "KPW", False),
    ],
)
def test_what_the_vendor_would_refuse_is_not_offered(amount, currency, offered):
    assert StripeGateway.capabilities.takes(Money(amount, currency)) is offered


def test_forms_are_nested_by_brackets():
    form = {"a": {"b": [{"c": 1}, {"c": "é &"}]}, "on": True, "off": False, "none": None, "no": []}
    assert (
        encode(form)
        == "a%5Bb%5D%5B0%5D%5Bc%5D=1&a%5Bb%5D%5B1%5D%5Bc%5D=%C3%A9%20%26&on=true&off=false"
    )
