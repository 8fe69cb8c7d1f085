"""The vendors that a development shop plays beside itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from commercekit.errors import ConfigurationError
from commercekit.platform.fakes import VendorGroup, play
from commercekit.platform.plugins.hookspecs import register_commands

if TYPE_CHECKING:
    from commercekit.app import ShopConfiguration

__all__ = ["fakes_played"]

_HOST = "127.0.0.1"
"""Whoever reaches a fake can pay without money: it is nobody's but this machine's."""


@contextmanager
def fakes_played(configuration: ShopConfiguration) -> Iterator[dict[str, str]]:
    """Play every vendor that the settings name, as long as the block lasts; gives their addresses.

    They live in threads of the parent process, which has nothing else to do. In safe mode those of
    absent plugins are left out. Raises :class:`~commercekit.errors.ConfigurationError` for a name that
    no plugin plays, and for a port that somebody else took meanwhile.
    """
    playable = {
        str(offered.item.name): offered.item
        for offered in configuration.plugins.collect(register_commands)
        if isinstance(offered.item, VendorGroup)
    }
    with ExitStack() as playing:
        addresses = {}
        for name in configuration.settings.fakes:
            if name not in playable:
                if configuration.settings.plugins.safe_mode:
                    continue
                known = ", ".join(sorted(playable)) or "none"
                message = f"fakes: no enabled plugin plays {name!r}; known: {known}"
                raise ConfigurationError(message)
            folder = configuration.fake(name)
            shop = configuration.settings.web.base_url
            server = play(playable[name].make, folder, host=_HOST, port=folder.port, shop=shop)
            addresses[name] = playing.enter_context(server).address
        yield addresses
