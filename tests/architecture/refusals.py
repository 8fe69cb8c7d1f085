"""Rules on the errors that reach people: a slug of their own, a title in two languages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from commercekit.errors import CommerceKitError, InvalidTransition, NotFound


def all_subclasses(root: type) -> set[type]:
    """Every class below ``root`` that has been imported."""
    found: set[type] = set()
    for child in root.__subclasses__():
        found |= {child, *all_subclasses(child)}
    return found


SAYS_ENOUGH = (NotFound, InvalidTransition)
"""Kinds whose words fit all below them: a client treats every absence alike, and must."""

WORDS = ("slug", "title", "title_zh")


def incomplete(refusals: Iterable[type[CommerceKitError]]) -> Iterator[str]:
    """Refusals that borrow their words, or whose words are not in the right language."""
    for refusal in refusals:
        own = {word for word in WORDS if word in vars(refusal)}
        if issubclass(refusal, SAYS_ENOUGH):
            # It may go by the slug of its kind; a title of its own comes in both languages.
            own.add("slug")
            if own == {"slug"}:
                continue
        for attribute in WORDS:
            if attribute not in own:
                yield f"{refusal.__name__} has no {attribute} of its own"
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", refusal.slug):
            yield f"{refusal.__name__}: {refusal.slug!r} is no slug"
        if not re.search(r"[\u4e00-\u9fff]", refusal.title_zh):
            yield f"{refusal.__name__}: {refusal.title_zh!r} is not Chinese"


def ambiguous(refusals: Iterable[type[CommerceKitError]]) -> Iterator[str]:
    """Slugs that two refusals claim: a client could not tell them apart."""
    owners: dict[str, list[str]] = defaultdict(list)
    for refusal in refusals:
        if "slug" in vars(refusal):
            owners[refusal.slug].append(refusal.__name__)
    for slug, names in sorted(owners.items()):
        if len(names) > 1:
            yield f"{slug} belongs to {', '.join(sorted(names))}"
