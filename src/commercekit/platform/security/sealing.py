"""Personal fields, sealed: AES-256-GCM with a key per table, wrapped by one that is not in the database.

A sealed value says which key opens it and belongs to one table, column and row: moved anywhere else it
does not open. Equality search goes over blind indexes, made with a key of their own per column.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commercekit.errors import CommerceKitError, ConfigurationError
from commercekit.kernel import new_id
from commercekit.platform.security.keys import (
    KEY_BYTES,
    KeyRing,
    LocalKeys,
    MasterKey,
    UnwrapRefused,
)
from commercekit.platform.security.sealed import SealedTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from commercekit.platform.db import Database, Record, UnitOfWork

__all__ = ["ROOT", "SealBroken", "Sealer", "forget_keys", "normalise", "place_of_key"]

T = TypeVar("T")

ROOT: Final = "platform_derivation"
"""The name, in the table of keys, of the one that everything else is derived from."""

_DERIVED: Final = 1_000
_VERSION: Final = b"\x01"
_NONCE: Final = 12
_KID: Final = 4
_INDEX_BYTES: Final = 16
_PREFIX: Final = len(_VERSION) + _KID + _NONCE


class SealBroken(CommerceKitError):
    """A sealed value does not open: moved, changed, or sealed with a key this shop does not have.

    Never shown to a client: the answer is a plain 500, the log names table and column.
    """

    slug = "internal-error"
    title = "Internal error"
    title_zh = "内部错误"


class Sealer:
    """Seals and opens fields; call :meth:`load` once before, with every table that is sealed.

    Sealing and opening are plain functions of a few microseconds: no I/O once loaded. What else the shop
    derives, blind indexes and the keys of tokens, hangs on a root of its own that is wrapped like the
    data keys, so that none of it changes when the master key does.
    """

    def __init__(self, keys: KeyRing | MasterKey) -> None:
        """``keys`` is the ring that unwraps, or the one master key of a shop that has no other."""
        self.keys: KeyRing = LocalKeys(keys) if isinstance(keys, MasterKey) else keys
        self.on_unknown_key: Callable[[], None] = lambda: None
        """Called when a value names a key that is not known here: another process may have a newer one."""
        self._tables: tuple[str, ...] = ()
        self._current: dict[str, tuple[bytes, AESGCM]] = {}
        self._by_kid: dict[bytes, tuple[str, AESGCM]] = {}
        self._root: bytes | None = None
        self._derived: dict[str, bytes] = {}
        self._index_keys: dict[tuple[str, str], bytes] = {}

    async def load(self, db: Database, tables: Iterable[str | SealedTable] = ()) -> None:
        """Unwrap the data keys in the database; make one for each of ``tables`` that has none.

        Safe when several processes start at once, and again at any time: keys that were added since are
        added here. Raises :class:`~commercekit.errors.ConfigurationError` when a key was wrapped by
        another master key: starting with the wrong one must not begin a second set of keys beside the first.
        """
        names = (each if isinstance(each, str) else each.name for each in tables)
        self._tables = tuple(dict.fromkeys((*self._tables, *names)))
        rows = await self._take(db)
        missing = [name for name in (ROOT, *self._tables) if not _in_use(rows, name)]
        for name in missing:
            identifier = new_id()
            place = place_of_key(name, identifier)
            # The root comes first, so a shop that has keys and no root was set up before roots were.
            root = (
                self.keys.derivation_root(rows[0]["master_id"]) if rows and name == ROOT else None
            )
            key = root or secrets.token_bytes(KEY_BYTES)
            master_id, wrapped = await self.keys.wrap(key, place)
            await db.execute(
                "INSERT INTO platform_data_key (id, kid, table_name, master_id, wrapped)"
                " SELECT $1, $2, $3::text, $4, $5 WHERE NOT EXISTS"
                " (SELECT FROM platform_data_key WHERE table_name = $3 AND is_current)"
                " ON CONFLICT DO NOTHING",
                identifier,
                secrets.token_bytes(_KID),
                name,
                master_id,
                wrapped,
            )
        if missing:
            await self._take(db)

    async def _take(self, db: Database) -> list[Record]:
        rows = await db.fetch(
            "SELECT id, kid, table_name, master_id, wrapped, is_current FROM platform_data_key"
            " ORDER BY table_name, id"
        )
        by_kid: dict[bytes, tuple[str, AESGCM]] = {}
        current: dict[str, tuple[bytes, AESGCM]] = {}
        for row in rows:
            kid, name = row["kid"], row["table_name"]
            known = self._by_kid.get(kid)
            if known is None:
                key = await self._unwrap(row)
                known = (name, AESGCM(key))
                if name == ROOT and row["is_current"]:
                    self._root, self._derived, self._index_keys = key, {}, {}
            by_kid[kid] = known
            if row["is_current"]:
                current[name] = (kid, known[1])
        self._by_kid, self._current = by_kid, current
        return rows

    async def _unwrap(self, row: Record) -> bytes:
        place = place_of_key(row["table_name"], row["id"])
        try:
            return await self.keys.unwrap(row["master_id"], row["wrapped"], place)
        except UnwrapRefused as error:
            message = f"the data key of {row['table_name']}: {error.detail}"
            raise ConfigurationError(message) from error

    def kid_of(self, table: str) -> bytes:
        """The id of the key that seals ``table`` from now on: bytes 2 to 5 of every new value."""
        return self._current[table][0]

    def seal(self, table: str, column: str, row_id: UUID | str, plaintext: Any) -> bytes:
        """``plaintext`` sealed for exactly this place; anything but bytes is encoded as JSON first."""
        raw = plaintext if isinstance(plaintext, bytes) else msgspec.json.encode(plaintext)
        try:
            kid, cipher = self._current[table]
        except KeyError:
            message = f"no data key for {table}: name it when the sealer is loaded"
            raise ConfigurationError(message) from None
        nonce = secrets.token_bytes(_NONCE)
        place = _place(table, column, row_id)
        return b"".join((_VERSION, kid, nonce, cipher.encrypt(nonce, raw, place)))

    @overload
    def open(self, table: str, column: str, row_id: UUID | str, sealed: bytes) -> bytes: ...
    @overload
    def open(
        self, table: str, column: str, row_id: UUID | str, sealed: bytes, as_type: type[T]
    ) -> T: ...
    def open(
        self,
        table: str,
        column: str,
        row_id: UUID | str,
        sealed: bytes,
        as_type: type[Any] | None = None,
    ) -> Any:
        """What was sealed for this place; decoded as ``as_type`` if given.

        Raises :class:`SealBroken` for a value moved from elsewhere, changed by a bit, or sealed with a
        key that is not known here.
        """
        owner, cipher = self._by_kid.get(sealed[1 : 1 + _KID], ("", None))
        if sealed[:1] != _VERSION or cipher is None or owner != table:
            self.on_unknown_key()
            message = f"a value in {table}.{column} names no key of this table"
            raise SealBroken(message)
        nonce = sealed[1 + _KID : _PREFIX]
        try:
            raw = cipher.decrypt(nonce, sealed[_PREFIX:], _place(table, column, row_id))
        except (InvalidTag, ValueError):
            message = f"a value in {table}.{column} was moved or changed"
            raise SealBroken(message) from None
        return raw if as_type is None else msgspec.json.decode(raw, type=as_type)

    def blind_index(self, table: str, column: str, value: str) -> bytes:
        """16 bytes that are equal for equal values of this column, and say nothing else about them.

        E-mail addresses and the like are compared NFKC and case-folded, so normalise nothing before;
        phone numbers are E.164 already.
        """
        key = self._index_keys.get((table, column))
        if key is None:
            name = f"{table}|{column}".encode()
            key = hmac.digest(self.derived_key("blind index"), name, "sha256")
            self._index_keys[table, column] = key
        return hmac.digest(key, normalise(value).encode(), "sha256")[:_INDEX_BYTES]

    def derived_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose of this shop, the same in each of its processes, whatever is rotated.

        Ask when you use it, not when you are made: the root lies in the database, wrapped.
        """
        key = self._derived.get(purpose)
        if key is None:
            if self._root is None:
                message = f"load the sealer before you derive a key for {purpose!r}"
                raise ConfigurationError(message)
            key = hmac.digest(self._root, f"commercekit|{purpose}".encode(), hashlib.sha256)
            if len(self._derived) < _DERIVED:
                self._derived[purpose] = key
        return key


def place_of_key(table: str, identifier: UUID) -> bytes:
    """What a wrapped data key is bound to."""
    return _place("platform_data_key", table, identifier)


def _in_use(rows: Iterable[Record], table: str) -> bool:
    return any(row["is_current"] and row["table_name"] == table for row in rows)


def normalise(value: str) -> str:
    """How values are compared for equality: NFKC, case-folded, without blanks around them."""
    return unicodedata.normalize("NFKC", value).strip().casefold()


def _place(table: str, column: str, row_id: UUID | str) -> bytes:
    return f"{table}|{column}|{row_id}".encode()


async def forget_keys(uow: UnitOfWork, tables: Sequence[str]) -> None:
    """Drop the data keys of tables that are gone; what was sealed with them is lost with certainty."""
    await uow.execute(
        "DELETE FROM platform_data_key WHERE table_name = ANY ($1::text[])", list(tables)
    )
