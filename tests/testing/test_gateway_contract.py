"""The contract of payment gateways, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest

from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock
from commercekit.testing.conformance import PAYMENT_GATEWAY_RULES, RuleBroken, context_for
from commercekit.testing.conformance.gateways.trial import Trial
from tests.testing import broken_gateways, broken_gateways_among_others
from tests.testing.broken_gateways_among_others import Loner, LonersVendor, PlainAccount, PlainKey
from tests.testing.proving import its_tests, rules_without_a_test
from tests.testing.sample_gateway import Account, GoodContract, GoodGateway
from tests.testing.sample_vendor import API_KEY, WEBHOOK_SECRET, AcmeVendor

BROKEN = {**broken_gateways.BROKEN, **broken_gateways_among_others.BROKEN}


class TestGoodGateway(GoodContract):
    """Asked rule by rule, as a plugin's own tests would ask."""


@contextlib.asynccontextmanager
async def trial_of(kind: type[GoodGateway], contract: Any = None) -> Any:
    """A trial of a gateway of that kind, with a vendor and a clock of its own."""
    clock, gateway = ManualClock(), kind()
    vendor = (LonersVendor if kind is Loner else AcmeVendor)(clock)
    account: Any = Account(
        merchant="acme-1", api_key=Secret(API_KEY), webhook_secret=Secret(WEBHOOK_SECRET)
    )
    if kind is PlainKey:
        account = PlainAccount(
            merchant="acme-1", api_key=API_KEY, webhook_secret=Secret(WEBHOOK_SECRET)
        )
    transport = httpx.MockTransport(vendor.answer)
    async with context_for(gateway, account, clock=clock, vendor=transport) as context:
        trial = Trial(contract or GoodContract(), gateway, context, vendor, clock)
        yield trial
        await trial.end()


async def faults(kind: type[GoodGateway]) -> dict[str, str]:
    """Every rule that a gateway breaks, with the first message that said so."""
    contract, found = GoodContract(), {}
    for name, test in its_tests(contract):
        async with trial_of(kind, contract) as trial:
            try:
                await test(trial=trial)
            except RuleBroken as broken:
                found.setdefault(broken.rule, f"{name}: {broken}")
    return found


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_gateway_is_caught_by_the_rule_it_breaks(kind):
    found = await faults(kind)
    assert set(found) == set(BROKEN[kind]), found


def test_every_rule_was_broken_once():
    assert {rules[0] for rules in BROKEN.values()} == set(PAYMENT_GATEWAY_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name():
    assert rules_without_a_test(GoodContract(), PAYMENT_GATEWAY_RULES) == []
    assert all(len(reason) > 20 for reason in PAYMENT_GATEWAY_RULES.values())
