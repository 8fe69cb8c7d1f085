"""A place for files that keeps its contract, and one for every way to break it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from commercekit.errors import Unavailable
from commercekit.platform.storage import Storage, check_name
from commercekit.testing.conformance import StorageContract

KEY = "key-of-the-warehouse"
TYPES = {"webp": "image/webp", "jpg": "image/jpeg"}


class Shelf:
    """The place, which outlives whoever works at it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.is_down = False


class GoodStorage(Storage):
    """Keeps files on a shelf, which takes a moment."""

    code: ClassVar[str] = "good"

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.shelf = shelf or Shelf()
        self.key = KEY

    async def put(self, name: str, content: bytes) -> None:
        self.check(name)
        await self.walk()
        self.write(self.filed(name), content)
        self.shelf.types[name] = self.type_of(name)

    async def get(self, name: str) -> Any:
        await self.walk()
        return self.shelf.files.get(self.filed(name))

    async def delete(self, name: str) -> None:
        self.check(name)
        await self.walk()
        self.shelf.files.pop(self.filed(name), None)

    async def walk(self) -> None:
        await asyncio.sleep(0)
        if self.shelf.is_down:
            raise Unavailable("the shelf cannot be reached")

    def check(self, name: str) -> None:
        check_name(name)

    def filed(self, name: str) -> str:
        return name

    def write(self, name: str, content: bytes) -> None:
        self.shelf.files[name] = content

    def type_of(self, name: str) -> str:
        return TYPES.get(name.rpartition(".")[2], "application/octet-stream")


class GoodContract(StorageContract):
    secrets = (KEY,)

    async def reopened(self, storage: Any) -> Storage:
        return type(storage)(storage.shelf)

    async def media_type(self, storage: Any, name: str) -> str:
        return storage.shelf.types[name]

    async def goes_down(self, storage: Any) -> bool:
        storage.shelf.is_down = True
        return True


class Shouts(GoodStorage):
    code = "S3!"


class Trims(GoodStorage):
    def write(self, name, content):
        super().write(name, content.strip())


class RefusesAgain(GoodStorage):
    def write(self, name, content):
        if self.shelf.files.get(name) == content:
            raise Unavailable("it is there already")
        super().write(name, content)


class Appends(GoodStorage):
    def write(self, name, content):
        there = self.shelf.files.get(name, b"")
        super().write(name, there if there == content else there + content)


class FoldsNames(GoodStorage):
    def filed(self, name):
        return name.replace("_", "-")


class HasOneHand(GoodStorage):
    async def put(self, name, content):
        self.check(name)
        self.hand = content
        await self.walk()
        self.write(name, self.hand)
        self.shelf.types[name] = self.type_of(name)


class WritesInParts(GoodStorage):
    async def put(self, name, content):
        self.check(name)
        self.write(name, content[: len(content) // 2])
        await self.walk()
        await super().put(name, content)


class StopsHalfWay(GoodStorage):
    async def put(self, name, content):
        try:
            await super().put(name, content)
        except asyncio.CancelledError:
            self.write(name, content[: len(content) // 2])
            raise


class Cuts(GoodStorage):
    def write(self, name, content):
        super().write(name, content[: 2 * 1024 * 1024])


class Remembers(GoodStorage):
    def __init__(self, shelf=None):
        super().__init__(shelf)
        self.seen = {}

    def write(self, name, content):
        super().write(name, content)
        self.seen[name] = content

    async def get(self, name):
        found = await super().get(name)
        return self.seen.get(name) if found is None else found

    async def delete(self, name):
        await super().delete(name)
        self.seen.pop(name, None)


class InventsFiles(GoodStorage):
    async def get(self, name):
        found = await super().get(name)
        return b"" if found is None and name == "ab-missing.webp" else found


class NeverForgets(GoodStorage):
    async def delete(self, name):
        self.check(name)
        await self.walk()


class ForgetsOnce(GoodStorage):
    async def delete(self, name):
        self.check(name)
        await self.walk()
        if self.shelf.files.pop(name, None) is None:
            raise Unavailable("there is nothing of that name")


class ForgetsAllThatBeginAlike(GoodStorage):
    async def delete(self, name):
        await super().delete(name)
        stem = name.partition(".")[0]
        for other in [each for each in self.shelf.files if each.startswith(stem)]:
            del self.shelf.files[other]


class TakesAnyName(GoodStorage):
    def check(self, name):
        pass


class CallsEverythingBytes(GoodStorage):
    def type_of(self, name):
        return "application/octet-stream"


class EmptyWhenDown(GoodStorage):
    async def get(self, name):
        try:
            return await super().get(name)
        except Unavailable:
            return None


class ShowsItsKey(GoodStorage):
    def __repr__(self):
        return f"ShowsItsKey(key={self.key!r})"


class RaisesAnything(GoodStorage):
    def write(self, name, content):
        if len(name) > 60:
            raise OSError(36, "File name too long")
        super().write(name, content)


class Waits(GoodStorage):
    async def walk(self):
        time.sleep(0.0005)
        await super().walk()


class WritesInTheLoop(GoodStorage):
    def write(self, name, content):
        with Path(os.devnull).open("wb") as nowhere:
            nowhere.write(content)
        super().write(name, content)


class NeverGivesUp(GoodStorage):
    async def put(self, name, content):
        if name == "ab-large.webp":
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                await asyncio.sleep(1.5)
        await super().put(name, content)


class TidiesLater(GoodStorage):
    async def delete(self, name):
        await super().delete(name)
        self.later = asyncio.ensure_future(asyncio.sleep(30))


BROKEN: dict[type[GoodStorage], set[str]] = {
    Shouts: {"declares-itself"},
    Trims: {"keeps-what-it-is-given"},
    RefusesAgain: {"keeps-the-same-twice"},
    Appends: {"never-mixes-contents"},
    FoldsNames: {"keeps-names-apart"},
    HasOneHand: {"keeps-many-apart"},
    WritesInParts: {"writes-whole"},
    StopsHalfWay: {"writes-whole"},
    Cuts: {"carries-large-files"},
    Remembers: {"is-there-for-another"},
    InventsFiles: {"knows-nothing-unkept"},
    NeverForgets: {"forgets-what-it-is-told", "is-there-for-another"},
    ForgetsOnce: {"forgets-twice"},
    ForgetsAllThatBeginAlike: {"forgets-only-that"},
    TakesAnyName: {"leads-nowhere-else"},
    CallsEverythingBytes: {"says-what-it-is"},
    EmptyWhenDown: {"says-unavailable"},
    ShowsItsKey: {"keeps-secrets"},
    RaisesAnything: {"fails-in-our-words"},
    Waits: {"holds-up-nobody"},
    WritesInTheLoop: {"holds-up-nobody"},
    NeverGivesUp: {"lets-itself-be-cut-short"},
    TidiesLater: {"leaves-no-task-behind"},
}
"""Which rules, and no others, each of them breaks."""
