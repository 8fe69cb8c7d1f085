"""What a process remembers of carts: those that are being filled, however long it runs."""

from datetime import UTC, datetime, timedelta

from commercekit.checkout.models import Cart
from commercekit.checkout.service.lately import Lately
from commercekit.kernel import new_id

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)


def cart(version=1, cart_id=None):
    return Cart(
        id=cart_id or new_id(),
        market="cn",
        locale="en",
        expires_at=NOON + timedelta(days=30),
        version=version,
    )


def put(seen, one, now):
    seen.put(one.id, one, now)


def test_an_hour_of_shoppers_who_left_is_not_held():
    seen = Lately()
    held = []
    for second in range(3600):
        for _ in range(3):
            put(seen, cart(), NOON + timedelta(seconds=second))
        held.append(len(seen))
    assert max(held) <= 3 * 4 * 60
    assert max(held[:900]) == max(held), "after a quarter of an hour it holds no more"


def test_a_cart_that_is_filled_slowly_stays_and_one_that_was_left_goes():
    seen = Lately()
    filled, left = cart(), cart()
    put(seen, left, NOON)
    for minute in range(10):
        now = NOON + timedelta(minutes=minute)
        filled = cart(minute + 1, filled.id)
        put(seen, filled, now)
        assert seen.get(filled.id) is filled, "the version that was seen last"
        put(seen, cart(), now)
    assert seen.get(left.id) is None


def test_a_crowd_at_one_moment_or_a_clock_that_was_set_back_does_not_fill_the_memory():
    seen = Lately()
    for _ in range(30_000):
        put(seen, cart(), NOON)
    assert len(seen) <= 10_000
    early = NOON - timedelta(days=1)
    for second in range(0, 600, 10):
        put(seen, cart(), early + timedelta(seconds=second))
    assert len(seen) <= 24
