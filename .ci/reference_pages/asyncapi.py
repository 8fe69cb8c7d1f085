"""``docs/reference/asyncapi.json``: what the core's facts look like, and what was recorded before."""

from __future__ import annotations

import importlib
import json
from typing import Any

from reference_pages.reading import ROOT, module_names

RECORD = ROOT / "docs/reference/asyncapi.json"


def asyncapi() -> str:
    """The document as text."""
    return json.dumps(_document(), indent=1, ensure_ascii=False) + "\n"


def refused() -> list[str]:
    """Facts that changed more than their version allows, compared with what is recorded."""
    from commercekit.platform.bus import refused_changes

    if not RECORD.exists():
        return []
    return refused_changes(json.loads(RECORD.read_text(encoding="utf-8")), _document())


def without_words(text: str) -> str:
    """The document without what only explains."""

    def bare(value: Any) -> Any:
        if isinstance(value, list):
            return [bare(each) for each in value]
        if not isinstance(value, dict):
            return value
        words = {"title", "summary", "description"}
        return {key: bare(each) for key, each in value.items() if key not in words}

    return json.dumps(bare(json.loads(text)))


def _document() -> dict[str, Any]:
    import commercekit
    from commercekit.platform.bus import BusSettings, asyncapi, published_facts

    for name in module_names("events"):
        importlib.import_module(name)
    return asyncapi(
        published_facts(["commercekit"]),
        title="Facts of CommerceKit",
        version=commercekit.__version__,
        exchange=f"{BusSettings().prefix}.facts",
    )
