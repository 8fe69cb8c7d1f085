"""Where plugins bring vaults for master keys."""

from collections.abc import Sequence

from commercekit.platform.plugins import PluginContext, hookspec, since
from commercekit.platform.security.vaults import KeyVault

__all__ = ["register_key_vaults"]


@since("0.1")
@hookspec
def register_key_vaults(ctx: PluginContext) -> Sequence[KeyVault]:
    """Offer vaults, such as a key management service, of which ``[security] vault`` names the one in use.

    Called once, at start-up, before the database opens: ``ctx.sealer`` opens nothing yet, because it is
    this vault that unwraps its keys. All results are collected; two vaults with one ``code`` stop the
    start with ``DuplicateProvider``.

    :param ctx: the plugin's settings, the client for outside addresses, and what else it needs.
    :returns: ready vaults; an empty sequence if the plugin is switched off.
    """
    return ()
