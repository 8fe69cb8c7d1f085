"""Each conformance kit has a page in both languages that lists its rules."""

from __future__ import annotations

import re

import pytest

from commercekit.testing import conformance
from tests.docs.documents import ROOT

PAGES = {
    "test-a-carrier": "CARRIER_RULES",
    "test-a-key-vault": "KEY_VAULT_RULES",
    "test-a-notifier": "NOTIFIER_RULES",
    "test-a-promotion": "PROMOTION_RULE_RULES",
    "test-a-refund-rule": "REFUND_RULE_RULES",
    "test-a-storage": "STORAGE_RULES",
    "test-a-tax-provider": "TAX_PROVIDER_RULES",
    "test-an-allocation-strategy": "ALLOCATION_STRATEGY_RULES",
    "test-personal-records": "PERSONAL_RECORDS_RULES",
}


def listed(name: str) -> dict[str, str]:
    text = (ROOT / "docs/how-to" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", text, re.MULTILINE))


@pytest.mark.parametrize(("page", "rules"), PAGES.items())
def test_the_page_lists_the_rules_and_their_reasons(page, rules):
    assert listed(f"{page}.md") == dict(getattr(conformance, rules))


@pytest.mark.parametrize(("page", "rules"), PAGES.items())
def test_the_chinese_page_has_a_reason_in_chinese_for_each(page, rules):
    reasons = listed(f"zh/{page}.md")
    assert list(reasons) == list(getattr(conformance, rules))
    assert [reason for reason in reasons.values() if not re.search(r"[一-鿿]", reason)] == []
