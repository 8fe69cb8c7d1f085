"""The section ``[plugins]`` of a shop's settings."""

from pathlib import Path
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
    lock: Annotated[
        Path | None,
        Meta(
            description="What a production shop may run: versions and hashes of files, written by "
            "`commercekit plugins pin`. Without it plugins.lock beside the settings file."
        ),
    ] = None
    safe_mode: Annotated[
        bool,
        Meta(description="Start without plugins but those in plugins.safe; as `run --safe-mode`."),
    ] = False
    safe: Annotated[
        tuple[str, ...],
        Meta(description="Names of the enabled plugins that work in safe mode, too."),
    ] = ()
    choose: Annotated[
        dict[str, str],
        Meta(description="Which plugin answers a choose_* hook that several would answer."),
    ] = field(default_factory=dict)


class NoSettings(Struct, frozen=True):
    """What a plugin without settings has: nothing may be set."""
