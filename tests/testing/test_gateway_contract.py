"""The contract of payment gateways, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from commercekit.platform.settings import Secret
from commercekit.testing import ManualClock, provider_context
from commercekit.testing.conformance import PAYMENT_GATEWAY_RULES, RuleBroken
from commercekit.testing.conformance.gateways.trial import Trial
from tests.testing import broken_gateways, broken_gateways_among_others
from tests.testing.broken_gateways_among_others import Loner, LonersVendor, PlainAccount, PlainKey
from tests.testing.proving import its_tests, rules_without_a_test
from tests.testing.sample_gateway import Account, GoodContract, GoodGateway
from tests.testing.sample_vendor import API_KEY, WEBHOOK_SECRET, AcmeVendor

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
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
    async with httpx.AsyncClient(transport=transport) as http:
        context = provider_context(gateway, account, http=http, clock=clock)
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


def test_the_how_to_lists_every_rule_in_two_languages():
    count = len(PAYMENT_GATEWAY_RULES)
    english = (ROOT / "docs/how-to/test-a-gateway.md").read_text(encoding="utf-8")
    chinese = (ROOT / "docs/how-to/zh/test-a-gateway.md").read_text(encoding="utf-8")
    assert f": {count}\nrules, each" in english
    assert f"共 {count} 条规则" in chinese
    row = re.compile(r"^\| `([a-z-]+)` \| (.+) \|$", re.MULTILINE)
    assert dict(row.findall(english.partition("## The rules")[2])) == dict(PAYMENT_GATEWAY_RULES)
    translated = row.findall(chinese.partition("## 规则")[2])
    assert [name for name, _ in translated] == list(PAYMENT_GATEWAY_RULES)


# ------------------------------------------------------------------ what an author sees of it

AUTHORS_TESTS = """
    import pytest
    from tests.testing.broken_gateways import FallsOver, Nameless
    from tests.testing.sample_gateway import GoodContract

    class TestNameless(GoodContract):
        @pytest.fixture
        def gateway(self):
            return Nameless()

    class TestFallsOver(GoodContract):
        @pytest.fixture
        def gateway(self):
            return FallsOver()
"""


AUTHORS_SETTINGS = """
    [pytest]
    asyncio_mode = auto
    asyncio_default_fixture_loop_scope = function
"""


def test_an_author_reads_rule_reason_and_what_was_seen(pytester, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    pytester.makepyfile(test_acme=AUTHORS_TESTS)
    pytester.makeini(AUTHORS_SETTINGS)
    chosen = "declares_itself or not_declared or given_up or fails_in_our_words"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", chosen)
    result.assert_outcomes(passed=8, failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "*RuleBroken: declares-itself: the core finds a gateway by its code and decodes its "
            "settings itself; but: code is 'Acme Pay'",
            "*RuleBroken: says-what-it-cannot: what is not declared is refused in words, not by "
            "falling over; but: void: NotImplementedError()",
        ]
    )


def test_what_was_not_asked_is_told_at_the_end_with_the_reason(pytester, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    pytester.makepyfile(test_acme=AUTHORS_TESTS)
    pytester.makeini(AUTHORS_SETTINGS)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "FallsOver and given_up")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*rules of conformance that were not asked*",
            "test_acme.py::TestFallsOver: 0 rules kept, 2 not asked",
            "  capabilities.void is not declared: captures-nothing-voided, voids-what-is-held",
        ]
    )


async def test_a_mistake_in_the_vendors_fake_is_not_blamed_on_the_gateway():
    class Clumsy(AcmeVendor):
        async def answer(self, request):
            raise KeyError("oops")

    gateway, clock = GoodGateway(), ManualClock()
    transport = httpx.MockTransport(Clumsy(clock).answer)
    account = Account(merchant="m", api_key=Secret(API_KEY), webhook_secret=Secret(WEBHOOK_SECRET))
    async with httpx.AsyncClient(transport=transport) as http:
        context = provider_context(gateway, account, http=http, clock=clock)
        trial = Trial(GoodContract(), gateway, context, Clumsy(clock), clock)
        with pytest.raises(TypeError, match="the vendor's fake raised this, not the gateway"):
            await trial.asked()
        await trial.end()
