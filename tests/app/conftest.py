"""The whole shop, asked about its catalogue."""

from tests.shop import configuration, piccolo_apps, shop

__all__ = ["configuration", "piccolo_apps", "shop"]
