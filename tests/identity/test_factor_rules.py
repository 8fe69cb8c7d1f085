from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from commercekit.errors import Unprocessable
from commercekit.identity.rules.captchas import Ticket, answer_of, open_ticket, seal_ticket
from commercekit.identity.rules.factors import (
    check_number,
    factor_advice,
    match_totp,
    new_code,
    new_recovery_codes,
    new_seed,
    plain_recovery_code,
    shown_target,
    totp_address,
)

NOW = datetime(2026, 11, 23, 10, 0, 10, tzinfo=UTC)
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = int(NOW.timestamp()) // 30
KEY = b"k" * 32


def code_of(steps):
    return pyotp.TOTP(SEED).at(NOW + timedelta(seconds=30 * steps))


def test_known_answer_of_the_standard():
    # RFC 6238, appendix B: the secret "12345678901234567890", 59 seconds, cut to six digits.
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert match_totp(seed, "287082", datetime.fromtimestamp(59, UTC), -1) == 1


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_code_of_now_and_of_either_side_counts(steps):
    assert match_totp(SEED, code_of(steps), NOW, -1) == STEP + steps


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_code_of_any_other_time_does_not(steps):
    assert match_totp(SEED, code_of(steps), NOW, -1) is None


def test_a_step_counts_once_and_none_before_it():
    assert match_totp(SEED, code_of(0), NOW, STEP) is None
    assert match_totp(SEED, code_of(-1), NOW, STEP) is None
    assert match_totp(SEED, code_of(1), NOW, STEP) == STEP + 1


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 456", "-12345"]
)
def test_what_is_no_code_is_wrong(code):
    assert match_totp(SEED, code, NOW, -1) is None


def test_app_reads_shop_and_account_from_the_address():
    uri = totp_address(SEED, account="han@shop.example", issuer="Paper & Lantern")
    found = pyotp.parse_uri(uri)
    assert (found.secret, found.name, found.issuer) == (SEED, "han@shop.example", "Paper & Lantern")


def test_seeds_and_codes_are_as_long_as_they_should_be_and_never_the_same():
    assert len({new_seed() for _ in range(50)}) == 50
    assert all(len(new_seed()) == 32 for _ in range(5))
    assert all(len(code) == 6 and code.isdigit() for code in (new_code() for _ in range(200)))


def test_ten_recovery_codes_of_eighty_bits():
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all([len(part) for part in code.split("-")] == [4, 4, 4, 4] for code in codes)
    assert all(plain_recovery_code(code) == code.replace("-", "") for code in codes)


def test_recovery_code_is_read_however_it_is_written():
    assert plain_recovery_code(" abcd efgh-jkmn PQRS ") == "ABCDEFGHJKMNPQRS"
    for wrong in ("", "ABCD", "ABCD-EFGH-JKMN-PQR0", "ABCD-EFGH-JKMN-PQRS-T"):
        assert plain_recovery_code(wrong) is None


def test_numbers_are_kept_as_they_are_dialled():
    assert check_number(" +86 (139) 0013-9000 ") == "+86" + "13900139000"
    for wrong in ("139" + "00139000", "+0123456789", "+12", "+1234567890123456", "+86,1", ""):
        with pytest.raises(Unprocessable):
            check_number(wrong)


def test_owner_recognises_a_number_that_nobody_learns():
    assert shown_target("+86" + "13900139000") == "+86•••••••9000"
    assert shown_target("han@shop.example") == "h•••@shop.example"


def test_ticket_cannot_be_changed_or_made_elsewhere():
    ticket = Ticket("id", "staff", "login", "visit", 1.5)
    sealed = seal_ticket(KEY, ticket)
    assert open_ticket(KEY, sealed) == ticket
    assert open_ticket(b"x" * 32, sealed) is None
    for text in ("", "a", sealed[:-1], sealed[1:], f"A{sealed[1:]}", "🙂", sealed + "A" * 400):
        assert open_ticket(KEY, text) is None


def test_digits_of_a_ticket_are_the_same_every_time_and_another_shops_are_others():
    tickets = [Ticket(str(n), "staff", "login", "visit", 1.5) for n in range(50)]
    answers = [answer_of(KEY, each) for each in tickets]
    assert answers == [answer_of(KEY, each) for each in tickets]
    assert len(set(answers)) > 45
    assert answers != [answer_of(b"x" * 32, each) for each in tickets]


def test_codes_that_are_sent_come_with_a_warning_in_the_readers_language():
    assert "通行密钥" in factor_advice("sms", ["zh-CN", "en"])
    assert "passkey" in factor_advice("email", ["fr"])
    assert factor_advice("totp", ["en"]) is None
