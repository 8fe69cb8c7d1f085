from __future__ import annotations

import asyncpg
import pytest

from commercekit.identity import NewToken
from commercekit.kernel import PageRequest
from commercekit.platform.security import AuditEntry, Principal

CLI = Principal.system("cli")


async def test_privileged_acts_say_who_what_when_and_why(identity, clock):
    issued = await identity.create_token(
        CLI, NewToken(name="x", scopes=frozenset({"orders:read"})), request_id="r-1"
    )
    await identity.revoke_token(CLI, issued.token.id, reason="lost laptop", request_id="r-2")
    (revoked, created), _ = await identity.list_audit(PageRequest())
    subject = f"token/{issued.token.handle}"
    assert (created.actor, created.action, created.subject) == ("cli", "tokens:create", subject)
    assert (created.request_id, created.at) == ("r-1", clock.now())
    assert created.details == {"name": "x", "scopes": "orders:read"}
    assert (revoked.action, revoked.reason) == ("tokens:revoke", "lost laptop")


async def test_entry_and_act_come_and_go_together(identity, database):
    with pytest.raises(RuntimeError, match="act failed"):
        async with database.unit_of_work() as uow:
            await identity.record(uow, AuditEntry(actor="a", action="orders:cancel"))
            raise RuntimeError("act failed")
    assert (await identity.list_audit(PageRequest()))[0] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE identity_audit_entry SET actor = 'someone else'",
        "DELETE FROM identity_audit_entry",
        "TRUNCATE identity_audit_entry",
    ],
)
async def test_entries_are_neither_changed_nor_removed(identity, database, statement):
    async with database.unit_of_work() as uow:
        await identity.record(uow, AuditEntry(actor="a", action="orders:cancel"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(statement)
    ((record,), _) = await identity.list_audit(PageRequest())
    assert record.actor == "a"
