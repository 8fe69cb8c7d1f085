"""Which passwords are taken, what a guess costs, and that nobody waits for ever. No database."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import unicodedata

import pytest

from commercekit.errors import Unprocessable
from commercekit.identity import PasswordsBusy, PasswordSettings, WeakPassword
from commercekit.identity.rules import BreachedFile, check_email, check_password, digest_of
from commercekit.identity.service.passwords import Passwords
from commercekit.kernel import new_id

ABOUT = ("Paper Lantern", "li.lei@example.com")


class PlainSealer:
    """Says what would be sealed for where."""

    def seal(self, table, column, row_id, plaintext):
        return f"{table}|{column}|{row_id}|{plaintext}".encode()

    def open(self, table, column, row_id, sealed, as_type=None):
        place, _, text = sealed.decode().rpartition("|")
        assert place == f"{table}|{column}|{row_id}"
        return text


@pytest.fixture
def passwords():
    settings = PasswordSettings(memory_kib=8, passes=1, workers=1, waiting=2)
    made = Passwords(settings, PlainSealer())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("sevench", "too-short"),
        ("12345678", "guessable"),
        ("password1", "guessable"),
        ("qwertyuiop", "guessable"),
        ("aaaaaaaaaaaa", "guessable"),
        ("Paper Lantern", "guessable"),
        ("lantern2026!", "guessable"),
        ("li.lei@example.com", "guessable"),
    ],
)
def test_what_everybody_tries_is_refused_with_the_reason(password, code):
    with pytest.raises(WeakPassword) as refused:
        check_password(password, least=8, known=ABOUT)
    assert refused.value.errors[0][:2] == ("/password", code)


@pytest.mark.parametrize(
    "password",
    [
        "kites above the harbour",
        "长城以北的风很大啊",
        "ключ от старого дома",
        "🏮🪁🛶🏯🎐🧧🐉🎋 boats",
        "k" * 3 + "ites over many a harbour " * 6,
    ],
)
def test_any_letters_and_any_length_are_welcome(password):
    check_password(password, least=8, known=ABOUT)


def test_leaked_passwords_are_found_on_the_disk_wherever_they_stand(tmp_path):
    leaked = [f"leaked {number}" for number in range(300)]
    digests = sorted(hashlib.sha1(each.encode()).hexdigest().upper() for each in leaked)
    file = tmp_path / "pwned.txt"
    for lines in (digests, digests[:1], digests[:2], []):
        file.write_text("".join(f"{each}:{len(each)}\r\n" for each in lines))
        known = BreachedFile(file)
        seen = {each for each in leaked if each in known}
        assert {hashlib.sha1(each.encode()).hexdigest().upper() for each in seen} == set(lines)
        assert "never leaked" not in known
    file.write_text("\n".join(digests))
    with pytest.raises(WeakPassword) as refused:
        check_password("leaked 7", least=8, breached=BreachedFile(file))
    assert refused.value.errors[0].code == "breached"


async def test_a_password_is_the_same_however_it_was_typed(passwords):
    account = new_id()
    stored = await passwords.hash(account, unicodedata.normalize("NFD", "Zürich by the lake"))
    assert b"$argon2id$" in stored
    assert (await passwords.judge(account, stored, "Zürich by the lake")).is_right
    assert not (await passwords.judge(account, stored, "Zurich by the lake")).is_right


async def test_hashes_of_one_password_differ(passwords):
    one, other = [await passwords.hash(new_id(), "kites above") for _ in range(2)]
    assert one.rpartition(b"|")[2] != other.rpartition(b"|")[2]


async def test_unknown_accounts_cost_a_comparison_of_the_same_price_and_are_wrong(
    passwords, monkeypatch
):
    account = new_id()
    stored = await passwords.hash(account, "kites above")
    await passwords.judge(None, None, "anything")  # what is made once is made
    compared = []
    verify = type(passwords._hasher).verify

    def counting(self, stored, given):
        compared.append(stored.rpartition("$")[0].rpartition("$")[0])
        return verify(self, stored, given)

    monkeypatch.setattr(type(passwords._hasher), "verify", counting)
    for owner, known in ((account, stored), (account, None), (None, None)):
        assert not (await passwords.judge(owner, known, "wrong")).is_right
    assert len(compared) == 3
    assert len(set(compared)) == 1


async def test_a_hash_of_other_cost_is_renewed_when_it_is_right_only(passwords):
    account = new_id()
    stored = await passwords.hash(account, "kites above")
    dearer = Passwords(PasswordSettings(memory_kib=16, passes=2), PlainSealer())
    assert (await dearer.judge(account, stored, "wrong")).renewed is None
    judged = await dearer.judge(account, stored, "kites above")
    assert judged.is_right
    assert b"m=16,t=2" in judged.renewed
    assert (await dearer.judge(account, judged.renewed, "kites above")) == (True, None)
    dearer.close()


async def test_who_comes_when_too_many_wait_is_asked_to_come_back(passwords):
    """One in the works and two who wait; whoever hangs up keeps their place until it is done."""
    go = threading.Event()
    waiting = [asyncio.create_task(passwords.in_pool(go.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(PasswordsBusy) as refused:
        await passwords.judge(None, None, "anything")
    assert refused.value.retry_after == 2
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    with pytest.raises(PasswordsBusy):
        await passwords.judge(None, None, "anything")
    go.set()
    await asyncio.wait(waiting)
    async with asyncio.timeout(30):
        while passwords._inside:
            await asyncio.sleep(0)
    assert not (await passwords.judge(None, None, "anything")).is_right


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "@b.cd",
        "a b@c.de",
        "a@b..cd",
        "a@b.c\r\nBcc: x@y.zz",
        "a@b.cd\u202e",
        "a" * 250 + "@b.cd",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Unprocessable):
        check_email(text)


@pytest.mark.parametrize(
    ("text", "email"),
    [(" Li.Lei@Example.COM ", "li.lei@example.com"), ("李雷@例子.中国", "李雷@例子.中国")],
)
def test_addresses_are_compared_without_case_and_blanks(text, email):
    assert check_email(text) == email


@pytest.mark.parametrize(
    "text", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "ß" * 43, "A" * 43 + "\n"]
)
def test_what_cannot_be_a_cookie_of_ours_asks_nobody(text):
    assert digest_of(text) is None
