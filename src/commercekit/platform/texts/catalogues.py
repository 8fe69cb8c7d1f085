"""Reading ``locales/<language>/*.po`` and finding the text for a reader; the only home of babel's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from gettext import c2py
from pathlib import Path
from typing import Any, NamedTuple

from commercekit.errors import ConfigurationError

__all__ = ["MissingText", "PluginTexts"]

LANGUAGES = ("en", "zh")
"""What every plugin is asked to speak; further ones are welcome."""

Forms = tuple[str, ...]


class MissingText(NamedTuple):
    """A text that one language has and another lacks."""

    language: str
    key: str


class _Catalogue(NamedTuple):
    texts: Mapping[str, Forms]
    plural: Callable[[int], int]


class PluginTexts:
    """The texts of one plugin in all of its languages. Without folders it has none."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        """Reads them once; raises :class:`~commercekit.errors.ConfigurationError` for no catalogue."""
        self._catalogues: dict[str, _Catalogue] = {}
        for folder in folders:
            files = sorted(folder.glob("*/*.po"))
            if not files:
                message = (
                    f"There is no catalogue in {folder}; put one into en/messages.po and one into "
                    "zh/messages.po"
                )
                raise ConfigurationError(message)
            for file in files:
                self._add(file.parent.name, file)

    def __bool__(self) -> bool:
        return bool(self._catalogues)

    @property
    def missing(self) -> list[MissingText]:
        """What a language lacks that another one has; English and Chinese are asked of everybody."""
        if not self._catalogues:
            return []
        keys = {key for each in self._catalogues.values() for key in each.texts}
        languages = sorted({*LANGUAGES, *self._catalogues})
        return [
            MissingText(language, key)
            for language in languages
            for key in sorted(keys)
            if language not in self._catalogues or key not in self._catalogues[language].texts
        ]

    def text(
        self, key: str, languages: Sequence[str] = (), *, count: int | None = None, **values: Any
    ) -> str:
        """The text of ``key`` in the first of ``languages`` that has it, then English, then the key.

        ``zh-CN`` falls back to ``zh`` before the next language is tried. ``count`` chooses among
        plural forms and is a value too; values stand in braces: ``{count} gifts``.
        """
        for language in (*languages, "en"):
            tag = language
            while tag:
                found = self._catalogues.get(tag)
                if found is not None and key in found.texts:
                    forms = found.texts[key]
                    form = found.plural(count) if count is not None and len(forms) > 1 else 0
                    given = values if count is None else {"count": count, **values}
                    return forms[form].format(**given)
                tag = tag.rpartition("-")[0]
        return key

    def _add(self, language: str, file: Path) -> None:
        from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415 - only who has texts pays

        try:
            with file.open("rb") as opened:
                read = read_po(opened, locale=language.replace("-", "_"), abort_invalid=True)
        except (PoFileError, ValueError, LookupError, UnicodeError) as error:
            message = f"The catalogue {file} cannot be read: {error}"
            raise ConfigurationError(message) from None
        known = dict(self._catalogues[language].texts) if language in self._catalogues else {}
        for entry in read:
            told: Any = entry.string
            forms = tuple(told) if isinstance(told, list | tuple) else (told,)
            key = entry.id if isinstance(entry.id, str) else entry.id[0]
            # What a person has not looked at yet is not a translation.
            if key and all(forms) and not entry.fuzzy:
                known[key] = forms
        self._catalogues[language] = _Catalogue(known, c2py(read.plural_expr))
