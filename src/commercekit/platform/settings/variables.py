"""The environment as a tree: ``COMMERCEKIT_HTTP__PORT`` is ``port`` below ``http``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PREFIX", "Variables", "variable_name"]

PREFIX: Final = "COMMERCEKIT_"


def variable_name(path: str) -> str:
    """The environment variable of a path: ``plugins.payment-x.key`` has no hyphen there."""
    return PREFIX + path.replace(".", "__").replace("-", "_").upper()


@dataclass(slots=True)
class Variables:
    """What the environment says at one place and below it."""

    name: str = ""
    text: str | None = None
    below: dict[str, Variables] = field(default_factory=dict)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Variables:
        """The tree of every variable that has our prefix."""
        root = cls()
        for name, text in environ.items():
            if not name.startswith(PREFIX) or name == PREFIX:
                continue
            place = root
            for segment in name.removeprefix(PREFIX).lower().split("__"):
                place = place.below.setdefault(segment, cls())
            place.name, place.text = name, text
        return root

    def child(self, key: str) -> Variables:
        """What is said about ``key``; empty when nothing is."""
        return self.below.get(key.lower().replace("-", "_"), _NOTHING)

    def __bool__(self) -> bool:
        return self.text is not None or bool(self.below)

    def leaves_below(self) -> Iterator[Variables]:
        """Every variable below this place, not at it."""
        for child in self.below.values():
            yield from child.leaves()

    def leaves(self) -> Iterator[Variables]:
        """Every variable at or below this place."""
        if self.text is not None:
            yield self
        yield from self.leaves_below()


_NOTHING: Final = Variables()
