"""A fact told by an older process, or by a newer one: the one place where payloads become facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from commercekit.errors import ConfigurationError
from commercekit.kernel import DomainEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FactOfTomorrow",
    "FactTooOld",
    "check_versions",
    "decode_fact",
    "is_of_tomorrow",
    "of_tomorrow",
]

E = TypeVar("E", bound=DomainEvent)


class FactTooOld(Exception):
    """Nothing here knows how that version of the fact becomes the present one: it is parked."""


class FactOfTomorrow(Exception):
    """A newer version of the shop told it: it waits until a process of that version takes it in."""


def is_of_tomorrow(kind: type[DomainEvent], version: int) -> bool:
    """Whether this process is too old for that version of the fact."""
    return version > kind.version


def of_tomorrow(kind: type[DomainEvent], version: int) -> str:
    """What operators read of such a fact."""
    return (
        f"version {version} of {kind.type_name()} was told by a newer version of the shop; this process "
        f"knows {kind.version}, and leaves it to one that knows more"
    )


def decode_fact(kind: type[E], payload: str | bytes, version: int) -> E:
    """The fact that ``payload`` tells in that version of its shape, as the present version.

    Raises :class:`FactOfTomorrow`, :class:`FactTooOld`, and :class:`msgspec.ValidationError` when it is
    not of the shape it claims.
    """
    if version == kind.version:
        return msgspec.json.decode(payload, type=kind)
    if is_of_tomorrow(kind, version):
        raise FactOfTomorrow(of_tomorrow(kind, version))
    told: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    for number in range(version, kind.version):
        upgrade = kind.upgrades.get(number)
        if upgrade is None:
            oldest = min((each for each in kind.upgrades if each > number), default=kind.version)
            message = (
                f"{kind.type_name()} was told in version {version}, and the oldest that is understood "
                f"here is {oldest}: have it taken in by the version of the shop before this one, or "
                "discard it"
            )
            raise FactTooOld(message)
        told = upgrade(told)
    return msgspec.convert(told, kind, strict=False)


def check_versions(kinds: Iterable[type[DomainEvent]]) -> None:
    """Refuse facts that do not say how the version before becomes theirs.

    Raises :class:`~commercekit.errors.ConfigurationError`.
    """
    for kind in kinds:
        if kind.version > 1 and kind.version - 1 not in kind.upgrades:
            message = (
                f"{kind.type_name()} is of version {kind.version} and does not say how version "
                f"{kind.version - 1} becomes it; add that to its `upgrades`"
            )
            raise ConfigurationError(message)
