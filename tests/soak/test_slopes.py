"""A soak sees what grows, and is not deceived by what jumps."""

from __future__ import annotations

import random

import pytest

from tests.soak.slopes import Sample, judge, slope


def samples(minutes=30, an_hour=0.0, files=0.0, noise=2.0, **last):
    dice = random.Random(1)
    made = [
        Sample(
            seconds=at,
            megabytes=300
            + 60 * min(1, at / 300)
            + an_hour * at / 3600
            + dice.uniform(-noise, noise),
            files=int(80 + files * at / 60 + dice.randint(0, 4)),
            connections=dice.randint(6, 12),
            facts_waiting=dice.randint(0, 9),
        )
        for at in range(0, minutes * 60, 5)
    ]
    end = {"connections": 8, "facts_waiting": 0, **last}
    return [*made, Sample(**{**made[-1].__dict__, "seconds": minutes * 60, **end})]


@pytest.mark.promise("R38")
def test_a_shop_that_grows_is_seen():
    assert judge(samples(an_hour=60)).wrong == ["memory grows"]
    assert judge(samples(files=2)).wrong == ["files grow"]
    assert judge(samples(connections=40)).wrong == ["connections grow"]
    assert judge(samples(facts_waiting=3)).wrong == ["facts wait"]


def test_a_shop_that_warms_up_and_jumps_is_not_blamed():
    verdict = judge(samples())
    assert verdict.wrong == []
    assert abs(verdict.megabytes_an_hour) < 2


def test_one_outlier_moves_no_slope():
    made = samples(noise=0)
    made[100] = Sample(**{**made[100].__dict__, "megabytes": 9000.0})
    late = made[70:]
    assert abs(slope(late, lambda sample: sample.megabytes)) < 1e-9
