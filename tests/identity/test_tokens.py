from __future__ import annotations

from datetime import timedelta

import pytest

from commercekit.errors import Malformed
from commercekit.identity import (
    ExpiryPassed,
    NewToken,
    ScopeNotHeld,
    TokenNotFound,
)
from commercekit.kernel import PageRequest, new_id
from commercekit.platform.security import Principal, PrincipalKind

CLI = Principal.system("cli")


def wanted(*scopes, **options):
    return NewToken(name="build server", scopes=frozenset(scopes or {"orders:read"}), **options)


async def test_token_opens_what_its_scopes_say(identity):
    issued = await identity.create_token(CLI, wanted("orders:read", "refunds:*"))
    principal = await identity.authenticate(issued.secret)
    assert principal == Principal(
        id=f"token/{issued.token.handle}",
        kind=PrincipalKind.STAFF,
        scopes=frozenset({"orders:read", "refunds:*"}),
        name="build server",
    )


async def test_secret_is_kept_nowhere(identity, database):
    issued = await identity.create_token(CLI, wanted())
    secret = issued.secret.rpartition("_")[2]
    dump = str([dict(r) for r in await database.fetch("SELECT * FROM identity_staff_token")])
    dump += str([dict(r) for r in await database.fetch("SELECT * FROM identity_audit_entry")])
    assert secret not in dump
    assert secret not in repr(issued)


async def test_every_changed_character_makes_it_worthless(identity):
    secret = (await identity.create_token(CLI, wanted())).secret
    for position in (3, 9, 12, 30, len(secret) - 10):
        other = "a" if secret[position] != "a" else "b"
        changed = secret[:position] + other + secret[position + 1 :]
        assert await identity.authenticate(changed) is None


@pytest.mark.parametrize(
    "text", ["", "ck_live_", "ck_live_abc_def", "ck_test_x", "' OR 1=1 --", "ck_live_\x00_x", "ü"]
)
async def test_what_is_no_token_is_refused_quietly(identity, text):
    assert await identity.authenticate(text) is None


async def test_expired_token_stops_at_its_moment(identity, clock):
    expiry = clock.now() + timedelta(hours=1)
    secret = (await identity.create_token(CLI, wanted(expires_at=expiry))).secret
    clock.advance(minutes=59)
    assert await identity.authenticate(secret) is not None
    clock.advance(minutes=1)
    assert await identity.authenticate(secret) is None


async def test_revoked_token_stops_at_once_in_every_process(identity, make_identity):
    issued = await identity.create_token(CLI, wanted())
    elsewhere = make_identity()
    assert await elsewhere.authenticate(issued.secret) is not None
    await identity.revoke_token(CLI, issued.token.id)
    assert await elsewhere.authenticate(issued.secret) is None


async def test_revoking_again_keeps_the_first_date(identity, clock):
    issued = await identity.create_token(CLI, wanted())
    first = clock.now()
    await identity.revoke_token(CLI, issued.token.id)
    clock.advance(days=1)
    await identity.revoke_token(CLI, issued.token.id)
    (token,), _ = await identity.list_tokens(PageRequest())
    assert token.revoked_at == first


async def test_revoking_what_is_not_there_is_refused(identity, database):
    with pytest.raises(TokenNotFound):
        await identity.revoke_token(CLI, new_id())
    assert await database.fetchval("SELECT count(*) FROM identity_audit_entry") == 0


@pytest.mark.parametrize("scope", ["refunds:approve", "orders:*", "*:read", "*:*"])
async def test_nobody_gives_away_what_they_do_not_hold(identity, database, scope):
    clerk = Principal(id="clerk", scopes=frozenset({"orders:read", "tokens:write"}))
    with pytest.raises(ScopeNotHeld) as refusal:
        await identity.create_token(clerk, wanted("orders:read", scope))
    assert refusal.value.extra == {"scope": scope}
    assert await database.fetchval("SELECT count(*) FROM identity_staff_token") == 0


@pytest.mark.parametrize("scopes", [[], ["orders"], ["Orders:read"], ["a:b:c"]])
async def test_scopes_that_are_none_are_refused(identity, scopes):
    with pytest.raises(Malformed):
        await identity.create_token(CLI, NewToken(name="x", scopes=frozenset(scopes)))


async def test_token_that_would_never_work_is_refused(identity, clock):
    with pytest.raises(ExpiryPassed):
        await identity.create_token(CLI, wanted(expires_at=clock.now()))


async def test_making_it_again_after_a_lost_answer_replaces_the_secret(identity, database):
    token_id = new_id()
    first = await identity.create_token(CLI, wanted(), token_id=token_id)
    second = await identity.create_token(CLI, wanted(), token_id=token_id)
    assert await database.fetchval("SELECT count(*) FROM identity_staff_token") == 1
    assert await identity.authenticate(first.secret) is None
    assert await identity.authenticate(second.secret) is not None


async def test_list_is_newest_first_and_goes_on(identity):
    made = [(await identity.create_token(CLI, wanted())).token.id for _ in range(3)]
    page, after = await identity.list_tokens(PageRequest(limit=2))
    assert [token.id for token in page] == [made[2], made[1]]
    rest, end = await identity.list_tokens(PageRequest(limit=2, after=after))
    assert ([token.id for token in rest], end) == ([made[0]], None)


async def test_piccolo_declares_what_the_migration_made(database):
    from commercekit.identity.piccolo_app import APP_CONFIG
    from commercekit.platform.db import schema_drift

    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, APP_CONFIG.table_classes) == []
