"""Each of the rules keeps the contract of refund rules."""

from __future__ import annotations

import pytest

from commercekit.orders import ReasonCode
from commercekit.testing.conformance import RefundRuleContract
from commercekit_refund_rules_standard import Settings
from commercekit_refund_rules_standard.rules import ALL

ON = Settings(
    reject_after_days=14,
    person_reasons=[ReasonCode.DEFECTIVE],
    most_claims=2,
    claims_within_days=30,
    approve_up_to={"CNY": 50_000},
    approve_unshipped=True,
    approve_small={"CNY": 1_000},
    approve_returns_within_days=7,
)


class TestContract(RefundRuleContract):
    @pytest.fixture(params=ALL, ids=lambda kind: kind.code)
    def rule(self, request):
        return request.param(ON)
