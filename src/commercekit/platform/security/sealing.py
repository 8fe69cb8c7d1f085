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
from commercekit.platform.security.keys import KEY_BYTES, MasterKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["SealBroken", "Sealer", "forget_keys", "normalise"]

T = TypeVar("T")

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

    Sealing and opening are plain functions of a few microseconds: no I/O once loaded.
    """

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._current: dict[str, tuple[bytes, AESGCM]] = {}
        self._by_kid: dict[bytes, tuple[str, AESGCM]] = {}
        self._index_root = derive(master, "blind index")

    async def load(self, db: Database, tables: Iterable[str] = ()) -> None:
        """Unwrap the data keys in the database; make one for each of ``tables`` that has none.

        Safe when several processes start at once. Raises
        :class:`~commercekit.errors.ConfigurationError` when a key was wrapped by another master key:
        starting with the wrong one must not begin a second set of keys beside the first.
        """
        for table in tables:
            key = secrets.token_bytes(KEY_BYTES)
            identifier = new_id()
            await db.execute(
                "INSERT INTO platform_data_key (id, kid, table_name, master_id, wrapped)"
                " SELECT $1, $2, $3::text, $4, $5 WHERE NOT EXISTS"
                " (SELECT FROM platform_data_key WHERE table_name = $3 AND is_current)"
                " ON CONFLICT DO NOTHING",
                identifier,
                secrets.token_bytes(_KID),
                table,
                self._master.id,
                self._wrap(table, identifier, key),
            )
        rows = await db.fetch(
            "SELECT id, kid, table_name, master_id, wrapped, is_current FROM platform_data_key"
        )
        for row in rows:
            if row["master_id"] != self._master.id:
                message = (
                    f"the data key of {row['table_name']} was wrapped by the master key"
                    f" {row['master_id']}, but the settings give {self._master.id};"
                    " restore the right master key; all nodes of a shop have the same"
                )
                raise ConfigurationError(message)
            cipher = AESGCM(self._unwrap(row["table_name"], row["id"], row["wrapped"]))
            self._by_kid[row["kid"]] = (row["table_name"], cipher)
            if row["is_current"]:
                self._current[row["table_name"]] = (row["kid"], cipher)

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
        key = hmac.digest(self._index_root, f"{table}|{column}".encode(), "sha256")
        return hmac.digest(key, normalise(value).encode(), "sha256")[:_INDEX_BYTES]

    def derived_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose of this shop, the same in each of its processes."""
        return derive(self._master, purpose)

    def _wrap(self, table: str, identifier: UUID, key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        aad = _place("platform_data_key", table, identifier)
        return nonce + AESGCM(self._master.material).encrypt(nonce, key, aad)

    def _unwrap(self, table: str, identifier: UUID, wrapped: bytes) -> bytes:
        aad = _place("platform_data_key", table, identifier)
        try:
            return AESGCM(self._master.material).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], aad)
        except (InvalidTag, ValueError):
            message = f"the data key of {table} does not unwrap: it was changed or moved"
            raise ConfigurationError(message) from None


def derive(master: MasterKey, purpose: str) -> bytes:
    """32 bytes that only the master key's holder can make, different for each purpose."""
    return hmac.digest(master.material, f"commercekit|{purpose}".encode(), hashlib.sha256)


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
