"""What staff may set, and what they read about it."""

from __future__ import annotations

import msgspec
import pytest

from commercekit_promotions_standard import (
    PercentageOff,
    PercentageOffConfig,
    SpendAndSave,
    SpendAndSaveConfig,
)
from commercekit_promotions_standard.plugin import register_promotion_rules

MONEY = '{"amount": %d, "currency": "%s"}'


def tier(spend, save, currency="CNY", other=None):
    return f'{{"spend": {MONEY % (spend, currency)}, "save": {MONEY % (save, other or currency)}}}'


@pytest.mark.parametrize(
    "config",
    [
        "{}",
        '{"basis_points": 0}',
        '{"basis_points": 10001}',
        '{"basis_points": 12.5}',
        '{"basis_points": "10"}',
        '{"basis_points": 1000, "per": "piece"}',
        '{"basis_points": 1000, "minimum_quantity": 0}',
        '{"basis_points": 1000, "colour": "red"}',
        f'{{"basis_points": 1000, "minimum": {MONEY % (-1, "CNY")}}}',
        f'{{"basis_points": 1, "minimum": {MONEY % (1, "CNY")}, "at_most": {MONEY % (1, "EUR")}}}',
    ],
)
def test_percentage_off_refuses_settings_that_make_no_sense(config):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(config, type=PercentageOffConfig)


@pytest.mark.parametrize(
    "config",
    [
        '{"tiers": []}',
        f'{{"tiers": [{tier(100, 0)}]}}',
        f'{{"tiers": [{tier(100, -5)}]}}',
        f'{{"tiers": [{tier(100, 101)}]}}',
        f'{{"tiers": [{tier(100, 10, "CNY", "EUR")}]}}',
        f'{{"tiers": [{tier(100, 10)}, {tier(200, 20, "EUR")}]}}',
        f'{{"tiers": [{tier(200, 20)}, {tier(100, 10)}]}}',
        f'{{"tiers": [{tier(100, 20)}, {tier(200, 20)}]}}',
        f'{{"tiers": [{tier(100, 10)}, {tier(200, 30)}], "every": true}}',
        f'{{"tiers": [{tier(100, 10)}], "times": 2}}',
        f'{{"tiers": [{tier(100, 10)}], "every": true, "times": 0}}',
    ],
)
def test_spend_and_save_refuses_settings_that_make_no_sense(config):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(config, type=SpendAndSaveConfig)


@pytest.mark.parametrize(
    ("config", "english", "chinese"),
    [
        ('{"basis_points": 1000}', "10 % off", "立减 10%"),
        ('{"basis_points": 1250}', "12.5 % off", "立减 12.5%"),
        ('{"basis_points": 5}', "0.05 % off", "立减 0.05%"),
        (
            f'{{"basis_points": 1000, "minimum": {MONEY % (20000, "CNY")}}}',
            "10 % off from 200.00 CNY",
            "满 200.00 CNY 立减 10%",
        ),
    ],
)
def test_percentage_off_describes_itself(config, english, chinese):
    decoded = msgspec.json.decode(config, type=PercentageOffConfig)
    assert PercentageOff().describe(decoded) == {"en": english, "zh": chinese}


def test_spend_and_save_describes_itself():
    config = f'{{"tiers": [{tier(30000, 4000)}, {tier(50000, 8000)}]}}'
    decoded = msgspec.json.decode(config, type=SpendAndSaveConfig)
    assert SpendAndSave().describe(decoded) == {
        "en": "Spend 300.00 CNY, save 40.00 CNY; Spend 500.00 CNY, save 80.00 CNY",
        "zh": "满 300.00 CNY 减 40.00 CNY；满 500.00 CNY 减 80.00 CNY",
    }
    config = f'{{"tiers": [{tier(10000, 1000)}], "every": true}}'
    decoded = msgspec.json.decode(config, type=SpendAndSaveConfig)
    assert SpendAndSave().describe(decoded) == {
        "en": "Every 100.00 CNY, save 10.00 CNY",
        "zh": "每满 100.00 CNY 减 10.00 CNY",
    }


def test_the_plugin_brings_both_rules():
    assert [rule.code for rule in register_promotion_rules()] == [
        "percentage-off",
        "spend-and-save",
    ]
