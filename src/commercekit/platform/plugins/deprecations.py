"""What a plugin still uses and will have to do without, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from commercekit.platform.plugins.markers import deprecation_of

__all__ = ["of_hook", "of_provider"]


def of_hook(origin: str, hook: Callable[..., Any]) -> Iterator[str]:
    """What there is to say when the plugin ``origin`` fills ``hook``."""
    if (gone := deprecation_of(hook)) is not None:
        yield f"The {origin} fills {getattr(hook, '__name__', hook)}, which {gone}"


def of_provider(origin: str, provider: object) -> Iterator[str]:
    """What there is to say of the ABCs that a provider builds on, and of their methods that it fills."""
    kind = type(provider)
    for base in kind.__mro__[1:]:
        if (gone := deprecation_of(base)) is not None:
            yield f"The {origin} builds {kind.__name__} on {base.__name__}, which {gone}"
        for name, member in vars(base).items():
            gone = deprecation_of(member) if callable(member) else None
            if gone is not None and getattr(kind, name, None) is not member:
                yield (
                    f"The {origin} fills {base.__name__}.{name} in {kind.__name__}, which {gone}"
                )
