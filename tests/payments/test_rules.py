from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from commercekit.kernel import Money, SystemClock
from commercekit.payments import (
    PAYMENT_STEPS,
    REFUND_STEPS,
    CaptureMode,
    Flow,
    Gateways,
    MethodSettings,
    PaymentsSettings,
    PaymentStatus,
)
from commercekit.payments.piccolo_app import APP_CONFIG
from commercekit.payments.rules import next_query
from commercekit.platform.db import schema_drift
from commercekit.platform.providers import ProviderCaller, ProviderContexts
from commercekit.platform.settings import Section, SettingsError
from tests.payments.conftest import FakeGateway

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_steps_of_a_payment():
    assert sorted(f"{a}>{b}" for a, b in PAYMENT_STEPS.edges()) == [
        "authorised>closed",
        "authorised>failed",
        "authorised>mismatch",
        "authorised>paid",
        "closed>mismatch",
        "closed>paid",
        "created>authorised",
        "created>closed",
        "created>failed",
        "created>mismatch",
        "created>paid",
        "created>pending",
        "failed>mismatch",
        "failed>paid",
        "pending>authorised",
        "pending>closed",
        "pending>failed",
        "pending>mismatch",
        "pending>paid",
    ]
    assert PAYMENT_STEPS.steps[PaymentStatus.PAID] == frozenset()


def test_the_steps_of_a_refund():
    assert sorted(f"{a}>{b}" for a, b in REFUND_STEPS.edges()) == [
        "failed>needs_attention",
        "failed>pending",
        "needs_attention>failed",
        "needs_attention>pending",
        "needs_attention>succeeded",
        "pending>failed",
        "pending>needs_attention",
        "pending>succeeded",
        "succeeded>failed",
    ]


def test_when_to_ask_next():
    expires = NOW + timedelta(minutes=30)

    def after(**passed):
        return next_query(NOW, expires, NOW + timedelta(**passed)) - NOW

    assert after() == timedelta(seconds=30)
    assert after(seconds=30) == timedelta(minutes=2)
    assert after(minutes=2) == timedelta(minutes=10)
    assert after(minutes=10) == timedelta(minutes=30)
    assert after(minutes=30) == timedelta(minutes=30, seconds=30)


def test_what_never_expires_is_asked_about_ever_more_rarely():
    late = NOW + timedelta(hours=2)
    gaps = [next_query(NOW, None, late, asked=asked) - late for asked in (0, 1, 4, 10, 10_000)]
    assert gaps == [
        timedelta(seconds=30),
        timedelta(minutes=1),
        timedelta(minutes=8),
        timedelta(hours=6),
        timedelta(hours=6),
    ]


def gateways(settings):
    contexts = ProviderContexts(http=httpx.AsyncClient(), clock=SystemClock())
    return Gateways([FakeGateway()], settings, contexts, ProviderCaller())


async def test_without_settings_every_gateway_that_needs_none_is_offered():
    (method,) = gateways(PaymentsSettings()).methods("CNY", 1)
    assert (method.code, method.label, method.flows) == (
        "fake",
        {"en": "Fake", "zh": "假"},
        [Flow.REDIRECT, Flow.QR],
    )


async def test_methods_are_offered_for_their_currencies_and_amounts():
    offered = gateways(
        PaymentsSettings(
            methods={
                "small": MethodSettings(gateway="fake", max_amount=100),
                "large": MethodSettings(gateway="fake", min_amount=101, flow=Flow.QR),
                "euros": MethodSettings(gateway="fake", currencies=["EUR"]),
            }
        )
    )
    assert [m.code for m in offered.methods("CNY", 100)] == ["small"]
    assert [m.code for m in offered.methods("CNY", 101)] == ["large"]
    assert [m.code for m in offered.methods("EUR", 1)] == ["small", "euros"]
    assert offered.method("large", Money(500, "CNY")).flows == [Flow.QR, Flow.REDIRECT]


async def test_everything_wrong_in_the_settings_is_told_at_once():
    with pytest.raises(SettingsError) as wrong:
        gateways(
            PaymentsSettings(
                methods={
                    "a": MethodSettings(gateway="stripe"),
                    "b": MethodSettings(gateway="fake", account="hk"),
                    "c": MethodSettings(gateway="fake", flow=Flow.APP),
                },
                accounts={
                    "alipay": {"default": Section()},
                    "fake": {"default": Section(table={"secrte": "x"})},
                },
            )
        )
    assert [problem.path for problem in wrong.value.problems] == [
        "payments.accounts.alipay",
        "secrte",  # a section that was read from a file knows its whole path
        "payments.methods.a.gateway",
        "payments.methods.b.account",
    ]


async def test_a_flow_or_capture_the_gateway_lacks_is_told():
    class Plain(FakeGateway):
        capabilities = FakeGateway.capabilities.__class__(flows=frozenset({Flow.REDIRECT}))

    contexts = ProviderContexts(http=httpx.AsyncClient(), clock=SystemClock())
    settings = PaymentsSettings(
        methods={
            "c": MethodSettings(gateway="fake", flow=Flow.APP, capture=CaptureMode.MANUAL),
        }
    )
    with pytest.raises(SettingsError) as wrong:
        Gateways([Plain()], settings, contexts, ProviderCaller())
    assert [problem.path for problem in wrong.value.problems] == [
        "payments.methods.c.flow",
        "payments.methods.c.capture",
    ]


async def test_the_tables_are_those_of_the_migrations(database):
    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, APP_CONFIG.table_classes) == []
