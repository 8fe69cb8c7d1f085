"""Where plugins join in when somebody asks what is known of them, or to be forgotten."""

from collections.abc import Sequence

from commercekit.identity.providers import PersonalRecords
from commercekit.platform.plugins import PluginContext, hookspec, since

__all__ = ["register_personal_records"]


@since("0.1")
@hookspec
def register_personal_records(ctx: PluginContext) -> Sequence[PersonalRecords]:
    """Say what the plugin keeps about customers, and forget it with their account.

    Called once, at start-up. All results are collected; each name is the plugin's code or begins with
    the code and a hyphen, and no two are the same. Whoever keeps personal fields in tables of its own
    fills in ``register_sealed_tables`` as well.

    :param ctx: the plugin's settings, the database, the sealer that opens its fields, and what else it
        needs; leave it out if unused.
    :returns: one for each kind of thing, such as wishes; each is asked by every export and deletion.
    """
    return ()
