"""The key that wraps all others: outside the database, in a file only its owner reads."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from typing import TYPE_CHECKING

from commercekit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_BYTES", "MasterKey"]

KEY_BYTES = 32


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
