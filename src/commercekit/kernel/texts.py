"""Texts in several languages, and which one a reader gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

__all__ = ["Translations", "parse_accept_language", "pick"]

Translations = Mapping[str, str]
"""Language tag to text: ``{"en": "Shirt", "zh": "衬衫"}``."""


def pick(texts: Translations, languages: Sequence[str]) -> str:
    """The text in the first of ``languages`` there is, then English, then any; empty if none.

    ``zh-CN`` falls back to ``zh`` before the next language is tried.
    """
    if languages and (text := texts.get(languages[0])):
        return text
    for language in (*languages, "en"):
        tag = language
        while tag:
            if texts.get(tag):
                return texts[tag]
            tag = tag.rpartition("-")[0]
    return next((text for text in texts.values() if text), "")


@lru_cache(maxsize=1024)
def parse_accept_language(header: str | None, *, limit: int = 5) -> tuple[str, ...]:
    """The languages of an ``Accept-Language`` header, best first; what does not parse is left out.

    RFC 9110, section 12.5.4. ``*`` and languages with weight zero are dropped.
    """
    weighted: list[tuple[float, int, str]] = []
    for position, part in enumerate((header or "").split(",")[:20]):
        tag, _, parameter = part.strip().partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            weight = float(value) if name == "q" else 1.0
        except ValueError:
            continue
        if tag and tag != "*" and weight > 0 and tag.replace("-", "").isalnum():
            weighted.append((-weight, position, tag))
    return tuple(tag for _, _, tag in sorted(weighted)[:limit])
