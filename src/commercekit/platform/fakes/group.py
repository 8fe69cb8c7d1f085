"""A vendor's commands, as its plugin brings them."""

from __future__ import annotations

from collections.abc import Callable

import click

from commercekit.platform.fakes.home import VendorHome
from commercekit.platform.fakes.vendor import FakeVendor

__all__ = ["VendorGroup", "vendor_command"]


class VendorGroup(click.Group):
    """Commands around one vendor; the command line adds ``fake``, which plays it."""

    make: Callable[[VendorHome], FakeVendor]
    """Makes the fake; called once for each time it is played."""


def vendor_command(name: str, make: Callable[[VendorHome], FakeVendor]) -> VendorGroup:
    """Commands named ``name``, of which ``fake`` plays the vendor that ``make`` gives.

    For a plugin's ``register_commands``. Commands of your own are added with ``add_command``. Keep what
    ``make`` needs out of the plugin's imports: commands are made at every start, and ``make`` is called
    when somebody plays.
    """
    group = VendorGroup(name=name, help=f"What a developer needs around {name}.")
    group.make = make
    return group
