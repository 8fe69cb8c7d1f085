"""What holds for every provider that only thinks: rules of promotions and of refunds, strategies."""

from __future__ import annotations

import copy
import gc
import time
import tracemalloc
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
import pytest
from msgspec import Struct

from commercekit.testing.conformance.contract import Contract
from commercekit.testing.conformance.twins import TwinError, as_bytes, ask_twins
from commercekit.testing.conformance.watching import Reach, Watch

__all__ = ["PURE_RULES", "PureContract", "Question"]

PURE_RULES: Final[Mapping[str, str]] = {
    "raises-nothing": "what raises is left out, and the shopper pays or waits for it",
    "changes-nothing": "what it is given is shared with whoever is asked next",
    "answers-the-same-twice": "a price or a decision must not flicker between two looks",
    "keeps-nothing-between-calls": "what it remembers of one shopper would be told to the next",
    "answers-the-same-on-every-node": (
        "two processes with other hash seeds serve one shopper, and a replay must give the same bytes"
    ),
    "looks-at-no-clock": "an answer that depends on when it is asked cannot be replayed",
    "throws-no-dice": "an answer by chance cannot be explained",
    "asks-nobody": "it is asked for every cart, and a query or a call would make each of them wait",
    "reads-nothing-else": "files and the environment differ from node to node",
    "keeps-to-its-time": "it is asked for every cart, many times over",
    "keeps-to-its-memory": "it is asked for many carts at once",
    "leaves-nothing-behind": "what piles up with every call ends the process",
}

_KEPT_AT_MOST = 64 * 1024


class Question(NamedTuple):
    """One thing that a provider is asked."""

    about: str
    """For whoever reads that the answer was wrong."""
    ask: Callable[..., Any]
    given: tuple[Any, ...]
    large: bool = False
    """Whether the budgets of time and memory are measured on it."""

    def put_to(self, other: Any) -> Question:
        """The same question for another provider of the same kind."""
        return self._replace(ask=getattr(other, self.ask.__name__))


class PureContract(Contract):
    """The rules that need to know nothing of the kind; a kind adds its own."""

    cpu_budget: ClassVar[float] = 0.02
    """Seconds of CPU that one large question may take."""
    memory_budget: ClassVar[int] = 1024 * 1024
    """Bytes that one large question may need at once."""

    @pytest.fixture
    def thinker(self) -> Any:
        """The provider under test, by the one name that all kinds share."""
        raise NotImplementedError

    @abstractmethod
    def questions(self, thinker: Any, *, salt: int = 0) -> Sequence[Question]:
        """What it is asked; another ``salt`` makes the same questions about others."""

    @abstractmethod
    def judge(self, question: Question, answer: Any) -> None:
        """Break the kind's rule about what an answer is made of, unless it is well made."""

    def answer(self, question: Question) -> bytes:
        """The answer as bytes; what is raised breaks ``raises-nothing``."""
        __tracebackhide__ = True
        return as_bytes(self.said(question))

    def said(self, question: Question) -> Any:
        """The answer, well made."""
        __tracebackhide__ = True
        try:
            answer = question.ask(*question.given)
        except Exception as error:
            detail = f"{question.about}: {error!r}"
            raise self.breach(of="raises-nothing", seen=detail) from error
        self.judge(question, answer)
        return answer

    # ------------------------------------------------------------------------------------- the rules

    def test_raises_nothing(self, thinker: Any) -> None:
        """Rule ``raises-nothing``: whatever it is asked about."""
        for question in self.questions(thinker):
            self.said(question)

    def test_changes_nothing(self, thinker: Any) -> None:
        """Rule ``changes-nothing``."""
        for question in self.questions(thinker):
            before = [as_bytes(each) for each in question.given]
            self.said(question)
            same = before == [as_bytes(each) for each in question.given]
            planted = [name for each in question.given for name in _planted(each)]
            detail = f"{question.about}: left {', '.join(planted)}" if planted else question.about
            self.hold("changes-nothing", same and not planted, detail)

    def test_answers_the_same_twice(self, thinker: Any) -> None:
        """Rule ``answers-the-same-twice``."""
        for question in self.questions(thinker):
            first, *others = (self.answer(question) for _ in range(4))
            differing = next((other for other in others if other != first), first)
            self.hold(
                "answers-the-same-twice",
                differing == first,
                f"{question.about}: {first.decode()}, then {differing.decode()}",
            )

    def test_keeps_nothing_between_calls(self, thinker: Any) -> None:
        """Rule ``keeps-nothing-between-calls``: asked in any order, new or used."""
        asked = self.questions(thinker)
        fresh = [self.answer(each.put_to(copy.deepcopy(thinker))) for each in asked]
        used = copy.deepcopy(thinker)
        for each, new in reversed(list(zip(asked, fresh, strict=True))):
            now = self.answer(each.put_to(used))
            detail = f"{each.about}: {new.decode()} when new, {now.decode()} when used"
            self.hold("keeps-nothing-between-calls", now == new, detail)

    def test_answers_the_same_on_every_node(self, thinker: Any) -> None:
        """Rule ``answers-the-same-on-every-node``: two other processes are asked too."""
        rule = "answers-the-same-on-every-node"
        questions = self.questions(thinker)
        unused = copy.deepcopy(thinker)
        new = [question.put_to(unused) for question in questions]
        here = [self.answer(question) for question in questions]
        try:
            others = ask_twins([(question.ask, question.given) for question in new])
        except TwinError as error:
            detail = f"it cannot be asked in another process: {error}"
            raise self.breach(of=rule, seen=detail) from error
        for answers in others:
            for question, said, there in zip(questions, here, answers, strict=True):
                detail = f"{question.about}: {said.decode()} here, {there.decode()} there"
                self.hold(rule, said == there, detail)

    def test_looks_at_no_clock(self, thinker: Any) -> None:
        """Rule ``looks-at-no-clock``: the moment that counts is in what it is given."""
        self._reaches_for_none("looks-at-no-clock", thinker, Reach.CLOCK, Reach.SLEEP)

    def test_throws_no_dice(self, thinker: Any) -> None:
        """Rule ``throws-no-dice``: a ``random.Random`` with a seed of its own is none."""
        self._reaches_for_none("throws-no-dice", thinker, Reach.DICE)

    def test_asks_nobody(self, thinker: Any) -> None:
        """Rule ``asks-nobody``: no network, database, process, thread, event loop."""
        self._reaches_for_none("asks-nobody", thinker, Reach.OTHERS, Reach.WAIT)

    def test_reads_nothing_else(self, thinker: Any) -> None:
        """Rule ``reads-nothing-else``: files of installed packages are as good as code."""
        self._reaches_for_none("reads-nothing-else", thinker, Reach.FILES, Reach.ENVIRONMENT)

    def test_keeps_to_its_time(self, thinker: Any) -> None:
        """Rule ``keeps-to-its-time``: CPU time, the best of five, so that a busy machine is no fault."""
        for question in self.questions(thinker):
            if question.large:
                took = min(self._seconds(question) for _ in range(5))
                detail = f"{question.about}: {took:.4f} s of CPU, more than {self.cpu_budget}"
                self.hold("keeps-to-its-time", took <= self.cpu_budget, detail)

    def test_keeps_to_its_memory(self, thinker: Any) -> None:
        """Rule ``keeps-to-its-memory``."""
        for question in self.questions(thinker):
            if question.large:
                self.said(question)
                with _traced():
                    before, _ = tracemalloc.get_traced_memory()
                    self.said(question)
                    _, peak = tracemalloc.get_traced_memory()
                needed = peak - before
                detail = f"{question.about}: {needed:,} bytes, more than {self.memory_budget:,}"
                self.hold("keeps-to-its-memory", needed <= self.memory_budget, detail)

    def test_leaves_nothing_behind(self, thinker: Any) -> None:
        """Rule ``leaves-nothing-behind``."""
        for question in self._large_ones(thinker, salt=0):
            self.said(question)
        large = [each for salt in range(1, 6) for each in self._large_ones(thinker, salt=salt)]
        asked = len(large)
        with _traced():
            before, _ = tracemalloc.get_traced_memory()
            while large:
                self.said(large.pop())
            kept = tracemalloc.get_traced_memory()[0] - before
            if kept > _KEPT_AT_MOST:
                gc.collect()  # circles are no leak
                kept = tracemalloc.get_traced_memory()[0] - before
        detail = f"{kept:,} bytes are still held after {asked} large questions"
        self.hold("leaves-nothing-behind", kept <= _KEPT_AT_MOST, detail)

    # ------------------------------------------------------------------------------------------------

    def _large_ones(self, thinker: Any, *, salt: int) -> list[Question]:
        return [each for each in self.questions(thinker, salt=salt) if each.large]

    def _reaches_for_none(self, rule: str, thinker: Any, *reaches: Reach) -> None:
        __tracebackhide__ = True
        for question in self.questions(thinker):
            watch = Watch(alone=True)
            try:
                with watch:
                    question.ask(*question.given)
            except Exception as error:
                if not watch.seen:
                    detail = f"{question.about}: {error!r}"
                    raise self.breach(of="raises-nothing", seen=detail) from error
            reached = watch.reached(*reaches)
            self.hold(rule, reached is None, f"{question.about}: {reached}")

    def _seconds(self, question: Question) -> float:
        started = time.thread_time()
        question.ask(*question.given)
        return time.thread_time() - started


class _traced:  # noqa: N801 - reads as a word of the language in a `with`
    """Counts memory, also where somebody counts already."""

    def __enter__(self) -> None:
        self._is_ours = not tracemalloc.is_tracing()
        if self._is_ours:
            tracemalloc.start()
        tracemalloc.reset_peak()

    def __exit__(self, *_exc: object) -> None:
        if self._is_ours:
            tracemalloc.stop()


def _planted(value: Any) -> Iterator[str]:
    """What somebody left in the cached properties of structs, which no encoding shows."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _planted(each)
    elif isinstance(value, Struct):
        kept = getattr(value, "__dict__", {})
        fresh = msgspec.structs.replace(value)
        for name, found in kept.items():
            if not hasattr(type(value), name) or getattr(fresh, name) != found:
                yield f"{type(value).__name__}.{name}"
        for name in value.__struct_fields__:
            yield from _planted(getattr(value, name))
