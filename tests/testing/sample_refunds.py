"""A refund rule that keeps its contract, and one for every way to break it."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from commercekit.orders import Answer, CaseKind, RefundCase, RefundRule, RuleAnswer
from commercekit.testing.conformance import RefundRuleContract

ABSTAIN = Answer(answer=RuleAnswer.ABSTAIN)


class GoodRule(RefundRule):
    """Gives back what is small, and refuses what is asked half a year late."""

    code: ClassVar[str] = "good"
    name: ClassVar[dict[str, str]] = {"en": "Good", "zh": "好"}

    def review(self, case: RefundCase) -> Any:
        if case.age is not None and case.age.days > 180:
            return self.answer(RuleAnswer.REJECT, case)
        if case.kind is CaseKind.REFUND and self.is_small(case) and self.is_there(case):
            return self.answer(RuleAnswer.APPROVE, case)
        return ABSTAIN

    def is_small(self, case: RefundCase) -> bool:
        return case.amount.amount < 100

    def is_there(self, case: RefundCase) -> bool:
        return case.amount <= case.left

    def answer(self, answer: RuleAnswer, case: RefundCase) -> Answer:
        return Answer(answer=answer, reason=self.reason(case))

    def reason(self, case: RefundCase) -> dict[str, str]:
        return {"en": f"because of {case.amount}", "zh": f"因 {case.amount}"}


class GoodContract(RefundRuleContract):
    """The kit's own cases are enough."""

    cpu_budget = 0.01


class SpeaksEnglishOnly(GoodRule):
    name: ClassVar[dict[str, str]] = {"en": "Good"}


class AlwaysAbstains(GoodRule):
    def review(self, case):
        return ABSTAIN


class AnswersYesOrNo(GoodRule):
    def review(self, case):
        return super().review(case) is not ABSTAIN


class AnswersInOtherWords(GoodRule):
    def answer(self, answer, case):
        return Answer(answer="sure", reason=self.reason(case))


class Silent(GoodRule):
    def reason(self, case):
        return {"en": "no", "zh": ""}


class QuotesTheShopper(GoodRule):
    def reason(self, case):
        return {"en": f"you wrote: {case.reason[:100]}", "zh": "您的说明"}


class GivesTwice(GoodRule):
    def is_there(self, case):
        return True


class JudgesTheFirstLine(GoodRule):
    def is_small(self, case):
        return super().is_small(case) or (bool(case.lines) and case.lines[0].amount.amount == 900)


class DividesByTheTotal(GoodRule):
    def is_small(self, case):
        return case.amount.amount / case.total.amount >= 0 and super().is_small(case)


class MarksTheCase(GoodRule):
    def review(self, case):
        msgspec.structs.force_setattr(case, "market", "seen")
        return super().review(case)


class SecondThoughts(GoodRule):
    last: Any = None

    def review(self, case):
        if len(case.lines) > 100:
            return super().review(case)
        again, self.last = case is self.last, case
        return ABSTAIN if again else super().review(case)


class GivesOneEach(GoodRule):
    """Remembers what it gave."""

    given: str = ""

    def is_small(self, case):
        if not super().is_small(case) or not self.is_there(case):
            return False
        self.given = self.given or case.currency + case.market
        return self.given == case.currency + case.market


class PicksFromASet(GoodRule):
    def reason(self, case):
        ways = {"cash", "card", "points", "voucher", "transfer", "cheque"}
        return {"en": f"by {next(iter(ways))}", "zh": "原路退回"}


class ClosedAtNight(GoodRule):
    def is_small(self, case):
        return datetime.now(UTC).year > 2000 and super().is_small(case)


class TossesACoin(GoodRule):
    def is_small(self, case):
        return random.random() >= 0 and super().is_small(case)


class AsksADatabase(GoodRule):
    def review(self, case):
        with suppress(OSError):
            sqlite3.connect(":memory:").close()
        return super().review(case)


class ReadsAList(GoodRule):
    def review(self, case):
        Path(__file__).read_bytes()
        return super().review(case)


class ReadsTheEnvironment(GoodRule):
    def review(self, case):
        return ABSTAIN if os.environ.get("STRICT") else super().review(case)


class ComparesAllWithAll(GoodRule):
    def review(self, case):
        if len(case.lines) > 100:
            for one in case.lines:
                for other in case.lines:
                    for _ in range(20):
                        _same = one is other
        return super().review(case)


class CopiesEverything(GoodRule):
    def review(self, case):
        bytes(2_000_000 if len(case.lines) > 100 else 0)
        return super().review(case)


class KeepsAFile(GoodRule):
    def __init__(self) -> None:
        self.file: list[Any] = []

    def review(self, case):
        if len(case.lines) > 100:
            self.file.append([f"{line.sku}: {line.amount}" for line in case.lines * 3])
        return super().review(case)


BROKEN: dict[type[GoodRule], set[str]] = {
    SpeaksEnglishOnly: {"declares-itself"},
    AlwaysAbstains: {"decides-something"},
    AnswersYesOrNo: {"answers-with-an-answer"},
    AnswersInOtherWords: {"answers-with-an-answer"},
    Silent: {"gives-its-reason"},
    QuotesTheShopper: {"repeats-no-strangers"},
    GivesTwice: {"never-gives-more-than-there-is"},
    JudgesTheFirstLine: {"order-of-lines-means-nothing"},
    DividesByTheTotal: {"raises-nothing"},
    MarksTheCase: {"changes-nothing"},
    SecondThoughts: {"answers-the-same-twice"},
    GivesOneEach: {"keeps-nothing-between-calls", "answers-the-same-on-every-node"},
    PicksFromASet: {"answers-the-same-on-every-node"},
    ClosedAtNight: {"looks-at-no-clock"},
    TossesACoin: {"throws-no-dice"},
    AsksADatabase: {"asks-nobody"},
    ReadsAList: {"reads-nothing-else"},
    ReadsTheEnvironment: {"reads-nothing-else"},
    ComparesAllWithAll: {"keeps-to-its-time"},
    CopiesEverything: {"keeps-to-its-memory"},
    KeepsAFile: {"leaves-nothing-behind"},
}
"""Which rules, and no others, each of them breaks."""
