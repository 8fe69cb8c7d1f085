"""Tests of the whole shop, and of how its domains fit together."""

from tests.shop import ADDRESS, MUG, SHIRT, TestShop, configuration, piccolo_apps, shop

__all__ = ["ADDRESS", "MUG", "SHIRT", "TestShop", "configuration", "piccolo_apps", "shop"]
