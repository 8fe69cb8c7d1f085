"""What commands say while they work."""

from __future__ import annotations

from types import SimpleNamespace

from commercekit.cli import output


def test_without_a_terminal_it_is_said_now_and_then_how_far_it_is(capsys, monkeypatch):
    now = iter([0.0, 10.0, 31.0, 40.0, 62.0])
    monkeypatch.setattr(output, "time", SimpleNamespace(monotonic=lambda: next(now)))
    with output.progress("Importing mugs.csv") as advance:
        for done in (1_000, 3_170, 4_000, 7_200):
            advance(done, 9_000)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "Importing mugs.csv: 3,170 of 9,000, 70 a second",
        "Importing mugs.csv: 7,200 of 9,000, 100 a second",
    ]
    assert said.out == ""


def test_what_is_done_soon_says_nothing(capsys):
    with output.progress("Importing mugs.csv") as advance:
        advance(1)
        advance(2)
    assert capsys.readouterr().err == ""
