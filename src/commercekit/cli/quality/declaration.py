"""``quality.toml``: what only people can judge, and what does not apply, each with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from commercekit.cli.quality.model import Tier

__all__ = ["Declaration"]

_LONG_ENOUGH: Final = 20
_TIERS: Final = {tier.word: tier for tier in Tier}


@dataclass(frozen=True)
class Declaration:
    """What a plugin says about itself, and what is wrong with how it says it."""

    promised: Tier = Tier.NONE
    done: Mapping[str, str] = field(default_factory=dict)
    exempt: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @classmethod
    def read(cls, root: Path | None, rules: frozenset[str]) -> Declaration:
        """Of the folder; a plugin that declares nothing need not have the file."""
        path = root / "quality.toml" if root is not None else None
        if path is None or not path.is_file():
            return cls()
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            return cls(faults=(f"quality.toml cannot be read: {error}",))
        return cls._of(told, rules)

    @classmethod
    def _of(cls, told: dict[str, Any], rules: frozenset[str]) -> Declaration:
        faults: list[str] = []
        done: dict[str, str] = {}
        exempt: dict[str, str] = {}
        word = told.pop("tier", "none")
        if word not in _TIERS:
            faults.append(f"tier is {word!r}; there are {', '.join(_TIERS)}")
        claims = told.pop("rules", {})
        faults += [f"quality.toml knows tier and rules, not {key}" for key in told]
        for rule, claim in claims.items() if isinstance(claims, dict) else ():
            if rule not in rules:
                faults.append(f"there is no rule {rule}")
            elif claim == "done":
                done[rule] = ""
            elif not isinstance(claim, dict) or len(claim) != 1 or set(claim) - {"done", "exempt"}:
                faults.append(f'{rule} is "done", {{ done = "where" }} or {{ exempt = "why" }}')
            else:
                ((kind, reason),) = claim.items()
                if not isinstance(reason, str) or len(reason.strip()) < _LONG_ENOUGH:
                    asked = "a reason" if kind == "exempt" else "where to see it"
                    faults.append(f"{rule} is said to be {kind} without {asked}, in a sentence")
                else:
                    (done if kind == "done" else exempt)[rule] = reason.strip()
        return cls(_TIERS.get(str(word), Tier.NONE), done, exempt, tuple(faults))
