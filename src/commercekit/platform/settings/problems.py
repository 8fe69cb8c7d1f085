"""What is wrong with the settings, told all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SettingProblem", "SettingsError"]


class SettingProblem(NamedTuple):
    """One wrong setting."""

    path: str
    """Where, such as ``http.port``."""
    problem: str
    """What is wrong with the value, without the value when it is secret."""
    expected: str = ""
    """The type in plain words, such as ``a whole number from 1 to 65535``."""
    variable: str = ""
    """The environment variable that sets it."""
    suggestion: str = ""
    """The key that was probably meant."""

    def __str__(self) -> str:
        sentence = f"{self.path}: {self.problem}"
        if self.expected:
            sentence += f"; expected {self.expected}"
        if self.suggestion:
            sentence += f"; did you mean {self.suggestion}?"
        if self.variable:
            sentence += f" [{self.variable}]"
        return sentence


class SettingsError(ConfigurationError):
    """The settings are wrong; carries every problem, not the first."""

    slug = "settings"
    title = "Wrong settings"
    title_zh = "设置有误"

    def __init__(self, problems: Sequence[SettingProblem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 setting is wrong" if count == 1 else f"{count} settings are wrong"
        super().__init__("\n  ".join([f"{head}:", *map(str, self.problems)]))
