"""A plugin that used everything is gone: the shop goes on, says what is orphaned, and can remove it."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from litestar import get
from msgspec import Struct
from structlog.testing import capture_logs

from commercekit.app import PluginLeftovers
from commercekit.app.maintenance import maintenance
from commercekit.errors import Conflict, NotFound
from commercekit.orders import OrderPaid, OrderPlaced
from commercekit.platform.bus import Subscription
from commercekit.platform.extensions import Audience, ExtensionField, FieldIndexes, Writer
from commercekit.platform.jobs import JobContext, JobKind, Schedule
from commercekit.platform.security import Permission, Principal, requires
from commercekit_payment_sandbox.gateway import SandboxGateway
from tests.app.plugged import bringing, opened
from tests.shop import MUG, given, refused

CLI = Principal.system("test")


class Wrap(Struct):
    order_id: UUID


async def nothing(*_args):
    return None


def no_schedules():
    return []


def field(entity, name, kind=str, **more):
    return ExtensionField(
        entity=entity, name=name, type=kind, label={"en": name, "zh": name}, **more
    )


def routes():
    @get("/wraps", guards=[requires("acme:read")])
    async def wraps() -> list[str]:
        return []

    return [wraps]


def acme(**more):
    """Tables are the sandbox's: they are there, and nobody else's."""
    hooks = {
        "register_extension_fields": [
            field("product", "material", visible=Audience.STORE, indexed=True),
            field("variant", "box"),
            field("cart", "paper", visible=Audience.STORE, writable=Writer.STORE),
        ],
        "register_permissions": [Permission("acme:read", {"en": "See", "zh": "查看"})],
        "register_jobs": lambda: [JobKind("acme.wrap", nothing, payload=Wrap)],
        "register_schedules": lambda: [
            Schedule("acme.sweep", every=timedelta(minutes=1), job="acme.wrap")
        ],
        "register_subscriptions": lambda: [
            Subscription("acme.wrapper", OrderPlaced, nothing),
            Subscription("acme.wrapper", OrderPaid, nothing),
        ],
        "register_routes": routes,
        **more,
    }
    return bringing(**hooks)


async def used(shop):
    """Values, an order, a queued job, a token, an unseen fact and an index of it."""
    own = shop.shop
    await FieldIndexes(own.db, own.fields).bring()
    await PluginLeftovers(own).remember()
    mug = await own.catalog.product_by_slug("mug")
    async with own.db.unit_of_work() as uow:
        mine = own.context("acme").extensions
        await mine.write(uow, "product", mug.id, {"material": "clay"})
        await mine.write(uow, "variant", mug.variants[0].id, {"box": "S"})
    order = await shop.placed((MUG, 1), extensions={"acme": {"paper": "stars"}})
    await shop.token("acme:read", "orders:read")
    await shop.token("acme:*")
    async with own.db.unit_of_work() as uow:
        await own.context("acme").enqueue(uow, "acme.wrap", Wrap(UUID(order["id"])))
    await own.bus._relay.move()
    return order


async def test_without_its_plugin_the_shop_starts_serves_and_shows_old_orders(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, acme()) as shop:
        order = await used(shop)
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        assert "extensions" not in given(await shop.client.get("/store/products/mug"))
        assert (await shop.read(order))["number"] == order["number"]
        await shop.placed((MUG, 1))
        refused(await shop.client.get("/plugins/acme/wraps"), 404, "not-found")
        await shop.settle()
        with capture_logs() as logs:
            await PluginLeftovers(shop.shop).tell()
        (told,) = [entry for entry in logs if entry["event"] == "plugin-gone"]
        assert told["plugin"] == "acme"
        assert told["fields"] == ["cart.paper", "product.material", "variant.box"]
        assert told["jobs"] == ["acme.wrap"]
        assert told["cure"] == "install it again, or: commercekit plugins remove-data acme"


async def test_jobs_that_nobody_does_are_parked_with_a_reason_and_taken_up_when_it_is_back(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path, acme()) as shop:
        await used(shop)
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        await shop.shop.jobs.run_due()
        jobs = given(await shop.admin("GET", "/admin/jobs?kind=acme.wrap"))["items"]
        assert [(each["state"], each["attempts"]) for each in jobs] == [("waiting", 0)]
        clock.advance(timedelta(minutes=16))
        await set_aside(shop)
        jobs = given(await shop.admin("GET", "/admin/jobs?kind=acme.wrap"))["items"]
        assert [(each["state"], each["attempts"], each["error"]) for each in jobs] == [
            (
                "parked",
                0,
                "nothing in this shop does work of this kind; install its plugin again, or cancel",
            )
        ]
    done = []

    async def wrap(context: JobContext) -> None:
        done.append(context.payload.order_id)

    back = acme(
        register_jobs=lambda: [JobKind("acme.wrap", wrap, payload=Wrap)],
        register_schedules=no_schedules,
    )
    async with opened(dsn, clock, tmp_path, back, goods=False) as shop:
        await shop.shop.jobs.run_due()
        assert len(done) == 1
        jobs = given(await shop.admin("GET", "/admin/jobs?kind=acme.wrap"))["items"]
        assert [each["state"] for each in jobs] == ["done"]


async def set_aside(shop):
    kinds, _ = maintenance(shop.shop)
    (kind,) = [kind for kind in kinds if kind.name == "platform.park-strangers"]
    await kind.handler(
        JobContext(UUID(int=0), None, attempt=1, is_last=False, due_at=shop.clock.now())
    )


async def test_jobs_that_somebody_does_and_those_not_yet_due_are_left_alone(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, acme(), goods=False) as shop:
        own = shop.shop
        async with own.db.unit_of_work() as uow:
            await own.jobs.enqueue(uow, "acme.wrap", Wrap(UUID(int=1)))
            await own.jobs.enqueue(uow, "gone.kind", due_at=clock.now() + timedelta(hours=1))
        clock.advance(timedelta(minutes=20))
        await set_aside(shop)
        states = await own.db.fetch("SELECT kind, state FROM platform_job ORDER BY kind")
        assert [(row["kind"], row["state"]) for row in states] == [
            ("acme.wrap", "waiting"),
            ("gone.kind", "waiting"),
        ]


async def test_facts_are_kept_for_a_consumer_that_is_away(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, acme()) as shop:
        await shop.shop.bus.drain()
        await shop.placed((MUG, 1))
        await shop.shop.bus._relay.move()
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        await shop.placed((MUG, 1))
        await shop.settle()
        assert await unheard(shop) == 2
    heard = []

    async def hear(_uow, event, _meta):
        heard.append(event.number)

    back = acme(register_subscriptions=lambda: [Subscription("acme.wrapper", OrderPlaced, hear)])
    async with opened(dsn, clock, tmp_path, back, goods=False) as shop:
        await shop.shop.bus.drain()
        assert len(heard) == 2


async def unheard(shop):
    return await shop.shop.db.fetchval(
        "SELECT count(*) FROM platform_delivery WHERE consumer = 'acme.wrapper' AND state = 'waiting'"
        " AND wanted"
    )


class AcmeGateway(SandboxGateway):
    code = "acme-pay"


def paying(ctx):
    from commercekit_payment_sandbox.bank import Bank

    return [AcmeGateway(Bank(ctx))]


async def test_a_refund_through_a_gateway_that_is_gone_is_refused_with_the_cure(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path) as shop:
        order = await shop.paid((MUG, 1))
        await shop.settle()
        await shop.shop.db.execute("UPDATE payments_payment SET gateway = 'acme-pay'")
        asked = await shop.asked_back(order, 1)
        answer = await shop.approve(asked)
        problem = refused(answer, answer.status_code, "payment-gateway-unavailable")
        assert answer.status_code == 503
        assert "'acme-pay'" in problem["detail"]
        assert "enable it to go on" in problem["detail"]
        assert await shop.count("payments_refund") == 0
        seen = await shop.read(order)
        assert seen["payment_status"] == "paid"
        # The others are served all the same.
        await shop.paid((MUG, 1))


async def test_an_order_that_waits_for_money_through_a_gateway_that_is_gone_keeps_nobody_waiting(
    dsn, clock, tmp_path
):
    async with opened(dsn, clock, tmp_path) as shop:
        lost = await shop.placed((MUG, 1))
        await shop.shop.db.execute("UPDATE payments_payment SET gateway = 'acme-pay'")
        other = await shop.placed((MUG, 1))
        clock.advance(timedelta(hours=1))
        await shop.settle()
        assert (await shop.read(other))["status"] == "cancelled"
        # Money may still come for this one: a person decides.
        assert (await shop.read(lost))["status"] == "placed"


async def test_a_promotion_whose_rule_is_gone_takes_nothing_off_and_says_so(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path) as shop:
        await shop.promotion("ten", "percentage-off", {"basis_points": 1000})
        await shop.shop.db.execute("UPDATE promotions_promotion SET rule = 'acme-rule';")
        await shop.shop.db.execute("UPDATE promotions_edition SET number = number + 1")
        cart = await shop.cart((MUG, 2), ready=True)
        assert (await cart.read())["totals"]["discount"]["amount"] == 0
        given(await shop.admin("GET", "/admin/promotions/ten"))
        given(await cart.checkout(10000), 201)


async def test_a_parcel_of_a_carrier_that_is_gone_is_still_shown(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path) as shop:
        order = await shop.paid((MUG, 1))
        given(await shop.ship(order), 201)
        await shop.shop.db.execute("UPDATE fulfilment_shipment SET carrier = 'acme-post'")
        await shop.settle()
        seen = await shop.read(order)
        assert [each["carrier"] for each in seen["shipments"]] == ["Sandbox standard"]
        answer = await shop.ship(await shop.paid((MUG, 1)), carrier="acme-post")
        refused(answer, answer.status_code, "carrier-required")


# ------------------------------------------------------------------------------------ remove-data


TABLES = {"acme_gifts": ["acme_ribbon", "acme_wrap"]}


async def with_tables(shop):
    """As a plugin's migrations would have made them."""
    db = shop.shop.db
    await db.execute("CREATE TABLE acme_wrap (id uuid PRIMARY KEY)")
    await db.execute("CREATE TABLE acme_ribbon (id int, wrap_id uuid REFERENCES acme_wrap (id))")
    await db.execute("INSERT INTO acme_ribbon (id) SELECT generate_series(1, 7)")
    await db.execute(
        "INSERT INTO migration (app_name, name, ran_on) VALUES ('acme_gifts', '1', now())"
    )
    await db.execute(
        "UPDATE platform_plugin SET brought = jsonb_set(brought, '{apps}', $1::jsonb)"
        " WHERE code = 'acme'",
        json.dumps(TABLES),
    )
    await shop.shop.sealer.load(db, ("acme_wrap",))


@pytest.fixture
async def left(dsn, clock, tmp_path):
    """A shop in which the plugin was, two minutes and more ago."""
    async with opened(dsn, clock, tmp_path, acme()) as shop:
        order = await used(shop)
        await with_tables(shop)
    clock.advance(timedelta(minutes=5))
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        yield shop, order


async def test_what_would_be_removed_is_told_and_nothing_is(left):
    shop, _ = left
    found = await PluginLeftovers(shop.shop).of("acme")
    assert [(table.name, table.rows) for table in found.tables] == [
        ("acme_ribbon", 7),
        ("acme_wrap", 0),
    ]
    assert all(table.bytes > 0 for table in found.tables)
    assert found.migrations == {"acme_gifts": 1}
    assert found.values == {"product": 1, "variant": 1, "order": 1, "cart": 0}
    assert len(found.indexes) == 1
    assert found.jobs == {"waiting": 1}
    assert found.schedules == ["acme.sweep"]
    assert sum(found.deliveries.values()) > 0
    assert sorted(found.tokens.values()) == [["acme:*"], ["acme:read"]]
    assert found.settings == ["plugins.acme"]
    assert found.kept.payments == 0
    assert await shop.count("acme_ribbon") == 7
    assert (await PluginLeftovers(shop.shop).of("acme")) == found


async def test_removing_leaves_nothing_of_it_and_everything_else(left):
    shop, order = left
    own = shop.shop
    steps = []
    await PluginLeftovers(own).remove("acme", CLI, told=steps.append)
    assert steps[0] == "jobs and schedules"
    assert steps[-1] == "permissions of tokens"
    assert await own.db.fetchval("SELECT to_regclass('acme_wrap')") is None
    for query in (
        "SELECT count(*) FROM platform_job WHERE kind LIKE 'acme%'",
        "SELECT count(*) FROM platform_schedule WHERE name LIKE 'acme%'",
        "SELECT count(*) FROM platform_delivery WHERE consumer LIKE 'acme%'",
        "SELECT count(*) FROM platform_consumer WHERE consumer LIKE 'acme%'",
        "SELECT count(*) FROM platform_inbox WHERE consumer LIKE 'acme%'",
        "SELECT count(*) FROM platform_data_key WHERE table_name LIKE 'acme%'",
        "SELECT count(*) FROM platform_plugin WHERE code = 'acme'",
        "SELECT count(*) FROM migration WHERE app_name = 'acme_gifts'",
        "SELECT count(*) FROM catalog_product WHERE extensions IS NOT NULL",
        "SELECT count(*) FROM catalog_variant WHERE extensions IS NOT NULL",
        "SELECT count(*) FROM orders_order WHERE extensions IS NOT NULL",
        "SELECT count(*) FROM storefront_product WHERE page::text LIKE '%clay%'",
        "SELECT count(*) FROM pg_class WHERE relname ~ '_ext_[0-9a-f]{12}$'",
        "SELECT count(*) FROM identity_staff_token WHERE revoked_at IS NULL"
        " AND EXISTS (SELECT FROM unnest(scopes) s WHERE s LIKE 'acme%')",
    ):
        assert await own.db.fetchval(query) == 0, query
    scopes = await own.db.fetch(
        "SELECT scopes FROM identity_staff_token WHERE 'orders:read' = ANY (scopes)"
    )
    assert [row["scopes"] for row in scopes] == [["orders:read"]]
    audit = given(await shop.admin("GET", "/admin/audit"))["items"]
    done, *_, begun = [each for each in audit if each["action"] == "plugins:remove-data"]
    assert (done["subject"], done["reason"], begun["reason"]) == ("plugin/acme", "done", "begun")
    assert done["details"]["rows"] == 7
    # The shop goes on, and its order is there.
    assert (await shop.read(order))["number"] == order["number"]
    await shop.placed((MUG, 1))
    with pytest.raises(NotFound, match="was ever enabled here"):
        await PluginLeftovers(own).of("acme")


async def test_a_removal_that_is_cut_off_anywhere_is_taken_up(left, monkeypatch):
    shop, _ = left
    leftovers = PluginLeftovers(shop.shop)
    seen: list[str] = []
    for cut in range(20):
        steps: list[str] = []

        def die(step: str, steps: list[str] = steps, cut: int = cut) -> None:
            steps.append(step)
            if len(steps) > cut:
                raise KeyboardInterrupt

        try:
            await leftovers.remove("acme", CLI, told=die)
        except KeyboardInterrupt:
            seen += steps
        else:
            break
    assert len(set(seen)) == 9
    assert await shop.shop.db.fetchval("SELECT to_regclass('acme_wrap')") is None
    assert await shop.count("platform_plugin WHERE code = 'acme'") == 0


async def test_while_it_is_enabled_or_served_nothing_is_removed(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path, acme()) as shop:
        await used(shop)
        with pytest.raises(Conflict, match="is enabled; take it out of plugins.enabled"):
            await PluginLeftovers(shop.shop).remove("acme", CLI)
        await shop.shop.bus.drain()
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        with pytest.raises(Conflict, match="still serves the plugin 'acme'"):
            await PluginLeftovers(shop.shop).remove("acme", CLI)
        assert (await shop.shop.catalog.product_by_slug("mug")).extensions == {
            "acme": {"material": "clay"}
        }


async def test_tables_on_which_something_else_stands_are_not_dropped_in_a_cascade(left):
    shop, _ = left
    await shop.shop.db.execute("CREATE VIEW ours AS SELECT * FROM acme_wrap")
    with pytest.raises(Conflict, match="view ours depends on table acme_wrap"):
        await PluginLeftovers(shop.shop).remove("acme", CLI)
    assert await shop.count("acme_ribbon") == 7
    await shop.shop.db.execute("DROP VIEW ours")
    await PluginLeftovers(shop.shop).remove("acme", CLI)
    assert await shop.shop.db.fetchval("SELECT to_regclass('acme_ribbon')") is None


async def test_what_an_older_version_brought_is_removed_too(dsn, clock, tmp_path):
    old = bringing(register_jobs=lambda: [JobKind("acme.old", nothing)])
    async with opened(dsn, clock, tmp_path, old, goods=False) as shop:
        await PluginLeftovers(shop.shop).remember()
    new = bringing(register_jobs=lambda: [JobKind("acme.new", nothing)])
    async with opened(dsn, clock, tmp_path, new, goods=False) as shop:
        await PluginLeftovers(shop.shop).remember()
        before = await shop.shop.db.fetchrow("SELECT * FROM platform_plugin WHERE code = 'acme'")
        clock.advance(timedelta(minutes=1))
        await PluginLeftovers(shop.shop).remember()
        after = await shop.shop.db.fetchrow("SELECT * FROM platform_plugin WHERE code = 'acme'")
        assert before == after
        async with shop.shop.db.unit_of_work() as uow:
            await shop.shop.jobs.enqueue(uow, "acme.old", due_at=clock.now() + timedelta(days=1))
    async with opened(dsn, clock, tmp_path, goods=False) as shop:
        found = await PluginLeftovers(shop.shop).of("acme")
        assert found.jobs == {"waiting": 1}


async def test_money_that_went_through_it_is_told_and_stays(dsn, clock, tmp_path):
    async with opened(dsn, clock, tmp_path) as shop:
        await shop.paid((MUG, 1))
        await PluginLeftovers(shop.shop).remember()
        found = await PluginLeftovers(shop.shop).of("payment-sandbox")
        assert (found.kept.payments, found.kept.open_payments, found.kept.refunds) == (1, 0, 0)
        assert found.enabled is True
        assert "1 payment in all" in found.sentence()
