"""Promotions every shop needs: so much per cent off, and spend and save (满减)."""

from commercekit_promotions_standard.percentage_off import PercentageOff, PercentageOffConfig
from commercekit_promotions_standard.spend_and_save import (
    SpendAndSave,
    SpendAndSaveConfig,
    Tier,
)

__all__ = ["PercentageOff", "PercentageOffConfig", "SpendAndSave", "SpendAndSaveConfig", "Tier"]
