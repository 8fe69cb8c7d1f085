from __future__ import annotations

import pytest

from commercekit.kernel import Money, SystemClock
from commercekit.payments import (
    AmountLimits,
    Capabilities,
    Flow,
    Gateways,
    PaymentMethodUnknown,
    PaymentsSettings,
)
from commercekit.platform.providers import ProviderCaller, ProviderContexts
from tests.payments.conftest import FakeGateway


def able(**limits):
    return Capabilities(flows=frozenset({Flow.REDIRECT}), **limits)


def test_without_limits_every_amount_but_nothing_is_taken():
    assert able().takes(Money(1, "CNY"))
    assert able().takes(Money(2**53, "KWD"))
    assert not able().takes(Money(0, "CNY"))
    assert not able().takes(Money(-5, "CNY"))


@pytest.mark.parametrize(
    ("amount", "taken"),
    [
        (Money(49, "USD"), False),
        (Money(50, "USD"), True),
        (Money(999_999, "USD"), True),
        (Money(1_000_000, "USD"), False),
        (Money(12_340, "KWD"), True),
        (Money(12_345, "KWD"), False),
        (Money(100, "JPY"), True),
        (Money(101, "JPY"), False),
        (Money(100, "NOK"), False),
    ],
)
def test_limits_of_a_currency_stand_in_place_of_the_general_ones(amount, taken):
    gateway = able(
        currencies=frozenset({"USD", "KWD", "JPY"}),
        min_amount=1,
        max_amount=100,
        amounts={
            "USD": AmountLimits(least=50, most=999_999),
            "KWD": AmountLimits(step=10),
        },
    )
    assert gateway.takes(amount) is taken


def test_a_gateway_is_offered_for_what_it_takes_only():
    class Limited(FakeGateway):
        capabilities = able(amounts={"CNY": AmountLimits(least=100, most=5_000, step=10)})

    contexts = ProviderContexts(http=None, clock=SystemClock())
    offered = Gateways([Limited()], PaymentsSettings(), contexts, ProviderCaller())
    asked = (90, 100, 105, 5_000, 5_010)
    fits = {amount: bool(offered.methods("CNY", amount)) for amount in asked}
    assert fits == {90: False, 100: True, 105: False, 5_000: True, 5_010: False}
    assert offered.methods("USD", 5_010)
    with pytest.raises(PaymentMethodUnknown):
        offered.method("fake", Money(5_010, "CNY"))
