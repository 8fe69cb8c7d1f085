from __future__ import annotations

from types import SimpleNamespace

import pytest

from commercekit.kernel import Money
from commercekit.orders import OrderService
from commercekit.orders.models import OrdersSettings


@pytest.mark.parametrize(
    ("amount", "asks"),
    [
        (Money(50_000, "CNY"), False),
        (Money(50_001, "CNY"), True),
        (Money(1, "EUR"), True),
        (Money(0, "EUR"), True),
    ],
)
def test_refund_above_the_shops_limit_asks_for_a_fresh_factor(amount, asks):
    settings = OrdersSettings(refund_without_step_up={"CNY": 50_000})
    service = SimpleNamespace(_settings=settings)
    assert OrderService.asks_step_up(service, amount) is asks
