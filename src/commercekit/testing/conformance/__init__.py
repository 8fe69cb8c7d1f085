"""What a provider must do, as tests that a plugin's own test suite inherits.

::

    class TestContract(CarrierContract):
        @pytest.fixture
        def carrier(self): ...

        @pytest.fixture
        def context(self): ...

Every rule has a name and a reason; a test that fails says both.
"""

from commercekit.testing.conformance.carrier_rules import CARRIER_RULES
from commercekit.testing.conformance.carriers import CarrierContract

__all__ = ["CARRIER_RULES", "CarrierContract"]
