"""Roles: who may give which to whom, and that what was given is what one can do."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from commercekit.app.permissions import CORE_PERMISSIONS
from commercekit.app.roles import core_roles
from commercekit.errors import ConfigurationError, Malformed
from commercekit.identity import (
    AccountNotFound,
    Client,
    LastOwner,
    LimitView,
    NewAccount,
    NewRole,
    NewToken,
    OwnRole,
    Realm,
    RoleBuiltIn,
    RoleInUse,
    RoleNotFound,
    RoleTaken,
    ScopeNotHeld,
)
from commercekit.kernel import PageRequest, new_id
from commercekit.platform.security import (
    EVERYWHERE,
    LimitKind,
    PermissionBook,
    Principal,
    PrincipalKind,
    Reach,
    Role,
    RoleBook,
)
from tests.platform.http.test_problems import assert_problem

BOSS = Principal.system("cli")
PERMISSIONS = PermissionBook(CORE_PERMISSIONS)
ROLES = RoleBook(core_roles(PERMISSIONS), (), PERMISSIONS)
EU = LimitView(kind=LimitKind.MARKET, codes=["eu"])
UK = LimitView(kind=LimitKind.MARKET, codes=["uk"])
TILL = NewRole(code="till", label={"en": "Till"}, permissions=frozenset({"orders:read"}))


@pytest_asyncio.fixture
async def identity(make_identity):
    service = make_identity(permissions=PERMISSIONS, roles=ROLES)
    yield service
    await service.drained()


@pytest.fixture
def person(identity):
    """A member of staff who is logged in, and a way to see whether they still are."""

    async def make(name, *roles, limit=None):
        account = await identity.accounts.create_staff(
            BOSS, NewAccount(email=f"{name}@example.com", name=name), ()
        )
        for role in roles:
            await identity.roles.bind(BOSS, account.id, role, limit)
        return Person(identity, account)

    return make


class Person:
    def __init__(self, identity, account):
        self.identity, self.account, self.id = identity, account, account.id
        self.cookie = None

    async def log_in(self):
        async with self.identity._db.unit_of_work() as uow:
            session = await self.identity.sessions.open(
                uow, self.account, Client(address="", user_agent="")
            )
        self.cookie = session.secret
        return await self.now()

    async def now(self):
        return await self.identity.sessions.find(PrincipalKind.STAFF, self.cookie)


async def test_a_role_opens_what_it_holds_and_nothing_else(person):
    clerk = await person("clerk", "support", "warehouse")
    principal = await clerk.log_in()
    assert principal.may("orders:write")
    assert principal.may("stock:write")
    assert not principal.may("roles:read")
    assert principal.reach("orders:read") == EVERYWHERE
    assert principal.reach("roles:read").is_nothing


async def test_without_a_role_nothing_is_open(person):
    principal = await (await person("nobody")).log_in()
    assert principal.scopes == frozenset()


async def test_limits_of_several_roles_add_up(person, identity):
    clerk = await person("clerk", "support", limit=EU)
    await identity.roles.bind(BOSS, clerk.id, "support", UK)
    await identity.roles.bind(BOSS, clerk.id, "analyst")
    principal = await clerk.log_in()
    assert principal.reach("orders:write") == Reach(markets=frozenset({"eu", "uk"}))
    assert principal.reach("orders:read") == EVERYWHERE
    assert principal.reach("orders:write").only([LimitKind.LOCATION]).is_nothing


async def test_every_built_in_role_holds_only_what_something_asks_for():
    assert [role.code for role in ROLES] == [
        "owner", "administrator", "support", "purchaser", "marketer", "warehouse", "analyst",
        "read-only",
    ]  # fmt: skip
    for role in ROLES:
        assert all(PERMISSIONS.knows(permission) for permission in role.permissions)
        assert set(role.label) == {"en", "zh"}
    assert "*:*" not in ROLES.permissions_of("administrator")


async def test_who_gets_or_loses_a_role_has_to_log_in_again(person, identity):
    clerk = await person("clerk")
    await clerk.log_in()
    binding = await identity.roles.bind(BOSS, clerk.id, "support")
    assert await clerk.now() is None
    assert (await clerk.log_in()).may("orders:write")
    # Giving the same again changes nothing, for nobody.
    assert await identity.roles.bind(BOSS, clerk.id, "support") == binding
    assert await clerk.now() is not None
    await identity.roles.unbind(BOSS, binding.id)
    assert await clerk.now() is None
    assert not (await clerk.log_in()).may("orders:write")


async def test_a_changed_role_ends_the_sessions_of_all_who_have_it(person, identity):
    await identity.roles.create(BOSS, TILL)
    clerk = await person("clerk", "till")
    assert (await clerk.log_in()).scopes == {"orders:read"}
    wider = NewRole(code="till", label={"en": "Till"}, permissions=frozenset({"orders:*"}))
    assert (await identity.roles.change(BOSS, wider, version=1)).version == 2
    assert await clerk.now() is None
    assert (await clerk.log_in()).may("orders:write")
    with pytest.raises(RoleTaken):
        await identity.roles.change(BOSS, TILL, version=1)


async def test_nobody_gives_what_they_lack(person, identity):
    admin = await (await person("admin", "administrator")).log_in()
    other = await person("other")
    for role in ("owner", "read-only"):
        with pytest.raises(ScopeNotHeld):
            await identity.roles.bind(admin, other.id, role)
    await identity.roles.bind(admin, other.id, "administrator")
    everything = NewRole(code="all", label={"en": "All"}, permissions=frozenset({"*:*"}))
    with pytest.raises(ScopeNotHeld):
        await identity.roles.create(admin, everything)
    assert [b.role for b in await identity.roles.list_bindings(other.id)] == ["administrator"]
    assert "all" not in [role.code for role in await identity.roles.list_roles()]


async def test_nobody_gives_further_than_they_reach(person, identity):
    lead = await person("lead", "support", limit=EU)
    held = (await lead.log_in()).grants
    # Whoever may also write roles, and everywhere, still reaches no further with the rest.
    lead = Principal(id="lead", scopes=frozenset({"orders:read", "roles:write"}), grants=held)
    other = await person("other")
    for limit in (None, UK, LimitView(kind=LimitKind.OWN)):
        with pytest.raises(ScopeNotHeld):
            await identity.roles.bind(lead, other.id, "support", limit)
        with pytest.raises(ScopeNotHeld):
            await identity.create_token(
                lead, NewToken(name="x", scopes=frozenset({"orders:read"}), limit=limit)
            )
    assert (await identity.roles.bind(lead, other.id, "support", EU)).limit == EU
    assert (await other.log_in()).reach("orders:write") == Reach(markets=frozenset({"eu"}))


async def test_nobody_changes_what_they_themselves_may_do(person, identity):
    await identity.roles.create(BOSS, TILL)
    person_ = await person("ann", "owner", "till")
    ann = await person_.log_in()
    with pytest.raises(OwnRole):
        await identity.roles.bind(ann, person_.id, "support")
    for binding in await identity.roles.list_bindings(person_.id):
        with pytest.raises(OwnRole):
            await identity.roles.unbind(ann, binding.id)
    with pytest.raises(OwnRole):
        await identity.roles.change(ann, TILL)
    assert [b.role for b in await identity.roles.list_bindings(person_.id)] == ["owner", "till"]
    assert await person_.now() is not None


async def test_the_last_owner_stays(person, identity):
    ann, bob = await person("ann", "owner"), await person("bob", "owner")
    (of_ann,) = await identity.roles.list_bindings(ann.id)
    (of_bob,) = await identity.roles.list_bindings(bob.id)
    await identity.roles.unbind(BOSS, of_ann.id)
    with pytest.raises(LastOwner):
        await identity.roles.unbind(BOSS, of_bob.id)
    with pytest.raises(LastOwner):
        await identity.accounts.set_disabled(BOSS, bob.id, disabled=True)
    with pytest.raises(LastOwner):
        await identity.accounts.delete_staff(BOSS, bob.id)
    assert (await bob.log_in()).may("roles:write")
    assert (await identity.accounts.get(bob.id, Realm.STAFF)).disabled_at is None


async def test_two_owners_who_remove_each_other_at_once_leave_one(person, identity):
    ann, bob = await person("ann", "owner"), await person("bob", "owner")
    asked = []
    for one, other in ((ann, bob), (bob, ann)):
        actor = await one.log_in()
        (binding,) = await identity.roles.list_bindings(other.id)
        asked.append(identity.roles.unbind(actor, binding.id))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["LastOwner", "NoneType"]
    assert len(await identity.roles.list_bindings(role="owner")) == 1


async def test_roles_of_the_software_and_roles_in_use_stay(person, identity):
    await identity.roles.create(BOSS, TILL)
    await person("clerk", "till")
    with pytest.raises(RoleInUse):
        await identity.roles.remove(BOSS, "till")
    with pytest.raises(RoleBuiltIn):
        await identity.roles.remove(BOSS, "owner")
    with pytest.raises(RoleTaken):
        await identity.roles.create(BOSS, TILL)
    with pytest.raises(RoleNotFound):
        await identity.roles.remove(BOSS, "nothing")
    (binding,) = await identity.roles.list_bindings(role="till")
    await identity.roles.unbind(BOSS, binding.id)
    await identity.roles.remove(BOSS, "till")
    assert "till" not in [role.code for role in await identity.roles.list_roles()]


@pytest.mark.parametrize(
    "role",
    [
        NewRole(code="Till", label={"en": "x"}, permissions=frozenset({"orders:read"})),
        NewRole(code="till", label={"zh": "x"}, permissions=frozenset({"orders:read"})),
        NewRole(code="till", label={"en": "x"}, permissions=frozenset()),
        NewRole(code="till", label={"en": "x"}, permissions=frozenset({"ordres:read"})),
    ],
)
async def test_what_is_no_role_is_refused(identity, role):
    with pytest.raises(Malformed):
        await identity.roles.create(BOSS, role)


async def test_a_limit_has_codes_unless_it_is_ones_own(person, identity):
    clerk = await person("clerk")
    for limit in (
        LimitView(kind=LimitKind.MARKET),
        LimitView(kind=LimitKind.OWN, codes=["x"]),
    ):
        with pytest.raises(Malformed):
            await identity.roles.bind(BOSS, clerk.id, "support", limit)
    with pytest.raises(AccountNotFound):
        await identity.roles.bind(BOSS, new_id(), "support")
    with pytest.raises(RoleNotFound):
        await identity.roles.bind(BOSS, clerk.id, "wizard")
    assert await identity.roles.list_bindings() == []


async def test_what_is_done_with_roles_is_written_down(person, identity):
    await identity.roles.create(BOSS, TILL)
    clerk = await person("clerk", "till", limit=EU)
    (binding,) = await identity.roles.list_bindings(clerk.id)
    await identity.roles.unbind(BOSS, binding.id)
    records, _ = await identity.list_audit(PageRequest())
    told = [(r.action, r.subject, dict(r.details)) for r in records if "roles:" in r.action]
    assert told == [
        ("roles:unbind", f"account/{clerk.id}", {"role": "till", "within": "market eu"}),
        ("roles:bind", f"account/{clerk.id}", {"role": "till", "within": "market eu"}),
        ("roles:create", "role/till", {"permissions": "orders:read"}),
    ]


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (Role(code="pack", label={"en": "x"}, permissions=frozenset()), "begin with acme-"),
        (Role(code="acme-a", label={"zh": "x"}, permissions=frozenset()), "without an English"),
        (
            Role(code="acme-a", label={"en": "x"}, permissions=frozenset({"ordres:read"})),
            "did you mean orders:read",
        ),
    ],
)
def test_a_role_of_a_plugin_that_does_not_fit_stops_the_start(role, told):
    with pytest.raises(ConfigurationError, match=told):
        RoleBook(core_roles(PERMISSIONS), [("acme", role)], PERMISSIONS)


async def test_roles_over_http(client, bearer, person, identity):
    boss = await bearer("*:*")
    body = {"code": "till", "label": {"en": "Till"}, "permissions": ["orders:read"]}
    made = await client.post("/admin/roles", json=body, headers=boss)
    assert (made.status_code, made.json()["origin"]) == (201, "shop")
    assert_problem(await client.post("/admin/roles", json=body, headers=boss), 409, "role-taken")
    content = {"label": {"en": "Till"}, "permissions": ["orders:*"]}
    changed = await client.put("/admin/roles/till", json=content, headers=boss)
    assert_problem(changed, 428, "precondition-required")
    match = boss | {"If-Match": made.headers["etag"]}
    assert (await client.put("/admin/roles/till", json=content, headers=match)).status_code == 200
    stale = await client.put("/admin/roles/till", json=content, headers=match)
    assert_problem(stale, 412, "precondition-failed")

    clerk = await person("clerk")
    bind = {
        "account_id": str(clerk.id),
        "role": "till",
        "limit": {"kind": "market", "codes": ["eu"]},
    }
    bound = await client.post("/admin/role-bindings", json=bind, headers=boss)
    assert bound.status_code == 201
    listed = await client.get(f"/admin/role-bindings?account_id={clerk.id}", headers=boss)
    assert listed.json() == [bound.json()]
    assert_problem(
        await client.post("/admin/role-bindings", json=bind | {"paid": True}, headers=boss),
        400,
        "validation",
    )
    weak = await bearer("roles:write")
    for answer in (
        await client.post("/admin/role-bindings", json=bind, headers=weak),
        await client.post("/admin/roles", json=body | {"code": "more"}, headers=weak),
        await client.delete(f"/admin/role-bindings/{bound.json()['id']}", headers=weak),
    ):
        assert_problem(answer, 403, "scope-not-held")
    assert_problem(await client.delete("/admin/roles/till", headers=boss), 409, "role-in-use")
    gone = await client.delete(f"/admin/role-bindings/{bound.json()['id']}", headers=boss)
    assert gone.status_code == 204
    assert (await client.delete("/admin/roles/till", headers=boss)).status_code == 204
    assert_problem(await client.get("/admin/roles/till", headers=boss), 404, "not-found")


async def test_a_token_within_a_limit_is_refused_where_the_limit_is_not_known(client, bearer):
    limited = await bearer("roles:read", "orders:read", limit=EU)
    assert_problem(await client.get("/admin/roles", headers=limited), 403, "forbidden")
    free = await bearer("roles:read")
    assert (await client.get("/admin/roles", headers=free)).status_code == 200


async def test_an_account_is_made_with_its_roles_or_not_at_all(identity, database):
    owner = await identity.accounts.create_staff(
        BOSS, NewAccount(email="han@example.com"), roles=("owner", "owner")
    )
    [binding] = await identity.roles.list_bindings(owner.id)
    assert (binding.role, binding.limit, owner.scopes) == ("owner", None, ())
    clerk = Principal(id="token/clerk", kind=PrincipalKind.STAFF, scopes=frozenset({"users:*"}))
    for actor, role, refusal in (
        (clerk, "support", ScopeNotHeld),
        (BOSS, "no-such-role", RoleNotFound),
    ):
        with pytest.raises(refusal):
            await identity.accounts.create_staff(
                actor, NewAccount(email="lucy@example.com"), roles=(role,)
            )
    assert await identity.accounts.find(Realm.STAFF, "lucy@example.com") is None
    assert await database.fetchval("SELECT count(*) FROM identity_role_binding") == 1
    assert await database.fetchval("SELECT count(*) FROM identity_mail_proof") == 1
    # The shop stays somebody's.
    other = await identity.accounts.create_staff(
        BOSS, NewAccount(email="lucy@example.com"), roles=("support",)
    )
    with pytest.raises(LastOwner):
        await identity.accounts.delete_staff(BOSS, owner.id)
    await identity.accounts.delete_staff(BOSS, other.id)
