from __future__ import annotations

import pytest

from commercekit.inventory import AllocationPlan, AllocationRequest, Destination, Location
from commercekit.kernel import new_id
from commercekit_allocation_nearest.strategy import Nearest

PLACES = tuple(
    Location(new_id(), code, code, 100 + n, True, 1, country=country, region=region, postcode=post)
    for n, (code, country, region, post) in enumerate(
        [
            ("nowhere", None, "", ""),
            ("beijing", "CN", "Beijing", "100000"),
            ("hangzhou", "CN", "Zhejiang", "310000"),
            ("ningbo", "CN", "zhejiang ", "315000"),
            ("berlin", "DE", "Berlin", "10115"),
            ("vienna", "AT", "Wien", "1010"),
        ]
    )
)


def order(destination, **options):
    plan = Nearest(**options).plan(
        AllocationRequest(demands=(), destination=destination, market=None, locations=PLACES)
    )
    codes = {place.id: place.code for place in PLACES}
    return [codes[identifier] for identifier in plan.locations]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (
            Destination("CN", "Zhejiang", "315100"),
            ["ningbo", "hangzhou", "beijing", "nowhere", "berlin", "vienna"],
        ),
        (
            Destination("CN", "Hebei", "101500"),
            ["beijing", "hangzhou", "ningbo", "nowhere", "berlin", "vienna"],
        ),
        (Destination("DE"), ["berlin", "nowhere", "beijing", "hangzhou", "ningbo", "vienna"]),
        (Destination("CL"), ["nowhere", "beijing", "hangzhou", "ningbo", "berlin", "vienna"]),
    ],
)
def test_the_nearest_is_asked_first_and_priority_breaks_ties(destination, expected):
    assert order(destination) == expected


def test_neighbours_go_before_the_rest_of_the_world():
    assert order(Destination("CH"), neighbours={"CH": ["AT", "DE"]})[:3] == [
        "vienna",
        "berlin",
        "nowhere",
    ]


def test_without_an_address_the_order_of_the_shop_counts():
    request = AllocationRequest(demands=(), destination=None, market=None, locations=PLACES)
    assert Nearest().plan(request) == AllocationPlan()
