"""Vendors played on this machine, and what a development shop takes over from them.

Authors of plugins find this in :mod:`commercekit.testing.vendors`.
"""

from commercekit.platform.fakes.folder import FakeFolder, settings_of_fakes
from commercekit.platform.fakes.group import VendorGroup, vendor_command
from commercekit.platform.fakes.home import VendorHome
from commercekit.platform.fakes.server import VendorServer, play
from commercekit.platform.fakes.vendor import Delivery, FakeVendor

__all__ = [
    "Delivery",
    "FakeFolder",
    "FakeVendor",
    "VendorGroup",
    "VendorHome",
    "VendorServer",
    "play",
    "settings_of_fakes",
    "vendor_command",
]
