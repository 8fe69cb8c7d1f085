"""A shop that plays vendors beside itself: their real protocols, pages and notifications, end to end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.server import MAIN, PATIENCE, Server, serving

pytestmark = pytest.mark.timeout(240)

SETTINGS = """
name = "Played"
fakes = ["alipay", "stripe", "wechatpay"]

[market]
currency = "CNY"
languages = ["en", "zh"]
countries = ["CN"]

[fulfilment.methods.standard]
carrier = "sandbox"
service = "standard"

[fulfilment.accounts.sandbox.default]
standard = 800

[demo]
products = "products.csv"
"""
PRODUCTS = """\
Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,Status
mug,Mug,Title,Default Title,MUG,45.00,50,active
"""
VENDORS = ["alipay", "stripe", "wechatpay"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One shop with all of them."""
    with serving(SETTINGS, PRODUCTS) as made:
        made.ensure()
        yield made


def demo(server: Server, vendor: str) -> subprocess.CompletedProcess[str]:
    """A purchase until the refund, as an operator tries it."""
    return subprocess.run(
        [*MAIN, "demo", "--pay-with", vendor],
        env=server.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_whoever_tries_the_shop_pays_by_the_vendors_page_and_gets_money_back(
    server: Server, vendor: str
) -> None:
    walked = demo(server, vendor)
    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert f"The payment page of {vendor} opens" in walked.stdout
    assert "the order is partially_refunded" in walked.stdout
    assert "Every step held" in walked.stdout


def test_whoever_starts_the_shop_is_told_where_they_are_played(server: Server) -> None:
    told = (server.folder / "output").read_text()
    for vendor in VENDORS:
        assert f"{vendor} http://127.0.0.1:" in told
    assert f"demo --pay-with {VENDORS[0]}" in told


def test_a_way_to_pay_that_is_not_offered_is_named(server: Server) -> None:
    walked = demo(server, "cowries")
    assert walked.returncode == 1
    assert "cowries is not among the ways to pay: alipay, stripe, wechatpay" in walked.stderr


def test_the_keys_of_played_accounts_are_nobodys_to_read(server: Server) -> None:
    folder = server.data / "fakes"
    files = [each for each in folder.rglob("*") if each.is_file()]
    assert {each.parent.name for each in files} == set(VENDORS)
    assert {each.stat().st_mode & 0o077 for each in files} == {0}


def test_a_shop_that_begins_again_still_has_its_played_accounts(server: Server) -> None:
    before = {
        vendor: (server.data / "fakes" / vendor / "address").read_text() for vendor in VENDORS
    }
    server.kill()
    server.start()
    for vendor, address in before.items():
        assert (server.data / "fakes" / vendor / "address").read_text() == address
        assert httpx.get(f"http://{address}/nothing-here").status_code < 500
    assert demo(server, "alipay").returncode == 0
    audit = server.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
