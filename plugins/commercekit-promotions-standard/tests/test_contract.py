"""Both rules keep the contract of promotion rules, and answer as the recorded versions did."""

from __future__ import annotations

from pathlib import Path

import pytest

from commercekit.testing.conformance import PromotionRuleContract
from commercekit_promotions_standard import PercentageOff, SpendAndSave

REPLAYS = Path(__file__).parent / "replays"


def money(amount, currency="CNY"):
    return {"amount": amount, "currency": currency}


def tier(spend, save, currency="CNY"):
    return {"spend": money(spend, currency), "save": money(save, currency)}


class TestPercentageOff(PromotionRuleContract):
    valid_settings = (
        {"basis_points": 1000},
        {"basis_points": 1250, "per": "line"},
        {"basis_points": 10_000, "per": "line"},
        {"basis_points": 1000, "per": "line", "at_most": money(1000)},
        {"basis_points": 5000, "per": "line", "at_most": money(100)},
        {"basis_points": 3333, "minimum": money(20_000), "at_most": money(5000)},
        {"basis_points": 500, "minimum_quantity": 3},
    )
    invalid_settings = (
        ({}, "basis_points"),
        ({"basis_points": 0}, ">= 1"),
        ({"basis_points": 10_001}, "<= 10000"),
        ({"basis_points": 12.5}, "basis_points"),
        ({"basis_points": "10"}, "basis_points"),
        ({"basis_points": 1000, "per": "piece"}, "piece"),
        ({"basis_points": 1000, "minimum_quantity": 0}, "minimum_quantity"),
        ({"basis_points": 1000, "minimum": money(-1)}, "an amount must not be negative"),
        (
            {"basis_points": 1, "minimum": money(1), "at_most": money(1, "EUR")},
            "minimum and at_most must be in one currency",
        ),
    )
    replays = REPLAYS / "percentage-off.json"

    @pytest.fixture
    def rule(self):
        return PercentageOff()


class TestSpendAndSave(PromotionRuleContract):
    valid_settings = (
        {"tiers": [tier(30_000, 4_000), tier(50_000, 8_000)]},
        {"tiers": [tier(10_000, 1_000)], "every": True},
        {"tiers": [tier(10_000, 10_000)], "every": True, "times": 3},
        {"tiers": [tier(399, 1)]},
    )
    invalid_settings = (
        ({}, "tiers"),
        ({"tiers": []}, "length >= 1"),
        ({"tiers": [tier(100, 0)]}, "save must be more than nothing"),
        ({"tiers": [tier(100, 101)]}, "at most spend"),
        ({"tiers": [{"spend": money(100), "save": money(10, "EUR")}]}, "in one currency"),
        ({"tiers": [tier(100, 10), tier(200, 20, "EUR")]}, "in one currency"),
        ({"tiers": [tier(200, 20), tier(100, 10)]}, "must ask for more"),
        ({"tiers": [tier(100, 10), tier(200, 30)], "every": True}, "exactly one tier"),
        ({"tiers": [tier(100, 10)], "times": 2}, "times counts with every only"),
    )
    replays = REPLAYS / "spend-and-save.json"

    @pytest.fixture
    def rule(self):
        return SpendAndSave()
