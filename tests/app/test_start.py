import pytest

from tests.benchmarks.starting import ALLOWED_MS, measure_starts


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_plugins_add_at_most_150_ms_to_a_start():
    seen = measure_starts(plugins=20, rounds=5)
    # The least of each is what the machine's other work has disturbed least.
    assert min(seen.full) - min(seen.bare) <= ALLOWED_MS, seen
