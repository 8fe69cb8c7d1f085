"""The section ``[plugins]`` of a shop's settings."""

from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["NoSettings", "PluginPolicy"]


class PluginPolicy(Struct, frozen=True, kw_only=True):
    """Which of the installed plugins work in this shop; each has a table ``[plugins.<name>]``."""

    enabled: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Names of the plugins to enable. Without it a development shop enables "
            "every installed one, a production shop none."
        ),
    ] = None
    choose: Annotated[
        dict[str, str],
        Meta(description="Which plugin answers a choose_* hook that several would answer."),
    ] = field(default_factory=dict)


class NoSettings(Struct, frozen=True):
    """What a plugin without settings has: nothing may be set."""
