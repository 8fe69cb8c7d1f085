"""A vendor played on this machine: its real protocol, its pages and its notifications, and no account.

A plugin's author writes a :class:`FakeVendor` once. The conformance kit commands it in memory,
``commercekit <vendor> fake`` (:func:`vendor_command`) runs it as a server, and a development shop that
names it under ``fakes`` plays it beside itself and takes its settings over.
"""

from commercekit.platform.fakes import (
    Delivery,
    FakeFolder,
    FakeVendor,
    VendorGroup,
    VendorHome,
    VendorServer,
    play,
    vendor_command,
)

__all__ = [
    "Delivery",
    "FakeFolder",
    "FakeVendor",
    "VendorGroup",
    "VendorHome",
    "VendorServer",
    "play",
    "vendor_command",
]
