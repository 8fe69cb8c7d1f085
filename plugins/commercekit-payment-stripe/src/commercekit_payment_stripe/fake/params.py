"""Reading a request's form as strictly as the vendor does: nested names, types, nothing unknown."""

from __future__ import annotations

import re
from typing import Any, Final, Self
from urllib.parse import parse_qsl

__all__ = ["Params", "Refused"]

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class Refused(Exception):
    """An answer that is no 2xx."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        begun: bool = False,
        decline_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.begun = begun
        """Whether it happened after validation: then a key keeps it."""
        said = {
            "type": kind,
            "code": code,
            "decline_code": decline_code,
            "param": param,
            "message": message,
        }
        self.body = {"error": {name: value for name, value in said.items() if value is not None}}


class Params:
    """A form, or a part of one. What was not read when it is :meth:`done` is refused."""

    def __init__(self, tree: dict[str, Any], path: str = "") -> None:
        self._tree = dict(tree)
        self._path = path

    @classmethod
    def read(cls, text: str) -> Self:
        """Of a query, or of a form's body."""
        tree: dict[str, Any] = {}
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
        except ValueError:
            raise Refused(400, "Invalid request: the form cannot be parsed.") from None
        for name, value in pairs:
            _put(tree, name, value)
        return cls(tree)

    def text(self, name: str, *, required: bool = False, most: int = 5000) -> str | None:
        """A text; an empty one is as good as none."""
        value = self._tree.pop(name, None)
        if isinstance(value, dict):
            raise self._bad(name, "Invalid string")
        if not value:
            if required:
                raise self._missing(name)
            return None
        if len(value) > most:
            raise self._bad(name, f"Invalid string: must be at most {most} characters")
        return str(value)

    def must(self, name: str, *, most: int = 5000) -> str:
        """A text that has to be there."""
        return self.text(name, required=True, most=most) or ""

    def whole(self, name: str, *, required: bool = False) -> int | None:
        """An integer."""
        value = self.text(name, required=required)
        if value is None:
            return None
        if not _WHOLE.fullmatch(value):
            raise self._bad(name, f"Invalid integer: {value[:20]}", "parameter_invalid_integer")
        return int(value)

    def flag(self, name: str) -> bool | None:
        """``true`` or ``false``."""
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise self._bad(name, f"Invalid boolean: {value}")
        return None if value is None else value == "true"

    def one_of(self, name: str, *allowed: str) -> str | None:
        """One of a few words."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise self._bad(name, f"Invalid {name}: must be one of {', '.join(allowed)}")
        return value

    def part(self, name: str) -> Params:
        """What stands in brackets behind ``name``; empty if nothing does."""
        value = self._tree.pop(name, {})
        if not isinstance(value, dict):
            raise self._bad(name, "Invalid object")
        return Params(value, self.named(name))

    def parts(self, name: str) -> list[Params]:
        """A list of objects, at least one."""
        inner = self.part(name)
        if not inner.keys():
            raise self._missing(name)
        return [inner.part(key) for key in list(inner.keys())]

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        inner = self.part(name)
        return [inner.must(key) for key in list(inner.keys())]

    def metadata(self) -> dict[str, str]:
        """Up to 50 pairs of the caller's own."""
        inner = self.part("metadata")
        found = {key: inner.text(key, most=500) or "" for key in list(inner.keys())}
        if len(found) > 50 or any(len(key) > 40 for key in found):
            raise Refused(400, "Metadata has too many keys, or too long ones", param="metadata")
        return found

    def keys(self) -> list[str]:
        """The names that were not read yet."""
        return list(self._tree)

    def done(self) -> None:
        """Refuse what was not read."""
        for name in self._tree:
            param = self.named(name)
            message = f"Received unknown parameter: {param}"
            raise Refused(400, message, code="parameter_unknown", param=param)

    def _missing(self, name: str) -> Refused:
        param = self.named(name)
        message = f"Missing required param: {param}."
        return Refused(400, message, code="parameter_missing", param=param)

    def named(self, name: str) -> str:
        """The whole name of one of the parameters."""
        return f"{self._path}[{name}]" if self._path else name

    def _bad(self, name: str, message: str, code: str | None = None) -> Refused:
        return Refused(400, message, code=code, param=self.named(name))


def _put(tree: dict[str, Any], name: str, value: str) -> None:
    match = _NAME.fullmatch(name)
    if match is None:
        raise Refused(400, f"Invalid parameter name: {name[:40]}")
    names = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    inner = tree
    for each in names[:-1]:
        inner = inner.setdefault(each or str(len(inner)), {})
        if not isinstance(inner, dict):
            raise Refused(400, f"Invalid parameter name: {name[:40]}")
    inner[names[-1] or str(len(inner))] = value
