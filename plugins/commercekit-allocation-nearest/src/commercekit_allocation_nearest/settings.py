"""What a shop may say about nearness."""

from typing import Annotated

from msgspec import Meta, Struct, field

__all__ = ["Settings"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[plugins.allocation-nearest]``."""

    neighbours: Annotated[
        dict[str, list[str]],
        Meta(
            description="Countries that a country is served from before all others, the best first: "
            '{ AT = ["DE", "CH"] }.'
        ),
    ] = field(default_factory=dict)
