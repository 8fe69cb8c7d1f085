"""What kinds of plugins can be begun."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

__all__ = ["TEMPLATES", "Kind", "kinds"]

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates"
"""A folder for each kind; ``_shared`` is laid under all of them."""


class Kind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One folder of templates, as its ``kind.toml`` describes it."""

    code: str = ""
    """The name of the folder: what one writes after ``commercekit plugins new``."""
    prefix: Annotated[str, Meta(pattern="^commercekit-([a-z]+-)*$")]
    """How the names of its distributions begin."""
    summary: str
    """For the list of kinds."""
    description: str
    """Of the distribution; ``TITLE`` stands for the vendor's name."""
    description_zh: str
    keyword: str
    requires: list[str]
    """What it is made with besides the core."""
    guide: str
    """The page of ``docs/how-to`` that goes on from here, without its ending."""


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind, by its code."""
    found = {
        path.parent.name: msgspec.toml.decode(path.read_bytes(), type=Kind)
        for path in TEMPLATES.glob("*/kind.toml")
    }
    return {
        code: msgspec.structs.replace(found[code], code=code) for code in sorted(found, key=_rank)
    }


def _rank(code: str) -> tuple[bool, str]:
    """By name, with the kind that is none at the end."""
    return code == "plain", code
