"""Vendors played on this machine; plugins' authors find all this in :mod:`commercekit.testing.vendors`."""

from commercekit.cli.vendors.group import VendorGroup, vendor_command
from commercekit.cli.vendors.home import VendorHome
from commercekit.cli.vendors.server import VendorServer
from commercekit.cli.vendors.vendor import Delivery, FakeVendor

__all__ = [
    "Delivery",
    "FakeVendor",
    "VendorGroup",
    "VendorHome",
    "VendorServer",
    "vendor_command",
]
