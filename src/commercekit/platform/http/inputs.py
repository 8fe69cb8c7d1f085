"""Reading bodies: strict, typed, once, and with the place of the first mistake."""

import re
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.types import Empty
from msgspec import Struct

from commercekit.errors import FieldError, Malformed
from commercekit.platform.http.problems import CardDataRefused, InvalidInput
from commercekit.platform.security import find_card_number

__all__ = ["Input", "ShopRequest", "decode", "first_error"]


class Input(Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of every request body: what is not a field of it is refused with 400."""


_AT: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?$", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_NAMED: Final = re.compile(r"^Object (contains unknown|missing required) field `(.*)`$")
_LONG_NUMBER: Final = re.compile(rb"[:\[,\s-]\d{19,}")
_CARD_LIKE: Final = re.compile(rb"[2-6](?:[ -]?[0-9]){13}")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_BIGGEST: Final = 2**63 - 1
_CODES: Final = (
    (re.compile(r"`int` >|`float` >|`decimal` >"), "too-small"),
    (re.compile(r"`int` <|`float` <|`decimal` <"), "too-large"),
    (re.compile(r"of length >="), "too-short"),
    (re.compile(r"of length <="), "too-long"),
    (re.compile(r"matching regex"), "pattern"),
    (re.compile(r"^Invalid enum"), "unknown-choice"),
    (re.compile(r"^Number out of range"), "out-of-range"),
    (re.compile(r"^Expected `"), "wrong-type"),
)

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class ShopRequest(Request[Any, Any, Any]):
    """Litestar's request, whose JSON is decoded straight into the type that the handler asks for.

    Litestar decodes into plain objects and converts those leniently, so that ``"5"`` passes for a
    number; decoding into the type is strict, and faster.
    """

    async def json(self) -> Any:
        """The body as the handler's ``data`` type; anything else raises :class:`InvalidInput`."""
        if self._json is Empty:
            body = await self.body()
            field = getattr(self.route_handler, "parsed_data_field", None)
            wanted = Any if field is None else field.annotation
            allowed = bool(self.route_handler.opt.get("card_numbers"))
            self._json = decode(body, wanted, refuse_cards=not allowed)
        return self._json


def decode(body: bytes, wanted: Any, *, refuse_cards: bool = True) -> Any:
    """``body`` as ``wanted``; raises a problem that names the first place that is wrong."""
    if (
        refuse_cards
        and _CARD_LIKE.search(body)
        and find_card_number(body.decode("utf-8", "replace"))
    ):
        message = "This looks like a card number. Enter it on the payment page only."
        raise CardDataRefused(message)
    if _NUL.search(body):
        message = "Text must not contain NUL."  # PostgreSQL keeps no such text
        raise Malformed(message)
    decoder = _decoders.get(wanted)
    if decoder is None:
        decoder = _decoders[wanted] = msgspec.json.Decoder(wanted)
    try:
        value = decoder.decode(body)
        if _LONG_NUMBER.search(body):
            _refuse_huge_numbers(msgspec.json.decode(body))
    except msgspec.ValidationError as error:
        entry = first_error(str(error))
        raise InvalidInput(_sentence(entry), errors=(entry,)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = "The body is not valid JSON."
        raise Malformed(message) from None
    except RecursionError:
        message = "The body is nested too deeply."
        raise Malformed(message) from None
    return value


def first_error(message: str) -> FieldError:
    """What msgspec says about a value, as pointer, code and sentence."""
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    pointer = "".join(f"/{name or index}" for name, index in _STEP.findall(path))
    pointer = pointer.replace("/...", "/*")
    named = _NAMED.match(what)
    if named:
        code = "unknown-field" if named[1].startswith("contains") else "missing"
        name = named[2].replace("~", "~0").replace("/", "~1")[:100]
        told = (
            "This field is not known here." if code == "unknown-field" else "This field is missing."
        )
        return FieldError(f"{pointer}/{name}", code, told)
    code = next((code for pattern, code in _CODES if pattern.search(what)), "invalid")
    return FieldError(pointer, code, f"{what[:300].rstrip('.')}.")


def _sentence(entry: FieldError) -> str:
    return f"{entry.pointer or 'The body'}: {entry.message}"


def _refuse_huge_numbers(value: Any) -> None:
    """No integer of ours has more than 64 bits, whatever its field says of its range."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, int) and abs(item) > _BIGGEST:
            message = "Number out of range"
            raise msgspec.ValidationError(message)
