"""The contract of :class:`commercekit.platform.storage.Storage`, rule by rule."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

import pytest

from commercekit.errors import Malformed, Unavailable
from commercekit.platform.storage import Storage
from commercekit.testing.conformance.called import Call, CalledContract
from commercekit.testing.conformance.gateways.senses import overheard, spellings, told_by
from commercekit.testing.conformance.storage_rules import STORAGE_RULES

__all__ = ["StorageContract"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_CONTENTS: Final = {
    "ordinary bytes": b"RIFF one picture",
    "no bytes": b"",
    "all bytes": bytes(range(256)) * 4,
    "blanks and line ends": b" \r\n\t one \n\x00\x1a\n ",
    "text that is none": "图片".encode("utf-16"),
}
_LONGEST: Final = f"{'a' * 100}.{'b' * 8}"
_ELSEWHERE: Final = (
    "../x.webp",
    "..",
    "/etc/passwd",
    "a/b.webp",
    "a\\b.webp",
    "a\x00.webp",
    "A.webp",
    ".webp",
    "a.webp\n",
    "a.tar.webp",
    "",
    "%2e%2e.w/x",
    "图.webp",
    f"{'a' * 101}.webp",
    "a.webp?x=1",
)


class StorageContract(CalledContract):
    """Inherit it and give the ``storage``, empty; the hooks say what else can be tried."""

    rules = STORAGE_RULES
    pytestmark = pytest.mark.asyncio

    large_file: ClassVar[int] = 8 * 1024 * 1024
    """Bytes of the largest file that is tried."""
    secrets: ClassVar[Sequence[str]] = ()
    """Texts that nobody may read in logs, errors or in what the storage is printed as."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def storage(self) -> Storage:
        """The storage under test, on a place of its own."""
        raise NotImplementedError

    async def reopened(self, storage: Storage) -> Storage | None:
        """Another object on the same place, as another process has; ``None`` where there is none."""
        return None

    async def media_type(self, storage: Storage, name: str) -> str | None:
        """The type under which the place itself serves a file; ``None`` where it serves nothing."""
        return None

    async def goes_down(self, storage: Storage) -> bool:
        """Make the place unreachable from now on; ``False`` where that cannot be."""
        return False

    @pytest.fixture
    def calls(self, storage: Storage) -> Sequence[Call]:
        """Everything that can be asked of it, with good names and with bad ones."""

        def put(name: str, content: bytes) -> Callable[[], Awaitable[Any]]:
            return lambda: storage.put(name, content)

        def named(do: Callable[[str], Awaitable[Any]], name: str) -> Callable[[], Awaitable[Any]]:
            return lambda: do(name)

        return [
            *(Call(f"put {about}", put("ab-call.webp", each)) for about, each in _CONTENTS.items()),
            Call("put a megabyte", put("ab-large.webp", bytes(1024 * 1024))),
            Call("put under the longest name", put(_LONGEST, b"x")),
            *(
                Call(f"{do.__name__} {name[:40]!r}", named(do, name))
                for do in (storage.get, storage.delete)
                for name in ("ab-call.webp", "ab-missing.webp", _LONGEST, *_ELSEWHERE)
            ),
            *(Call(f"put {name[:40]!r}", put(name, b"x")) for name in _ELSEWHERE),
        ]

    # --------------------------------------------------------------------------------------- keeping

    async def test_declares_itself(self, storage: Storage) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(storage, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")

    async def test_keeps_what_it_is_given(self, storage: Storage) -> None:
        """Rule ``keeps-what-it-is-given``: byte for byte, and as ``bytes``."""
        for n, (about, content) in enumerate(_CONTENTS.items()):
            name = f"ab-{n}.webp"
            await self.spoken(storage.put(name, content))
            found = await self.spoken(storage.get(name))
            same = type(found) is bytes and found == content
            self.hold("keeps-what-it-is-given", same, f"{about}: {content!r} came back {found!r}")

    async def test_keeps_the_same_twice(self, storage: Storage) -> None:
        """Rule ``keeps-the-same-twice``."""
        for _ in range(3):
            refused = await self.refusal(storage.put("ab-1.webp", b"one"))
            self.hold("keeps-the-same-twice", refused is None, f"{refused!r} for the same again")
        found = await self.spoken(storage.get("ab-1.webp"))
        self.hold("keeps-the-same-twice", found == b"one", f"{found!r}")

    async def test_never_mixes_contents(self, storage: Storage) -> None:
        """Rule ``never-mixes-contents``: put with another content, one of the two is there whole."""
        one, other = b"1" * 5_000, b"2" * 3_000
        await self.spoken(storage.put("ab-1.webp", one))
        await self.refusal(storage.put("ab-1.webp", other))
        found = await self.spoken(storage.get("ab-1.webp"))
        self.hold("never-mixes-contents", found in {one, other}, f"{_short(found)}")
        puts = (storage.put("ab-2.webp", each * 1_000) for each in (b"a", b"bb", b"ccc"))
        await asyncio.gather(*(self.refusal(each) for each in puts))
        found = await self.spoken(storage.get("ab-2.webp"))
        whole = found in {b"a" * 1_000, b"bb" * 1_000, b"ccc" * 1_000}
        self.hold("never-mixes-contents", whole, f"put at once: {_short(found)}")

    async def test_keeps_names_apart(self, storage: Storage) -> None:
        """Rule ``keeps-names-apart``: whatever they differ in."""
        names = ["ab-1.webp", "ab_1.webp", "ab1.webp", "ab-1.web", "ab-1.jpg", "a.webp", "0.b"]
        names += [_LONGEST, f"{'a' * 99}c.{'b' * 8}", f"{'a' * 100}.{'b' * 7}c"]
        for name in names:
            await self.spoken(storage.put(name, name.encode()))
        for name in names:
            found = await self.spoken(storage.get(name))
            self.hold("keeps-names-apart", found == name.encode(), f"{name!r} gives {found!r}")

    async def test_keeps_many_apart(self, storage: Storage) -> None:
        """Rule ``keeps-many-apart``: put and got at once."""
        names = [f"ab-{number}.webp" for number in range(20)]
        puts = (storage.put(name, name.encode() * 1_000) for name in names)
        await asyncio.gather(*(self.spoken(each) for each in puts))
        found = await asyncio.gather(*(self.spoken(storage.get(name)) for name in names))
        wrong = [n for n, got in zip(names, found, strict=True) if got != n.encode() * 1_000]
        self.hold("keeps-many-apart", not wrong, f"{wrong} hold something else")

    async def test_writes_whole(self, storage: Storage) -> None:
        """Rule ``writes-whole``: read while it is written, and cut short."""
        content = bytes(range(256)) * 4_096
        for n in range(3):
            name = f"ab-{n}.webp"
            putting = asyncio.ensure_future(self.spoken(storage.put(name, content)))
            while not putting.done():
                found = await self.spoken(storage.get(name))
                detail = f"read meanwhile: {_short(found)}"
                self.hold("writes-whole", found is None or found == content, detail)
                await asyncio.sleep(0)
            await putting
        cut = asyncio.ensure_future(storage.put("ab-cut.webp", content))
        await asyncio.sleep(0)
        cut.cancel()
        await asyncio.wait([cut], timeout=2)
        found = await self.spoken(storage.get("ab-cut.webp"))
        detail = f"cut short: {_short(found)}"
        self.hold("writes-whole", found is None or found == content, detail)

    async def test_carries_large_files(self, storage: Storage) -> None:
        """Rule ``carries-large-files``."""
        content = bytes(range(256)) * (self.large_file // 256)
        await self.spoken(storage.put("ab-large.webp", content))
        found = await self.spoken(storage.get("ab-large.webp"))
        detail = f"{len(content):,} bytes came back as {_short(found)}"
        self.hold("carries-large-files", found == content, detail)

    async def test_is_there_for_another(self, storage: Storage) -> None:
        """Rule ``is-there-for-another``: put by one, read and deleted by another."""
        other = await self.reopened(storage)
        if other is None:
            self.pass_over("reopened() gives nothing")
            return
        await self.spoken(storage.put("ab-1.webp", b"one"))
        found = await self.spoken(other.get("ab-1.webp"))
        self.hold("is-there-for-another", found == b"one", f"another reads {found!r}")
        await self.spoken(other.delete("ab-1.webp"))
        found = await self.spoken(storage.get("ab-1.webp"))
        self.hold("is-there-for-another", found is None, f"deleted by another, it reads {found!r}")

    # ------------------------------------------------------------------------------------- forgetting

    async def test_knows_nothing_unkept(self, storage: Storage) -> None:
        """Rule ``knows-nothing-unkept``: ``None``."""
        found = await self.spoken(storage.get("ab-missing.webp"))
        self.hold("knows-nothing-unkept", found is None, f"{found!r}")

    async def test_forgets_what_it_is_told(self, storage: Storage) -> None:
        """Rule ``forgets-what-it-is-told``: and takes it in again."""
        for content in (b"one", b"two"):
            await self.spoken(storage.put("ab-1.webp", content))
            await self.spoken(storage.delete("ab-1.webp"))
            found = await self.spoken(storage.get("ab-1.webp"))
            self.hold("forgets-what-it-is-told", found is None, f"still {found!r}")

    async def test_forgets_twice(self, storage: Storage) -> None:
        """Rule ``forgets-twice``: also what was never there."""
        await self.spoken(storage.put("ab-1.webp", b"one"))
        for name in ("ab-1.webp", "ab-1.webp", "ab-missing.webp"):
            refused = await self.refusal(storage.delete(name))
            self.hold("forgets-twice", refused is None, f"{name}: {refused!r}")

    async def test_forgets_only_that(self, storage: Storage) -> None:
        """Rule ``forgets-only-that``."""
        others = ["ab-1.web", "ab-1.jpg", "ab-10.webp", "ab-1a.webp", "ab.webp", "ba-1.webp"]
        for name in ["ab-1.webp", *others]:
            await self.spoken(storage.put(name, name.encode()))
        await self.spoken(storage.delete("ab-1.webp"))
        gone = [n for n in others if await self.spoken(storage.get(n)) != n.encode()]
        self.hold("forgets-only-that", not gone, f"with 'ab-1.webp' went {gone}")

    # ------------------------------------------------------------------------------------- bad callers

    async def test_leads_nowhere_else(self, storage: Storage) -> None:
        """Rule ``leads-nowhere-else``: ``Malformed`` for what writes, ``None`` for what reads."""
        for name in _ELSEWHERE:
            for call, given in _writing(storage, name):
                refused = await self.refusal(call(*given))
                detail = f"{_name(call)}({name[:40]!r}): {refused!r}"
                self.hold("leads-nowhere-else", isinstance(refused, Malformed), detail)
            found = await self.spoken(storage.get(name))
            self.hold("leads-nowhere-else", found is None, f"get({name[:40]!r}): {_short(found)}")

    async def test_says_what_it_is(self, storage: Storage) -> None:
        """Rule ``says-what-it-is``: by the end of its name."""
        for end, expected in (("webp", "image/webp"), ("jpg", "image/jpeg")):
            await self.spoken(storage.put(f"ab-1.{end}", b"one"))
            told = await self.media_type(storage, f"ab-1.{end}")
            if told is None:
                self.pass_over("media_type() tells nothing")
            self.hold("says-what-it-is", told in {None, expected}, f".{end} is served as {told!r}")

    async def test_says_unavailable(self, storage: Storage) -> None:
        """Rule ``says-unavailable``: for all three, and nothing is taken for absent."""
        await self.spoken(storage.put("ab-1.webp", b"one"))
        if not await self.goes_down(storage):
            self.pass_over("goes_down() does nothing")
            return
        for call, given in _all_three(storage):
            refused = await self.refusal(call(*given))
            detail = f"{_name(call)}: {refused!r} while the place cannot be reached"
            self.hold("says-unavailable", isinstance(refused, Unavailable), detail)

    async def test_keeps_secrets(self, storage: Storage) -> None:
        """Rule ``keeps-secrets``: not in logs, errors, nor in what it is printed as."""
        if not self.secrets:
            self.pass_over("secrets are empty")
        with overheard() as heard:
            await self.spoken(storage.put("ab-1.webp", b"one"))
            await self.goes_down(storage)
            errors = [await self.refusal(call(*given)) for call, given in _all_three(storage)]
        told = {
            "a log line": heard,
            "an error": [told_by(error) for error in errors if error is not None],
            "what it is printed as": [repr(storage), str(storage)],
        }
        for secret in self.secrets:
            for where, texts in told.items():
                shown = any(each in text for text in texts for each in spellings(secret))
                # The text itself would be told once more by this very message.
                self.hold("keeps-secrets", not shown, f"{where} contains a secret")


_Asked = Sequence[tuple[Callable[..., Awaitable[Any]], tuple[Any, ...]]]


def _writing(storage: Storage, name: str) -> _Asked:
    return ((storage.put, (name, b"x")), (storage.delete, (name,)))


def _all_three(storage: Storage) -> _Asked:
    return (
        (storage.put, ("ab-2.webp", b"two")),
        (storage.get, ("ab-1.webp",)),
        (storage.delete, ("ab-1.webp",)),
    )


def _short(content: bytes | None) -> str:
    if content is None or len(content) <= 40:
        return f"{content!r}"
    return f"{len(content):,} bytes that begin with {content[:20]!r}"


def _name(call: Callable[..., Any]) -> str:
    return call.__name__
