"""Where plugins bring ways of choosing the location that serves an order."""

from commercekit.inventory.providers import AllocationStrategy
from commercekit.platform.plugins import PluginContext, hookspec, since

__all__ = ["choose_allocation_strategy"]


@since("0.1")
@hookspec
def choose_allocation_strategy(code: str, ctx: PluginContext) -> AllocationStrategy | None:
    """Answer with the strategy that the settings name, if it is yours.

    Called once, at start-up, and only when ``[inventory] strategy`` is none of the core's. Two plugins
    that answer stop the start unless ``plugins.choose`` names one; none that answers stops it too.

    :param code: what ``[inventory] strategy`` says.
    :param ctx: the plugin's settings, and what else it needs; leave it out if unused.
    :returns: the strategy, or ``None`` for a code that is not yours.
    """
    return None
