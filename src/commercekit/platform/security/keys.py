"""The key that wraps all others: outside the database, in a file only its owner reads.

A :class:`KeyRing` wraps data keys and unwraps them again. The shop's own holds the master key and, while
it is being replaced, those before it; a plugin's asks a key management service, which never gives its
key away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_BYTES", "KeyRing", "LocalKeys", "MasterKey", "UnwrapRefused"]

KEY_BYTES: Final = 32
_NONCE: Final = 12


class UnwrapRefused(ConfigurationError):
    """A wrapped key does not open: changed, moved to another place, or wrapped by an unknown master."""


class KeyRing(Protocol):
    """Wraps data keys with the master key in use, and unwraps what any of its masters has wrapped."""

    async def current(self) -> str:
        """The id of the master key that wraps from now on."""
        ...

    async def wrap(self, key: bytes, place: bytes) -> tuple[str, bytes]:
        """``key`` wrapped for ``place`` and nowhere else, with the id of the master that did it."""
        ...

    async def unwrap(self, master_id: str, wrapped: bytes, place: bytes) -> bytes:
        """The key again; raises :class:`UnwrapRefused` for anything but what was wrapped for ``place``."""
        ...

    def derivation_root(self, master_id: str) -> bytes | None:
        """What a shop that was set up before roots were stored derives from; None where none was."""
        ...


class MasterKey:
    """The key-encryption key. Its bytes leave it only as derived or wrapped keys, never as text."""

    __slots__ = ("_material", "id")

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            message = f"the master key must have {KEY_BYTES} bytes, this one has {len(material)}"
            raise ConfigurationError(message)
        self._material = material
        self.id = hashlib.sha256(b"commercekit key id" + material).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"MasterKey(id={self.id!r})"

    @property
    def material(self) -> bytes:
        """The bytes themselves, for the cipher."""
        return self._material

    def wrap(self, key: bytes, place: bytes) -> bytes:
        """``key``, sealed by this one for ``place``."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._material).encrypt(nonce, key, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """The key again; raises :class:`UnwrapRefused` for one that was changed or moved."""
        try:
            return AESGCM(self._material).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], place)
        except (InvalidTag, ValueError):
            message = "a data key does not unwrap: it was changed or moved"
            raise UnwrapRefused(message) from None

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """Read 32 bytes written in base64, as ``openssl rand -base64 32`` gives them."""
        try:
            return cls(base64.b64decode(text.strip(), validate=True))
        except binascii.Error:
            message = "the master key must be 32 bytes in base64: openssl rand -base64 32"
            raise ConfigurationError(message) from None

    @classmethod
    def from_folder(cls, folder: Path) -> MasterKey:
        """Read ``master.key`` in ``folder``; make it, mode 600, where there is none.

        For development: two processes that start at once agree on one key. Losing the file means
        losing every sealed field, so a production shop passes the key in its settings.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "master.key"
        if not path.exists():
            _write_once(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        return cls.from_text(path.read_text(encoding="ascii"))


class LocalKeys:
    """The shop's own ring: the master key in use, and those before it that may still have to unwrap."""

    def __init__(self, current: MasterKey, former: Iterable[MasterKey] = ()) -> None:
        self._current = current
        self._masters = {key.id: key for key in (*former, current)}

    async def current(self) -> str:
        """The id of the master key that wraps from now on."""
        return self._current.id

    async def wrap(self, key: bytes, place: bytes) -> tuple[str, bytes]:
        """``key``, wrapped by the master key in use."""
        return self._current.id, self._current.wrap(key, place)

    async def unwrap(self, master_id: str, wrapped: bytes, place: bytes) -> bytes:
        """The key again, if the master key that wrapped it is on this ring."""
        master = self._masters.get(master_id)
        if master is None:
            held = ", ".join(self._masters)
            message = (
                f"it was wrapped by the master key {master_id}, but the settings give {held};"
                " restore the right master key; all nodes of a shop have the same"
            )
            raise UnwrapRefused(message)
        return master.unwrap(wrapped, place)

    def derivation_root(self, master_id: str) -> bytes | None:
        """The material of that master key: what shops derived from before roots were stored."""
        master = self._masters.get(master_id)
        return master.material if master else None


def _write_once(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` whole, unless another process was first."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A hard link fails when the name is taken; a rename would replace the other's key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
