"""What plugins and clients rely on is recorded; whoever changes it says so in the changelog."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from commercekit.cli.upgrades.changes import Change
from commercekit.cli.upgrades.model import PublicApi
from tests.architecture.source import ROOT


def test_the_recorded_interface_is_the_one_of_the_code():
    checked = subprocess.run(
        [sys.executable, str(ROOT / ".ci/public_api.py"), "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if checked.returncode:
        pytest.fail(
            f"{checked.stdout}{checked.stderr}\nName each in CHANGELOG.md, then run: make api",
            pytrace=False,
        )


@pytest.fixture(scope="module")
def recorder():
    spec = importlib.util.spec_from_file_location("public_api", ROOT / ".ci/public_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("commercekit.payments.PaymentGateway.refund", "`PaymentGateway.refund` has", True),
        ("commercekit.payments.PaymentGateway.refund", "`PaymentGateway.refunds` has", False),
        ("commercekit.payments.PaymentGateway.refund", "`refund` has", False),
        ("commercekit.payments.PaymentGateway", "a PaymentGateway that", True),
        ("commercekit.payments.make_charge", "now `make_charge(amount)`", True),
        ("web.processes", "`web.processes` is gone", True),
        ("web.processes", "`my.web.processes` is gone", False),
        ("GET /store/products", "`GET /store/products` takes", True),
        ("GET /store/products", "GET /store/productsets", False),
    ],
)
def test_a_difference_counts_as_told_when_its_name_stands_there(recorder, name, text, told):
    assert recorder.named(name, text) is told


def test_only_the_uppermost_part_of_the_changelog_counts(recorder):
    change = Change(what="hook", name="register_x", told="is new", breaks=False)
    newest = "# Changelog\n\n## 0.2.0\n\n- the hook `register_x`\n\n## 0.1.0\n"
    assert recorder.unnamed([change], newest) == []
    older = "# Changelog\n\n## 0.2.0\n\n## 0.1.0\n\n- the hook `register_x`\n"
    assert recorder.unnamed([change], older) == [change]
    assert recorder.unnamed([change], "") == [change]


def test_the_record_has_everything_that_one_may_rely_on():
    api = PublicApi.read(ROOT / "docs/reference/api.json")
    assert api.hooks["register_payment_gateways"].since == "0.1"
    gateway = api.doors["commercekit.payments"]["PaymentGateway"]
    assert (gateway.kind, gateway.since) == ("provider", "0.1")
    assert "refund" in gateway.abstract
    assert api.doors["commercekit.orders"]["OrderPaid"].kind == "event"
    assert "order_id" in api.doors["commercekit.orders"]["OrderPaid"].fields
    assert api.settings["web.processes"].endswith(" = 2")
    assert "body lines (required)" in api.operations["POST /store/checkout"]


def test_the_settings_of_the_record_are_those_that_a_shop_reads():
    from commercekit.app import ShopSettings
    from commercekit.platform.settings import describe_settings

    api = PublicApi.read(ROOT / "docs/reference/api.json")
    assert set(api.settings) == {each.path for each in describe_settings(ShopSettings)}
