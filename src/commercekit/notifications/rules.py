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


class Texts:
    """The shop's templates: ``<language>/<name>.txt``, the first line ``Subject: …``.

    Templates run in a sandbox and see nothing but their parameters; the HTML form is made of the text,
    escaped. A folder of the shop's own comes first, so that any text can be replaced.
    """

    def __init__(self, *, shop_name: str, folder: Path | None = None) -> None:
        loaders: list[BaseLoader] = [FileSystemLoader(_OWN)]
        if folder is not None:
            loaders.insert(0, FileSystemLoader(folder))
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            autoescape=select_autoescape(("html",), default=False),
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
        source = self._find(template, locale)
        language = source.name.split("/")[0] if source.name else "en"
        reader = _reader(locale, language)
        context = {
            **params,
            "shop_name": self._shop_name,
            "money": lambda value: _money(value, reader),
            "moment": lambda value: _moment(value, reader),
            "words": lambda value: _words(value, language),
        }
        first, _, rest = source.render(context).strip().partition("\n")
        if not first.startswith(_SUBJECT):
            message = f"the template {source.name} does not begin with {_SUBJECT!r}"
            raise TemplateUnknown(message)
        # One line whatever the parameters hold: a subject is a header.
        subject = " ".join(first.removeprefix(_SUBJECT).split())[:_MAX_SUBJECT]
        text = rest.strip() + "\n"
        html = self._environment.get_template("message.html").render(
            language=language,
            subject=subject,
            paragraphs=[part.splitlines() for part in text.strip().split("\n\n")],
        )
        return Rendered(subject, text, html)

    def _find(self, template: str, locale: str) -> Any:
        for language in (locale, locale.partition("-")[0], "en"):
            try:
                return self._environment.get_template(f"{language.lower()}/{template}.txt")
            except TemplateNotFound:
                continue
        message = f"there is no text for the message {template!r}"
        raise TemplateUnknown(message)


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
