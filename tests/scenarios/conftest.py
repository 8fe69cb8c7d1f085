"""The whole shop, asked as the peers' own tests ask theirs."""

from tests.shop import configuration, piccolo_apps, shop

__all__ = ["configuration", "piccolo_apps", "shop"]
