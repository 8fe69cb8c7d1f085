"""In which language the command line speaks to people."""

from __future__ import annotations

import os
from typing import Final

import rich_click as click

__all__ = ["LANGUAGES", "lang_option", "preferred_language"]

LANGUAGES: Final = ("en", "zh")


def preferred_language() -> str:
    """Chinese for whoever's environment says so, else English."""
    spoken = next(
        (os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), ""
    )
    return "zh" if spoken.lower().startswith("zh") else "en"


lang_option = click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default=preferred_language,
    help="Language of what is told; else that of your terminal.",
)
