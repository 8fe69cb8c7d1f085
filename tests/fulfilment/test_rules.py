from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.errors import InvalidTransition
from commercekit.fulfilment import SHIPMENT_STATES, ShipmentStatus, TrackCode, TrackEvent
from commercekit.fulfilment.rules import event_key, furthest, merged

S, C = ShipmentStatus, TrackCode


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([], None),
        ([C.INFO], None),
        ([C.PICKED_UP], S.HANDED_OVER),
        ([C.IN_TRANSIT], S.IN_TRANSIT),
        ([C.CUSTOMS], S.IN_TRANSIT),
        ([C.OUT_FOR_DELIVERY, C.ATTEMPT_FAILED], S.OUT_FOR_DELIVERY),
        ([C.AVAILABLE_FOR_PICKUP], S.OUT_FOR_DELIVERY),
        ([C.EXCEPTION], S.IN_TRANSIT),
        ([C.LOST, C.IN_TRANSIT], S.FAILED),
        ([C.LOST, C.DELIVERED], S.DELIVERED),
        ([C.DELIVERED, C.RETURNING], S.RETURNING),
        ([C.RETURNED, C.DELIVERED], S.RETURNED),
        ([C.CANCELLED], S.CANCELLED),
        ([C.CANCELLED, C.PICKED_UP], S.HANDED_OVER),
    ],
)
def test_state_is_the_furthest_that_any_news_reached(codes, status):
    for order in itertools.permutations(codes):
        assert furthest(order) is status


@given(st.permutations([C.PICKED_UP, C.IN_TRANSIT, C.OUT_FOR_DELIVERY, C.DELIVERED]))
def test_order_of_arrival_never_matters(codes):
    status = S.CREATED
    for end in range(1, len(codes) + 1):
        status = merged(status, codes[:end])
    assert status is S.DELIVERED


@given(st.sampled_from(S), st.lists(st.sampled_from(C)))
def test_news_only_ever_take_an_allowed_step(current, codes):
    after = merged(current, codes)
    assert after is current or SHIPMENT_STATES.allows(current, after)


@pytest.mark.parametrize("status", [S.CANCELLED, S.RETURNED])
def test_nothing_follows_an_end(status):
    for code in C:
        assert merged(status, [code]) is status
    with pytest.raises(InvalidTransition):
        SHIPMENT_STATES.check(status, S.IN_TRANSIT)


def test_events_without_an_id_are_told_apart_by_number_time_and_text():
    def event(**changes):
        base = {
            "event_id": "",
            "tracking_number": "F1",
            "code": C.IN_TRANSIT,
            "provider_code": "30",
            "at": datetime(2026, 11, 22, tzinfo=UTC),
            "text": "left",
        }
        return TrackEvent(**{**base, **changes})

    assert event_key(event()) == event_key(event(code=C.CUSTOMS))
    assert event_key(event(text="arrived")) != event_key(event())
    assert event_key(event(tracking_number="F2")) != event_key(event())
    assert event_key(event(event_id="x")) == "x"
