"""Where a file had a text first, remembered in as little memory as it takes."""

from __future__ import annotations

from array import array

__all__ = ["FirstRows"]

_SHARDS = 64
_SMALLEST = 32


class _Shard:
    """A table of numbers with open addressing, which doubles when it is three quarters full."""

    __slots__ = ("_keys", "_rows", "_used")

    def __init__(self) -> None:
        self._keys = array("q", bytes(8 * _SMALLEST))
        self._rows = array("I", bytes(array("I").itemsize * _SMALLEST))
        self._used = 0

    def get(self, key: int) -> int | None:
        place = self._place(key)
        return self._rows[place] if self._keys[place] else None

    def set_default(self, key: int, row: int) -> int:
        place = self._place(key)
        if self._keys[place]:
            return self._rows[place]
        self._keys[place], self._rows[place] = key, row
        self._used += 1
        if 4 * self._used > 3 * len(self._keys):
            self._double()
        return row

    def _place(self, key: int) -> int:
        keys = self._keys
        last = len(keys) - 1
        place = key & last
        while keys[place] and keys[place] != key:
            place = (place + 1) & last
        return place

    def _double(self) -> None:
        keys, rows = self._keys, self._rows
        self._keys = array("q", bytes(2 * keys.itemsize * len(keys)))
        self._rows = array("I", bytes(2 * rows.itemsize * len(rows)))
        for key, row in zip(keys, rows, strict=True):
            if key:
                place = self._place(key)
                self._keys[place], self._rows[place] = key, row


class FirstRows:
    """In which row each text was first: 16 to 32 bytes a text, however long the texts are.

    A ``dict`` of the same numbers takes a hundred or more, which for the million rows of a large file is
    most of what its import needs. Texts are told apart by 64 bits of their hash. It grows in small steps:
    nobody waits for a table of a million to be made anew.
    """

    def __init__(self) -> None:
        self._shards = [_Shard() for _ in range(_SHARDS)]

    def row_of(self, text: str) -> int | None:
        """The row that the text was in first; ``None`` if in none so far."""
        key = _key(text)
        return self._shards[_shard(key)].get(key)

    def note(self, text: str, row: int) -> int:
        """The row that the text was in first, which is this ``row`` if it is new."""
        key = _key(text)
        return self._shards[_shard(key)].set_default(key, row)


def _key(text: str) -> int:
    # Zero marks what is empty.
    return hash(text) or 1


def _shard(key: int) -> int:
    # By other bits than the place within the shard.
    return (key >> 57) % _SHARDS
