"""Walks the types of the settings and collects every problem instead of stopping at the first."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, Union, get_args, get_origin

import msgspec

from commercekit.platform.settings.fields import (
    SettingField,
    is_struct,
    item_type,
    mapping_type,
    mentions,
    settings_fields,
    split,
    words,
)
from commercekit.platform.settings.problems import SettingProblem, SettingsError
from commercekit.platform.settings.scalars import NotThis, check, scalar, shown
from commercekit.platform.settings.secret import Secret
from commercekit.platform.settings.variables import Variables, variable_name

__all__ = ["ABSENT", "Place", "Reader", "Section"]

ABSENT: Final = object()
"""The file says nothing here."""
_WRONG: Final = object()
"""Stands for a value that could not be read: its problem is recorded."""
_PLUGINS: Final = "plugins"

S = TypeVar("S", bound=msgspec.Struct)
Sections = Mapping[str, type[msgspec.Struct] | None]


def _closest(key: str, choices: Iterable[str]) -> str:
    found = difflib.get_close_matches(key, list(choices), n=1, cutoff=0.6)
    return found[0] if found else ""


def _spelt(key: str) -> str:
    """A key as a variable spells it, in lower case: ``payment-x`` is ``payment_x`` there."""
    return key.lower().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Place:
    """One spot in the tree and what was said about it: by the file and, above it, a variable."""

    path: str = ""
    given: Any = ABSENT
    variables: Variables = field(default_factory=Variables)

    def join(self, key: str) -> str:
        """The path of ``key`` below here."""
        return f"{self.path}.{key}" if self.path else key

    def below(self, key: str, table: Mapping[str, Any]) -> Place:
        """The spot of ``key`` in ``table``, which is what the file says here."""
        return Place(self.join(key), table.get(key, ABSENT), self.variables.child(key))

    @property
    def silent(self) -> bool:
        """Whether nothing is said here."""
        return self.given is ABSENT and not self.variables

    @property
    def said(self) -> Any:
        """What counts: the variable's text, else the file's value."""
        return self.given if self.variables.text is None else self.variables.text


class Reader:
    """Reads one tree; afterwards :attr:`problems` holds everything that was wrong with it."""

    def __init__(self, *, base: Path, sections: Sections | None = None) -> None:
        self._base = base
        self._sections = sections
        self.problems: list[SettingProblem] = []
        self.origins: dict[str, str] = {}
        """Path of each value that was given: ``file`` or the variable's name."""
        self.read_sections: dict[str, msgspec.Struct] = {}

    def raise_problems(self) -> None:
        """Say everything that was wrong, if anything was."""
        if self.problems:
            raise SettingsError(self.problems)

    def read(self, kind: Any, place: Place, default: Any = None) -> Any:
        """The value of ``kind`` at ``place``; tables fill their gaps from ``default``."""
        bare, _, optional = split(kind)
        if optional and place.variables.text == "":
            return None
        if is_struct(bare):
            return self._struct(bare, place, default)
        if bare is Section:
            table = self._table(kind, place)
            return _WRONG if table is None else Section(place, table, base=self._base)
        if (value_type := mapping_type(bare)) is not None:
            return self._mapping(kind, value_type, place)
        if place.variables.below:
            names = ", ".join(leaf.name for leaf in place.variables.leaves_below())
            return self._wrong(place, f"is one value, and {names} sets something below it", kind)
        return self._value(kind, bare, place)

    def _value(self, kind: Any, bare: Any, place: Place) -> Any:
        if bare is Secret:
            return self._secret(kind, place)
        if get_origin(bare) in {Union, types.UnionType}:
            return self._either(kind, bare, place)
        if item_type(bare) is not None:
            return self._items(kind, place)
        return self._scalar(kind, bare, place)

    # -- tables ---------------------------------------------------------------------------------

    def _struct(self, kind: type[msgspec.Struct], place: Place, default: Any) -> Any:
        table = self._table(kind, place)
        if table is None:
            return _WRONG
        values: dict[str, Any] = {}
        for each in settings_fields(kind):
            preset = getattr(default, each.name) if isinstance(default, kind) else each.default
            values[each.name] = self._field(each, self._at(each, place, table), preset)
        self._refuse_unknown(kind, place, table)
        if any(value is _WRONG for value in values.values()):
            return _WRONG
        try:
            return kind(**values)
        except (ValueError, TypeError) as refusal:  # what the Struct's __post_init__ says
            return self._wrong(Place(place.path or "settings"), str(refusal))

    def _at(self, each: SettingField, place: Place, table: Mapping[str, Any]) -> Place:
        """Where a field is said: for a secret also by ``…_FILE``, which names a file."""
        at = place.below(each.name, table)
        named = place.variables.child(f"{each.name}_file")
        if not mentions(each.type, Secret) or named.text is None or at.variables:
            return at
        self.origins[at.path] = named.name
        return Place(at.path, {"file": named.text})

    def _field(self, each: SettingField, at: Place, preset: Any) -> Any:
        bare, _, optional = split(each.type)
        if at.silent and (optional or not is_struct(bare)):
            if preset is not msgspec.NODEFAULT:
                return preset
            return self._wrong(at, "is missing", each.type)
        return self.read(each.type, at, preset)

    def _refuse_unknown(
        self, kind: type[msgspec.Struct], place: Place, table: Mapping[str, Any]
    ) -> None:
        fields = settings_fields(kind)
        known = {each.name for each in fields}
        variables = known | {f"{f.name}_file" for f in fields if mentions(f.type, Secret)}
        if place.path == _PLUGINS:
            if self._sections is None:
                return
            self._plugin_sections(self._sections, place, table)
            known |= set(self._sections)
            variables |= set(self._sections)
        for key in table:
            if key not in known:
                self._unknown_key(place, key, _closest(key, known))
        by_spelling = {_spelt(name): name for name in variables}
        for segment in place.variables.below:
            if segment not in by_spelling:
                self._unknown_variables(place, segment, _closest(segment, by_spelling))

    def _unknown_key(self, place: Place, key: str, meant: str) -> None:
        table = f"[{place.path}]" if place.path else "the settings"
        suggestion = place.join(meant) if meant else ""
        self._wrong(Place(place.join(key)), f"is not a key of {table}", suggestion=suggestion)

    def _unknown_variables(self, place: Place, segment: str, meant: str) -> None:
        unknown = place.variables.below[segment]
        if not place.path and not unknown.below and not meant:
            return  # COMMERCEKIT_CONFIG and the like: variables, but no settings
        suggestion = variable_name(place.join(meant)) if meant else ""
        for leaf in unknown.leaves():
            self._wrong(
                Place(place.join(segment)), f"{leaf.name} sets nothing", suggestion=suggestion
            )

    def _plugin_sections(self, sections: Sections, place: Place, table: Mapping[str, Any]) -> None:
        for name, kind in sections.items():
            if kind is None:
                continue  # installed and not enabled: its section waits unread
            value = self.read(kind, place.below(name, table))
            if value is not _WRONG:
                self.read_sections[name] = value

    def _mapping(self, kind: Any, value_type: Any, place: Place) -> Any:
        table = self._table(kind, place)
        if table is None:
            return _WRONG
        spelt = {_spelt(key) for key in table}
        keys = [*table, *(name for name in place.variables.below if name not in spelt)]
        values = {key: self.read(value_type, place.below(key, table)) for key in keys}
        return _WRONG if any(value is _WRONG for value in values.values()) else values

    def _table(self, kind: Any, place: Place) -> Mapping[str, Any] | None:
        said = place.said
        if place.variables.text is not None:
            try:
                said = msgspec.json.decode(place.variables.text)
            except msgspec.DecodeError:
                said = place.variables.text
        if said is ABSENT:
            return {}
        if isinstance(said, Mapping):
            return said
        self._wrong(place, "is no table", kind)
        return None

    # -- values ---------------------------------------------------------------------------------

    def _items(self, kind: Any, place: Place) -> Any:
        bare, metas, _ = split(kind)
        item = item_type(bare)
        name, text = place.variables.name, place.variables.text
        given = place.given if text is None else _texts(text)
        if not isinstance(given, list | tuple):
            return self._wrong(place, f"is {shown(place.path, given)}", kind)
        values = []
        for index, element in enumerate(given):
            at = Place(f"{place.path}[{index}]", element)
            if text is not None and isinstance(element, str):
                at = Place(at.path, variables=Variables(name, element))
            values.append(self.read(item, at))
        if any(value is _WRONG for value in values):
            return _WRONG
        self._remember(place)
        collection = get_origin(bare) or bare
        made = collection(values) if collection in {list, set, frozenset} else tuple(values)
        if not all(check(made, meta) for meta in metas):
            return self._wrong(place, f"is {shown(place.path, given)}", kind)
        return made

    def _secret(self, kind: Any, place: Place) -> Any:
        said = place.said
        if isinstance(said, str):
            self._remember(place)
            return Secret(said)
        if isinstance(said, Mapping) and set(said) == {"file"} and isinstance(said["file"], str):
            return self._secret_file(kind, said["file"], place)
        return self._wrong(place, "is neither text nor a file", kind)

    def _secret_file(self, kind: Any, name: str, place: Place) -> Any:
        file = self._base / Path(name).expanduser()
        try:
            text = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as refusal:
            reason = getattr(refusal, "strerror", None) or "it is no UTF-8 text"
            return self._wrong(place, f"cannot be read from the file {file}: {reason}", kind)
        if not text:
            return self._wrong(place, f"is empty in the file {file}", kind)
        self.origins.setdefault(place.path, f"the file {name}")
        return Secret(text)

    def _either(self, kind: Any, bare: Any, place: Place) -> Any:
        for member in get_args(bare):
            trial = Reader(base=self._base)
            value = trial.read(member, place)
            if not trial.problems:
                self.origins |= trial.origins
                return value
        return self._wrong(place, f"is {shown(place.path, place.said)}", kind)

    def _scalar(self, kind: Any, bare: Any, place: Place) -> Any:
        said = place.said
        problem = f"is {shown(place.path, said)}"
        from_text = place.variables.text is not None
        try:
            value = scalar(bare, said, from_text=from_text, base=self._base)
        except NotThis as refusal:
            meant = _closest(said, refusal.choices) if isinstance(said, str) else ""
            return self._wrong(place, problem, kind, suggestion=meant)
        if not all(check(value, meta) for meta in split(kind)[1]):
            return self._wrong(place, problem, kind)
        self._remember(place)
        return value

    def _remember(self, place: Place) -> None:
        from_text = place.variables.text is not None
        self.origins.setdefault(place.path, place.variables.name if from_text else "file")

    def _wrong(self, place: Place, problem: str, kind: Any = None, *, suggestion: str = "") -> Any:
        plain = place.path.partition("[")[0]  # a list is set by one variable, not one per element
        known = kind is not None
        self.problems.append(
            SettingProblem(
                place.path,
                problem,
                expected=words(kind) if known else "",
                variable=variable_name(plain) if known else "",
                suggestion=suggestion,
            )
        )
        return _WRONG


class Section:
    """A table kept unread until whoever knows its type asks, such as a merchant account's config.

    Never shows its values: what is secret in it is only known once the type is.
    """

    in_plain_words: ClassVar[str] = "a table"
    __slots__ = ("_base", "_place")

    def __init__(
        self,
        place: Place | None = None,
        table: Mapping[str, Any] | None = None,
        *,
        base: Path | None = None,
    ) -> None:
        place = place or Place()
        below = Variables(below=place.variables.below)
        self._place = Place(place.path, dict(table or {}), below)
        self._base = base or Path()

    def read(self, kind: type[S]) -> S:
        """The table as ``kind``; raises ``SettingsError`` with every problem and its full path."""
        reader = Reader(base=self._base)
        value: S = reader.read(kind, self._place)
        reader.raise_problems()
        return value

    def __repr__(self) -> str:
        return f"Section({self._place.path or '?'}, not shown)"


def _texts(text: str) -> list[Any] | str:
    """A list in the environment: JSON, or parts between commas."""
    if text.lstrip().startswith("["):
        try:
            decoded = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
        return decoded if isinstance(decoded, list) else text
    return [part.strip() for part in text.split(",") if part.strip()]
