"""The section ``[plugins.gift-wrap]``."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Settings"]


class Settings(Struct, frozen=True, kw_only=True):
    """How the wrapping desk works."""

    low_paper: Annotated[
        int, Meta(ge=0, description="With fewer sheets of a paper than this, the log says so.")
    ] = 10
    keep: Annotated[
        timedelta, Meta(description="How long finished wraps stay on the desk's list.")
    ] = timedelta(days=30)
