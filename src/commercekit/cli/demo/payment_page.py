"""Pressing a button on a payment page, as a browser does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

__all__ = ["Form", "forms_of"]


@dataclass(slots=True)
class Form:
    """One form: where it goes, its fields, and its buttons by what they send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._open: Form | None = None
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self._url, given.get("action", ""))
            self._open = Form(action, given.get("method", "get").upper())
            self.forms.append(self._open)
        elif self._open is not None and tag == "input" and given.get("type") == "hidden":
            self._open.fields[given.get("name", "")] = given.get("value", "")
        elif self._open is not None and tag == "button" and given.get("name"):
            self._open.buttons.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_of(page: str, url: str) -> list[Form]:
    """The forms of the page at ``url``, in their order."""
    parser = _Forms(url)
    parser.feed(page)
    return parser.forms
