"""Where plugins bring places for files in."""

from collections.abc import Sequence

from commercekit.platform.plugins import PluginContext, hookspec, since
from commercekit.platform.storage.storage import Storage

__all__ = ["register_media_storages"]


@since("0.1")
@hookspec
def register_media_storages(ctx: PluginContext) -> Sequence[Storage]:
    """Offer places where uploaded pictures lie, of which ``[media] storage`` names the one that counts.

    Called once, at start-up. All results are collected and their order carries no meaning; two places
    with one ``code`` stop the start with ``DuplicateProvider``. Changing the place of a shop that has
    pictures moves none of them: copy them first, names and all.

    :param ctx: the plugin's settings and what else it needs; leave it out if unused.
    :returns: ready places; an empty sequence if the plugin is switched off.
    """
    return ()
