"""The contract of payment gateways, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

from tests.testing.sample_gateway import GoodContract


class TestGoodGateway(GoodContract):
    """Asked rule by rule, as a plugin's own tests would ask."""
