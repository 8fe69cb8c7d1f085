"""The whole shop, asked about orders."""

from tests.shop import configuration, piccolo_apps, shop

__all__ = ["configuration", "piccolo_apps", "shop"]
