"""From a template and its parameters to a text in the reader's language. Pure but for reading files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.numbers import format_currency
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from commercekit.kernel import Money, Translations, pick
from commercekit.notifications.errors import TemplateUnknown

__all__ = ["Rendered", "Texts"]

_OWN = Path(__file__).parent / "templates"
_SUBJECT = "Subject:"
_MAX_SUBJECT = 200


class Rendered(NamedTuple):
    """A message as it will be read."""

    subject: str
    text: str
    html: str


class _Text(NamedTuple):
    language: str
    subject: Template
    body: Template


class Texts:
    """The shop's templates: ``<language>/<name>.txt``, the first line ``Subject: …``.

    Templates run in a sandbox and see nothing but their parameters; the HTML form is made of the text,
    escaped. A folder of the shop's own comes first, so that any text can be replaced.
    """

    def __init__(self, *, shop_name: str, folder: Path | None = None) -> None:
        loaders: list[BaseLoader] = [FileSystemLoader(_OWN)]
        if folder is not None:
            loaders.insert(0, FileSystemLoader(folder))
        self._loader = ChoiceLoader(loaders)
        self._texts: dict[tuple[str, str], _Text] = {}
        self._environment = ImmutableSandboxedEnvironment(
            loader=self._loader,
            autoescape=select_autoescape(("html",), default=False, default_for_string=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._shop_name = shop_name

    def check(self, template: str) -> None:
        """Raise :class:`~commercekit.notifications.errors.TemplateUnknown` for a name without text."""
        self._find(template, "en")

    def render(self, template: str, locale: str, params: Mapping[str, Any]) -> Rendered:
        """The message in the best language there is for ``locale``: its own, its family's, English."""
        found = self._find(template, locale)
        reader = _reader(locale, found.language)
        context = {
            **params,
            "shop_name": self._shop_name,
            "money": lambda value: _money(value, reader),
            "moment": lambda value: _moment(value, reader),
            "words": lambda value: _words(value, found.language),
        }
        # One line whatever the parameters hold: a subject is a header.
        subject = " ".join(found.subject.render(context).split())[:_MAX_SUBJECT]
        text = found.body.render(context).strip() + "\n"
        html = self._environment.get_template("message.html").render(
            language=found.language,
            subject=subject,
            paragraphs=[part.splitlines() for part in text.strip().split("\n\n")],
        )
        return Rendered(subject, text, html)

    def _find(self, template: str, locale: str) -> _Text:
        for tag in (locale, locale.partition("-")[0], "en"):
            language = tag.lower()
            text = self._texts.get((language, template)) or self._load(language, template)
            if text is not None:
                return text
        message = f"there is no text for the message {template!r}"
        raise TemplateUnknown(message)

    def _load(self, language: str, template: str) -> _Text | None:
        name = f"{language}/{template}.txt"
        try:
            source, _, _ = self._loader.get_source(self._environment, name)
        except TemplateNotFound:
            return None
        # Parted before it is rendered: no parameter moves the border between subject and text.
        first, _, rest = source.partition("\n")
        if not first.startswith(_SUBJECT):
            message = f"the template {name} does not begin with {_SUBJECT!r}"
            raise TemplateUnknown(message)
        text = _Text(
            language,
            self._environment.from_string(first.removeprefix(_SUBJECT)),
            self._environment.from_string(rest),
        )
        self._texts[language, template] = text
        return text


def _reader(locale: str, language: str) -> Locale:
    for tag in (locale, language):
        try:
            found = Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        # A text in English with Chinese numbers would read strangely.
        if found.language == language:
            return found
    return Locale("en")


def _money(value: Money | Mapping[str, Any], reader: Locale) -> str:
    money = value if isinstance(value, Money) else Money(value["amount"], value["currency"])
    return format_currency(money.to_decimal(), money.currency, locale=reader)


def _moment(value: datetime | str, reader: Locale) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return format_datetime(moment, "medium", locale=reader)


def _words(value: str | Translations, language: str) -> str:
    return value if isinstance(value, str) else pick(value, [language])
