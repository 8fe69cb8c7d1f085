"""What a provider must do, as tests that a plugin's own test suite inherits.

::

    class TestContract(CarrierContract):
        @pytest.fixture
        def carrier(self): ...

        @pytest.fixture
        def context(self): ...

Every rule has a name and a reason; a test that fails says both.
"""

from commercekit.testing.conformance.allocation_rules import ALLOCATION_STRATEGY_RULES
from commercekit.testing.conformance.allocations import AllocationStrategyContract, stock_location
from commercekit.testing.conformance.baskets import basket_line, priced_basket
from commercekit.testing.conformance.carrier_rules import CARRIER_RULES
from commercekit.testing.conformance.carriers import CarrierContract
from commercekit.testing.conformance.contract import Contract, RuleBroken
from commercekit.testing.conformance.gateways import (
    CARD_NUMBER,
    PAYMENT_GATEWAY_RULES,
    Asked,
    Fault,
    InProcessVendor,
    PaymentGatewayContract,
    PaymentVendor,
    VendorBooks,
)
from commercekit.testing.conformance.notifier_rules import NOTIFIER_RULES
from commercekit.testing.conformance.notifiers import NotifierContract
from commercekit.testing.conformance.outboxes import Delivered, Outbox, Trouble
from commercekit.testing.conformance.personal_record_rules import PERSONAL_RECORDS_RULES
from commercekit.testing.conformance.personal_records import PersonalRecordsContract
from commercekit.testing.conformance.promotion_rules import PROMOTION_RULE_RULES
from commercekit.testing.conformance.promotions import PromotionRuleContract
from commercekit.testing.conformance.refund_rule_rules import REFUND_RULE_RULES
from commercekit.testing.conformance.refunds import RefundRuleContract, refund_case, refund_line
from commercekit.testing.conformance.storage_rules import STORAGE_RULES
from commercekit.testing.conformance.storages import StorageContract
from commercekit.testing.conformance.tax_rules import TAX_PROVIDER_RULES
from commercekit.testing.conformance.taxes import TaxProviderContract
from commercekit.testing.conformance.vault_rules import KEY_VAULT_RULES
from commercekit.testing.conformance.vaults import KeyVaultContract

__all__ = [
    "ALLOCATION_STRATEGY_RULES",
    "CARD_NUMBER",
    "CARRIER_RULES",
    "KEY_VAULT_RULES",
    "NOTIFIER_RULES",
    "PAYMENT_GATEWAY_RULES",
    "PERSONAL_RECORDS_RULES",
    "PROMOTION_RULE_RULES",
    "REFUND_RULE_RULES",
    "STORAGE_RULES",
    "TAX_PROVIDER_RULES",
    "AllocationStrategyContract",
    "Asked",
    "CarrierContract",
    "Contract",
    "Delivered",
    "Fault",
    "InProcessVendor",
    "KeyVaultContract",
    "NotifierContract",
    "Outbox",
    "PaymentGatewayContract",
    "PaymentVendor",
    "PersonalRecordsContract",
    "PromotionRuleContract",
    "RefundRuleContract",
    "RuleBroken",
    "StorageContract",
    "TaxProviderContract",
    "Trouble",
    "VendorBooks",
    "basket_line",
    "priced_basket",
    "refund_case",
    "refund_line",
    "stock_location",
]
