"""What is sent to another process: some arrive, some do not."""

from __future__ import annotations

import os


class Thinker:
    def twice(self, number: int) -> int:
        return 2 * number

    def seed(self, _number: int) -> str:
        return os.environ["PYTHONHASHSEED"]

    def order(self, word: str) -> list[str]:
        self.asked = [*getattr(self, "asked", []), word]
        return self.asked

    def prints(self, number: int) -> int:
        print("noise", flush=True)  # noqa: T201 - what is tried
        return number

    def fails(self, number: int) -> int:
        raise ValueError(number)

    def ends(self, number: int) -> int:
        os._exit(3)


class Holder(Thinker):
    def __init__(self) -> None:
        self.ask = lambda: None
