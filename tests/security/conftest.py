"""The shop, attacked; and its database, read by somebody who should not."""

from tests.shop import configuration, piccolo_apps, shop

__all__ = ["configuration", "piccolo_apps", "shop"]
