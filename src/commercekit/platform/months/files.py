"""A month as files: one gzipped CSV for each table as PostgreSQL's COPY writes it, and a manifest.

The manifest says of every file its columns, rows, size and SHA-256, and of the rows themselves a
fingerprint that PostgreSQL computes: the number of rows and the sum of their hashes. A file is good
when, read back into a table of the same shape, it has the fingerprint of what was written. Sealed
columns stay sealed: whoever holds the files without the shop's keys reads no name in them.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from commercekit.platform.failpoints import failpoint
from commercekit.platform.months.errors import ArchiveDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from commercekit.platform.db import UnitOfWork

__all__ = [
    "FileEntry",
    "Manifest",
    "digest_of",
    "fingerprint_of",
    "is_written",
    "new_manifest",
    "read_manifest",
    "restore_file",
    "verify_folder",
    "write_folder",
]

_MANIFEST = "manifest.json"
_FORMAT = "commercekit-month/1"
_CHUNK = 1 << 20
_PATIENCE = 86_400.0
"""Seconds for one table to be written or read: COPY has a clock of its own."""

_SHAPE = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""


class Column(Struct, frozen=True):
    """One column as it was when it was written."""

    name: str
    type: str


class FileEntry(Struct, frozen=True, kw_only=True):
    """One table's part of the month."""

    table: str
    part: str
    belongs: bool
    """Whether it is rows of a table that is not kept by month."""
    file: str
    columns: tuple[Column, ...]
    rows: int
    fingerprint: str
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What the folder holds."""

    format: str
    month: date
    low: str
    high: str
    written_at: datetime
    version: str
    files: tuple[FileEntry, ...]


async def write_folder(
    uow: UnitOfWork,
    folder: Path,
    manifest: Manifest,
    parts: Sequence[tuple[str, str, bool]],
    told: Callable[[str], None],
) -> str:
    """Write ``parts`` (table, part, belongs) into ``folder``; gives the digest of its manifest.

    Written beside it first and read back before the folder gets its name: one that has its name is
    whole. What an interrupted attempt left is thrown away.
    """
    beside = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True, mode=0o700)
    files = []
    told(f"{manifest.month:%Y-%m}: writing {len(parts)} tables to {folder}")
    for table, part, belongs in parts:
        files.append(await _write_file(uow, beside, table, part, belongs=belongs))
        failpoint("months.file-written")
    whole = msgspec.structs.replace(manifest, files=tuple(files))
    body = msgspec.json.format(msgspec.json.encode(whole), indent=2)
    _write_through(beside / _MANIFEST, body)
    _sync(beside)
    await verify_folder(uow, beside, whole, told)
    failpoint("months.before-named")
    beside.rename(folder)
    _sync(folder.parent)
    return hashlib.sha256(body).hexdigest()


async def _write_file(
    uow: UnitOfWork, folder: Path, table: str, part: str, *, belongs: bool
) -> FileEntry:
    columns = tuple(Column(row["name"], row["type"]) for row in await uow.fetch(_SHAPE, part))
    names = _quoted(columns)
    path = folder / f"{table}.csv.gz"
    with path.open("wb") as raw:
        # No name and no time inside: the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed:

            async def take(data: bytes) -> None:
                packed.write(data)

            await uow.connection.copy_from_query(
                f"SELECT {names} FROM {part} ORDER BY 1, 2",  # noqa: S608 - names of the catalogue
                output=take,
                format="csv",
                header=True,
                timeout=_PATIENCE,
            )
        raw.flush()
        os.fsync(raw.fileno())
    rows, fingerprint = await fingerprint_of(uow, part, columns)
    return FileEntry(
        table=table,
        part=part,
        belongs=belongs,
        file=path.name,
        columns=columns,
        rows=rows,
        fingerprint=fingerprint,
        bytes=path.stat().st_size,
        sha256=_digest(path),
    )


async def fingerprint_of(uow: UnitOfWork, table: str, columns: Sequence[Column]) -> tuple[int, str]:
    """How many rows there are, and the sum of their hashes: the same whatever order they come in."""
    [row] = await uow.fetch(
        "SELECT count(*) AS rows, coalesce(sum(hashtextextended(v::text, 0)::numeric), 0)::text AS sum"  # noqa: S608 - names of the catalogue
        f" FROM (SELECT ROW({_quoted(columns)}) AS v FROM {table}) each"
    )
    return row["rows"], row["sum"]


async def verify_folder(
    uow: UnitOfWork, folder: Path, manifest: Manifest, told: Callable[[str], None]
) -> None:
    """Read every file back into a table of the same shape; raises :class:`ArchiveDamaged`."""
    told(f"{manifest.month:%Y-%m}: reading {len(manifest.files)} files back")
    for entry in manifest.files:
        shape = ", ".join(f'"{column.name}" {column.type}' for column in entry.columns)
        await uow.execute(f"CREATE TEMPORARY TABLE months_check ({shape})")
        await _load(uow, folder, entry, "months_check", schema="pg_temp")
        await uow.execute("DROP TABLE pg_temp.months_check")


async def restore_file(uow: UnitOfWork, folder: Path, entry: FileEntry) -> None:
    """Make the entry's part as its table is now, and fill it."""
    now = {row["name"] for row in await uow.fetch(_SHAPE, entry.table)}
    lost = [column.name for column in entry.columns if column.name not in now]
    if lost:
        message = (
            f"{entry.file} has columns that {entry.table} no longer has ({', '.join(lost)}): bring it "
            "back with the version that wrote it, then migrate"
        )
        raise ArchiveDamaged(message, file=entry.file)
    shape = f"(LIKE {entry.table} INCLUDING ALL)"
    if entry.belongs:
        names = _quoted(entry.columns)
        shape = f"AS SELECT {names} FROM {entry.table} WITH NO DATA"  # noqa: S608 - names of the catalogue
    await uow.execute(f"CREATE TABLE {entry.part} {shape}")
    await _load(uow, folder, entry, entry.part)
    failpoint("months.file-restored")


async def _load(
    uow: UnitOfWork, folder: Path, entry: FileEntry, target: str, *, schema: str | None = None
) -> None:
    path = folder / entry.file
    if not path.is_file() or _digest(path) != entry.sha256:
        message = f"{path} is missing or not as it was written: take it from another copy"
        raise ArchiveDamaged(message, file=entry.file)
    with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as packed:
        await uow.connection.copy_to_table(
            target,
            source=_chunks(packed),
            columns=[column.name for column in entry.columns],
            schema_name=schema,
            format="csv",
            header=True,
            timeout=_PATIENCE,
        )
    found = await fingerprint_of(uow, f"{schema}.{target}" if schema else target, entry.columns)
    if found != (entry.rows, entry.fingerprint):
        message = (
            f"{path} gives {found[0]} rows that are not the {entry.rows} that were written: nothing was "
            "changed"
        )
        raise ArchiveDamaged(message, file=entry.file)


async def _chunks(packed: gzip.GzipFile) -> AsyncIterator[bytes]:
    while chunk := packed.read(_CHUNK):
        yield chunk


def read_manifest(folder: Path, digest: str | None = None) -> Manifest:
    """What ``folder`` says it holds; raises :class:`ArchiveDamaged` unless it has this ``digest``."""
    try:
        body = (folder / _MANIFEST).read_bytes()
        manifest = msgspec.json.decode(body, type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        message = f"{folder} holds no archive of a month ({error}); name its place with --from"
        raise ArchiveDamaged(message, folder=str(folder)) from None
    if digest is not None and hashlib.sha256(body).hexdigest() != digest:
        message = f"{folder} is not the archive that this shop wrote: its manifest differs"
        raise ArchiveDamaged(message, folder=str(folder))
    if manifest.format != _FORMAT:
        message = f"{folder} is of the format {manifest.format}, and {_FORMAT} is what is read here"
        raise ArchiveDamaged(message, folder=str(folder))
    return manifest


def new_manifest(month: date, low: Any, high: Any, now: datetime, version: str) -> Manifest:
    """Without its files yet."""
    return Manifest(
        format=_FORMAT, month=month, low=str(low), high=str(high), written_at=now,
        version=version, files=(),
    )  # fmt: skip


def is_written(folder: Path) -> bool:
    """Whether the folder is there, and so whole: it gets its name last."""
    return folder.exists()


def digest_of(folder: Path) -> str:
    """How the folder's manifest is recognised."""
    return _digest(folder / _MANIFEST)


def _quoted(columns: Sequence[Column]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _write_through(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
