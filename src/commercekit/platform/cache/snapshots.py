"""What a reader saw of the database, and which changes are known: whether a kept value is still true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Ledger", "Snapshot"]


class Snapshot(NamedTuple):
    """Which transactions somebody saw, as PostgreSQL tells it (``pg_current_snapshot``).

    All below ``xmin`` were over, none from ``xmax`` on had begun, those in ``running`` had not ended.
    """

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """From PostgreSQL's words: ``xmin:xmax:xid,xid…``. Raises :class:`ValueError`."""
        low, high, running = text.split(":")
        return cls(int(low), int(high), frozenset(map(int, filter(None, running.split(",")))))

    def sees(self, xid: int) -> bool:
        """Whether what the committed transaction ``xid`` wrote was to be seen."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)

    @property
    def order(self) -> bytes:
        """Sorts like the moments in which snapshots of one server were taken; always 36 bytes."""
        fewer = 0xFFFF - min(len(self.running), 0xFFFF)
        return b"%016x%016x%04x" % (self.xmax, self.xmin, fewer)

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.running)))}"


class Ledger:
    """The changes that a process knows of, by what they made old.

    A value may be taken if its snapshot saw every change known for it. ``horizon`` is what makes silence
    mean something: changes of transactions below it may be unknown here, so a value must have seen the
    end of all of them. Nothing in it is a time: a node that stands still for an hour and stores then what
    it read before is refused all the same.
    """

    def __init__(self, *, most: int = 20_000) -> None:
        self._most = most
        self._young: dict[str, tuple[int, ...]] = {}
        self._old: dict[str, tuple[int, ...]] = {}
        self._count = 0
        self._horizon: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all changes from some horizon on are known here."""
        return self._horizon is not None

    def reset(self) -> None:
        """Changes were missed: nothing is proven until :meth:`complete`."""
        self._horizon = None
        self._young, self._old, self._count = {}, {}, 0

    def complete(self, horizon: int, changes: Iterable[tuple[int, Sequence[str]]]) -> None:
        """These, and those told meanwhile, are all from ``horizon`` on."""
        for xid, names in changes:
            self.note(xid, names)
        self._horizon = max(horizon, self._horizon or 0)

    def note(self, xid: int, names: Sequence[str]) -> None:
        """The committed transaction ``xid`` made what has these names old."""
        young = self._young
        for name in names:
            known = young.get(name, ())
            if xid not in known:
                young[name] = (*known, xid)
                self._count += 1
        if self._count > self._most:
            self._turn()

    def proves(self, names: Sequence[str], snapshot: Snapshot) -> bool:
        """Whether who saw ``snapshot`` saw everything that is known of these names."""
        if self._horizon is None or snapshot.xmin < self._horizon:
            return False
        for known in (self._young, self._old):
            for name in names:
                for xid in known.get(name, ()):
                    if not snapshot.sees(xid):
                        return False
        return True

    def latest(self, names: Sequence[str]) -> int:
        """The youngest change of these names; 0 if none is known."""
        known = (self._young, self._old)
        return max(
            (xid for some in known for name in names for xid in some.get(name, ())), default=0
        )

    def _turn(self) -> None:
        """Forget the older half; who has not seen the end of all of it is not trusted any more."""
        forgotten = max((xid for known in self._old.values() for xid in known), default=-1)
        if self._horizon is not None:
            self._horizon = max(self._horizon, forgotten + 1)
        self._old, self._young, self._count = self._young, {}, 0
