"""The whole shop, beside a model of it."""

from tests.shop import configuration, piccolo_apps

__all__ = ["configuration", "piccolo_apps"]
