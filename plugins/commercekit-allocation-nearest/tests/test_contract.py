"""Nearness keeps the contract of allocation strategies, with and without neighbours."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import AllocationStrategyContract
from commercekit_allocation_nearest.strategy import Nearest


class TestNearest(AllocationStrategyContract):
    @pytest.fixture
    def strategy(self):
        return Nearest()


class TestNeighbours(AllocationStrategyContract):
    @pytest.fixture
    def strategy(self):
        return Nearest({"CN": ["AT", "DE"], "AT": ["DE"]})
