from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.platform.providers import SignatureInvalid
from commercekit_payment_stripe.signing import TOLERANCE, signature, signature_header, verify

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
AT = int(NOW.timestamp())
OLD, NEW = (f"whsec_{secrets.token_hex(16)}" for _ in range(2))
BODY = b'{"id":"evt_1","object":"event"}'


@given(st.binary(min_size=1), st.integers(0), st.integers(1, 255), st.text(min_size=1))
def test_any_changed_byte_is_refused(body, position, change, secret):
    header = signature_header([secret], AT, body)
    verify([secret], body, header, NOW)
    changed = bytearray(body)
    changed[position % len(body)] ^= change
    with pytest.raises(SignatureInvalid):
        verify([secret], bytes(changed), header, NOW)


@given(st.integers(0), st.characters(codec="latin-1"))
def test_a_changed_header_is_refused_or_means_the_same(position, character):
    header = signature_header([NEW], AT, BODY)
    at = position % len(header)
    changed = header[:at] + character + header[at + 1 :]
    if changed != header:
        with pytest.raises(SignatureInvalid):
            verify([NEW], BODY, changed, NOW)


@given(st.text())
def test_no_text_is_a_signature_by_chance(header):
    with pytest.raises(SignatureInvalid):
        verify([NEW], BODY, header, NOW)


def test_while_a_secret_is_rolled_both_sides_may_have_either():
    both = signature_header([NEW, OLD], AT, BODY)
    for known in ([OLD], [NEW], [OLD, NEW], [NEW, OLD]):
        verify(known, BODY, both, NOW)
    verify([NEW, OLD], BODY, signature_header([OLD], AT, BODY), NOW)
    with pytest.raises(SignatureInvalid):
        verify([NEW], BODY, signature_header([OLD], AT, BODY), NOW)


def test_the_test_modes_signature_proves_nothing():
    mine = signature(NEW, AT, BODY)
    with pytest.raises(SignatureInvalid):
        verify([NEW], BODY, f"t={AT},v0={mine}", NOW)
    verify([NEW], BODY, f"t={AT},v0={'0' * 64},v1={mine}", NOW)


@pytest.mark.parametrize("age", [TOLERANCE + 1, -TOLERANCE - 1, 30 * 86_400])
def test_the_window_holds_on_both_sides(age):
    header = signature_header([NEW], AT - age, BODY)
    with pytest.raises(SignatureInvalid) as refused:
        verify([NEW], BODY, header, NOW)
    assert refused.value.stale


@pytest.mark.parametrize("age", [TOLERANCE, 0, -TOLERANCE])
def test_within_the_window_it_counts(age):
    verify([NEW], BODY, signature_header([NEW], AT - age, BODY), NOW)


def test_an_old_time_beside_the_signed_one_is_refused():
    header = signature_header([NEW], AT, BODY)
    with pytest.raises(SignatureInvalid):
        verify([NEW], BODY, f"t={AT - 10},{header}", NOW)


def test_an_empty_secret_verifies_nothing():
    with pytest.raises(SignatureInvalid):
        verify([""], BODY, signature_header([""], AT, BODY), NOW)


def test_a_flood_of_signatures_is_not_worked_through():
    header = f"t={AT}," + ",".join(["v1=" + "0" * 64] * 100) + f",v1={signature(NEW, AT, BODY)}"
    with pytest.raises(SignatureInvalid):
        verify([NEW], BODY, header, NOW)
