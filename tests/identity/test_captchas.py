"""A captcha is for one action of one visit, and taken once."""

from __future__ import annotations

import base64
import json

import altcha
import pytest

from commercekit.identity import (
    CaptchaSettings,
    CustomerRealmSettings,
    IdentitySettings,
    PasswordSettings,
)
from commercekit.identity.rules.captchas import answer_of, open_ticket
from commercekit.kernel import new_id
from tests.platform.http.conftest import client_of
from tests.platform.http.test_problems import assert_problem

WRONG = {"email": "li.lei@example.com", "password": "another one"}


@pytest.fixture
async def identity(make_identity):
    settings = IdentitySettings(
        passwords=PasswordSettings(memory_kib=64, passes=1),
        customers=CustomerRealmSettings(captcha="always"),
        captcha=CaptchaSettings(work=1),
    )
    service = make_identity(settings=settings)
    yield service
    await service.drained()


async def worked(client, action="login"):
    """What the widget sends for a challenge of this browser."""
    given = (await client.get("/store/auth/captcha", params={"action": action})).json()
    challenge = altcha.Challenge.from_dict(given["challenge"])
    solution = altcha.solve_challenge(challenge)
    return altcha.Payload(challenge, solution).to_base64()


async def read(client, sealer, action="login"):
    """What somebody sends who can read."""
    query = {"action": action, "kind": "picture"}
    given = (await client.get("/store/auth/captcha", params=query)).json()
    key = sealer.derived_key("captcha")
    return given["ticket"] + "." + answer_of(key, open_ticket(key, given["ticket"])), given


async def log_in(client, captcha=None):
    # Somebody else each time: what is tried for one account is counted, in test_guarding.py.
    asked = WRONG | {"email": f"{new_id().hex}@example.com"}
    asked |= {} if captcha is None else {"captcha": captcha}
    return await client.post("/store/auth/login", json=asked)


async def test_a_browser_that_worked_gets_as_far_as_the_password(client):
    assert_problem(await log_in(client), 400, "captcha")
    assert_problem(await log_in(client, await worked(client)), 401, "wrong-credentials")


async def test_digits_are_read_or_heard(client, sealer):
    answer, given = await read(client, sealer)
    assert base64.b64decode(given["picture"].partition(",")[2]).startswith(b"\x89PNG")
    assert answer.rpartition(".")[2] not in json.dumps(given | {"picture": ""})
    sound = await client.get(given["sound"])
    assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/wav")
    assert sound.content.startswith(b"RIFF")
    assert sound.headers["cache-control"] == "no-store"
    assert_problem(await log_in(client, answer), 401, "wrong-credentials")
    stranger = await client.get("/store/auth/captcha/sound", params={"ticket": "made-up"})
    assert_problem(stranger, 400, "captcha")


async def test_it_is_taken_once(client, sealer):
    for captcha in (await worked(client), (await read(client, sealer))[0]):
        assert_problem(await log_in(client, captcha), 401, "wrong-credentials")
        assert_problem(await log_in(client, captcha), 400, "captcha")


async def test_a_wrong_answer_uses_the_picture_up(client, sealer):
    right, given = await read(client, sealer)
    wrong = f"{given['ticket']}.{(int(right[-6:]) + 1) % 1_000_000:06}"
    assert_problem(await log_in(client, wrong), 400, "captcha")
    assert_problem(await log_in(client, right), 400, "captcha")


async def test_another_visit_another_action_and_another_realm_refuse_it(client, sealer, identity):
    async with client_of(client._transport.app) as somebody_else:
        theirs = await worked(somebody_else)
    assert_problem(await log_in(client, theirs), 400, "captcha")
    assert_problem(await log_in(client, await worked(client, "register")), 400, "captcha")
    given = (await client.get("/admin/auth/captcha", params={"kind": "picture"})).json()
    key = sealer.derived_key("captcha")
    staffs = f"{given['ticket']}.{answer_of(key, open_ticket(key, given['ticket']))}"
    assert_problem(await log_in(client, staffs), 400, "captcha")


async def test_it_is_over_after_ten_minutes(client, clock, sealer):
    answers = [await worked(client), (await read(client, sealer))[0]]
    clock.advance(minutes=10)
    for answer in answers:
        assert_problem(await log_in(client, answer), 400, "captcha")


async def test_what_was_not_worked_out_here_is_refused(client):
    genuine = json.loads(base64.b64decode(await worked(client)))
    cheap = altcha.create_challenge("PBKDF2/SHA-256", 1, hmac_secret=b"x", data={"ticket": "x"})
    forgeries = [
        altcha.Payload(cheap, altcha.solve_challenge(cheap)).to_base64(),
        _packed(genuine | {"solution": {"counter": 10**6, "derivedKey": "00"}}),
        _packed({"challenge": genuine["challenge"], "solution": None}),
        _packed({"challenge": {"parameters": {"algorithm": ["x"]}}}),
        _packed([]),
        "no base 64",
        "🙂",
        "a.b",
        ".",
        "=" * 4096,
        base64.b64encode(b"[" * 2000).decode(),
    ]
    for forged in forgeries:
        assert_problem(await log_in(client, forged), 400, "captcha")
    assert_problem(await log_in(client, _packed(genuine)), 401, "wrong-credentials")


def _packed(payload):
    return base64.b64encode(json.dumps(payload).encode()).decode()
