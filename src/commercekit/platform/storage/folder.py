"""Files in a folder of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from commercekit.errors import Malformed, Unavailable
from commercekit.platform.storage.storage import Storage, check_name

__all__ = ["FolderStorage"]


class FolderStorage(Storage):
    """A folder, made when it is first written to, with a subfolder for each first two letters."""

    code = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, name: str, content: bytes) -> None:
        """Write beside, then rename: a reader sees the whole file or none."""
        await asyncio.to_thread(self._put, self._path(name), content)

    async def get(self, name: str) -> bytes | None:
        """Read it; no name leads out of the folder."""
        try:
            path = self._path(name)
        except Malformed:
            return None
        return await asyncio.to_thread(_read, path)

    async def delete(self, name: str) -> None:
        """Remove it."""
        await asyncio.to_thread(_delete, self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)[:2] / name

    def _put(self, path: Path, content: bytes) -> None:
        beside = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            Path(beside).replace(path)
        except OSError as error:
            if beside is not None:
                with contextlib.suppress(OSError):
                    Path(beside).unlink()
            message = f"The file cannot be kept: {error.strerror}."
            raise Unavailable(message) from error


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except OSError as error:
        message = f"The file cannot be read: {error.strerror}."
        raise Unavailable(message) from error


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except NotADirectoryError:
        return  # nothing can lie there
    except OSError as error:
        message = f"The file cannot be deleted: {error.strerror}."
        raise Unavailable(message) from error
