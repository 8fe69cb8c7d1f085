"""Refunds that nobody could receive, sent elsewhere by a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from commercekit.app import Shop, load_configuration
from commercekit.identity import AuditFilter
from commercekit.kernel import PageRequest, new_id
from commercekit.payments import RefundState
from commercekit.platform.providers import ProviderRejected
from commercekit.testing import core_piccolo_apps
from commercekit.testing.vendors import FakeFolder, play
from commercekit_payment_wechatpay.abnormal import Card, send_elsewhere
from commercekit_payment_wechatpay.commands import send_refund
from commercekit_payment_wechatpay.fake import FakeWechatPay, Keys

NUMBER = f"6225{7:012}"
CARD = Card("CMB", NUMBER, "张三")


async def abnormal(shop: Any, fake: FakeWechatPay) -> str:
    """The number of a refund whose card is gone."""
    payment = shop.asks()
    await shop.create(payment)
    fake.pay(payment.payment_id)
    refund = shop.gives_back(payment, 10_00)
    await shop.refund(refund)
    fake.settle(refund.refund_id, "ABNORMAL")
    number: str = refund.refund_id
    return number


class ToWhom:
    """The same with both ways to know the vendor."""

    async def test_it_goes_to_a_card_that_only_the_vendor_can_read(
        self, shop: Any, fake: FakeWechatPay, wire: Any
    ) -> None:
        number = await abnormal(shop, fake)
        seen = await send_elsewhere(shop.context, number, CARD)

        assert seen.state is RefundState.PENDING
        assert fake.books.refunds[number].status == "PROCESSING"
        said = wire.sent[-1].content.decode()
        assert (NUMBER in said, "张三" in said) == (False, False)
        assert json.loads(said)["bank_type"] == "CMB_DEBIT"
        assert NUMBER not in repr(CARD)
        fake.settle(number, "SUCCESS")
        heard = (await shop.hears(shop.last(fake))).events[0].refund
        assert heard.state is RefundState.SUCCEEDED

    async def test_it_goes_back_to_the_merchant(
        self, shop: Any, fake: FakeWechatPay, wire: Any
    ) -> None:
        number = await abnormal(shop, fake)
        await send_elsewhere(shop.context, number, None)

        assert json.loads(wire.sent[-1].content) == {
            "out_refund_no": number,
            "type": "MERCHANT_BANK_CARD",
        }
        assert fake.books.refunds[number].status == "PROCESSING"


class TestByPublicKey(ToWhom):
    async def test_what_is_not_abnormal_is_refused_before_a_card_is_sent(
        self, shop: Any, fake: FakeWechatPay, wire: Any
    ) -> None:
        number = await abnormal(shop, fake)
        fake.settle(number, "SUCCESS")
        before = len(wire.sent)

        with pytest.raises(ProviderRejected) as refused:
            await send_elsewhere(shop.context, number, CARD)
        assert refused.value.code == "not-abnormal"
        with pytest.raises(ProviderRejected) as refused:
            await send_elsewhere(shop.context, new_id().hex, CARD)
        assert refused.value.code == "no-such-refund"
        assert [each.method for each in wire.sent[before:]] == ["GET", "GET"]


class TestByCertificates(ToWhom):
    certificates = True


@pytest.fixture(scope="session")
def piccolo_apps() -> list[str]:
    """The shop's own tables: the command writes into its audit trail."""
    return core_piccolo_apps()


def trail(config: Path) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """What stands in the audit trail of it, oldest first."""

    async def read() -> list[tuple[str, str, str, Mapping[str, Any]]]:
        configuration = load_configuration(config)
        assert configuration.settings.database.dsn is not None
        async with Shop(configuration, configuration.settings.database.dsn.reveal()).opened() as it:
            found, _ = await it.identity.audit.search(AuditFilter(), PageRequest(limit=20))
        return [(each.action, each.subject, each.reason, each.details) for each in found[::-1]]

    return [each for each in asyncio.run(read()) if each[0].startswith("refunds:")]


class TestCommand:
    """An operator at the command line, a shop that plays the vendor."""

    @pytest.fixture
    def place(self, tmp_path: Path, keys: Keys) -> Any:
        made: list[FakeWechatPay] = []

        def make(home: Any) -> FakeWechatPay:
            made.append(FakeWechatPay(keys, lambda: datetime.now(UTC), address=home.address))
            return made[-1]

        folder = FakeFolder(tmp_path / "data", "wechatpay")
        config = tmp_path / "commercekit.toml"
        config.write_text(
            f'name = "Played"\ndata = "{tmp_path / "data"}"\nfakes = ["wechatpay"]\n'
            '[market]\ncurrency = "CNY"\nlanguages = ["en"]\ncountries = ["CN"]\n',
            encoding="utf-8",
        )
        with play(make, folder, host="127.0.0.1", port=0, shop="https://shop.test"):
            yield config, made[0]

    @pytest.fixture
    def booked(self, place: Any, dsn: str) -> Any:
        """The same with a database: whatever reaches the vendor is written down there."""
        config, fake = place
        text = config.read_text(encoding="utf-8")
        config.write_text(f'{text}[database]\ndsn = "{dsn}"\n', encoding="utf-8")
        return config, fake

    def refunded(self, fake: FakeWechatPay) -> UUID:
        from commercekit_payment_wechatpay.fake.books import Order, Refund

        now, number = datetime.now(UTC), new_id()
        fake.books.orders["ORDER1"] = Order(
            out_trade_no="ORDER1",
            app_id="wx1",
            trade_type="NATIVE",
            description="Cap",
            total=100,
            notify_url="https://shop.test/hook",
            first_asked="",
            prepay_id="wx0",
            prepared_at=now,
            success_time=now,
            state="REFUND",
        )
        fake.books.refunds[number.hex] = Refund(
            refund_id="503",
            out_refund_no=number.hex,
            out_trade_no="ORDER1",
            amount=100,
            notify_url="https://shop.test/hook",
            reason="",
            created_at=now,
            status="ABNORMAL",
        )
        return number

    def test_a_card_is_asked_for_and_never_shown(self, booked: Any) -> None:
        config, fake = booked
        number = self.refunded(fake)
        ran = CliRunner().invoke(
            send_refund,
            [str(number), "--bank", "cmb", "--reason", "card gone", "--config", str(config)],
            input=f"{NUMBER}\n张三\n",
        )

        assert ran.exit_code == 0, ran.output
        assert "the refund of 1.00 CNY is pending" in ran.output
        assert NUMBER not in ran.output
        asked = {"gateway": "wechatpay", "account": "default", "to": "payer", "bank": "CMB"}
        assert trail(config) == [
            ("refunds:send-elsewhere", f"refund/{number}", "card gone", asked),
            (
                "refunds:sent-elsewhere",
                f"refund/{number}",
                "card gone",
                asked | {"outcome": "pending"},
            ),
        ]
        assert fake.books.refunds[number.hex].status == "PROCESSING"

    def test_it_is_said_where_to_or_nothing_happens(self, place: Any) -> None:
        config, fake = place
        number = self.refunded(fake)
        for wrong in ([], ["--bank", "CMB", "--to-merchant"], ["--bank", "NOBODY"]):
            ran = CliRunner().invoke(send_refund, [str(number), *wrong, "--config", str(config)])
            assert ran.exit_code == 2, ran.output
        assert fake.books.refunds[number.hex].status == "ABNORMAL"

    def test_what_the_vendor_refuses_is_said(self, booked: Any) -> None:
        config, fake = booked
        number = self.refunded(fake)
        fake.books.refunds[number.hex].status = "SUCCESS"
        ran = CliRunner().invoke(
            send_refund, [str(number), "--to-merchant", "--config", str(config)]
        )

        assert ran.exit_code == 1
        assert "not-abnormal: the refund is SUCCESS" in ran.output
        outcomes = [details.get("outcome") for *_, details in trail(config)]
        assert outcomes == [None, "refused: not-abnormal"]

    def test_what_cannot_be_written_down_does_not_happen(
        self, booked: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config, fake = booked
        number = self.refunded(fake)

        async def broken(_trail: Any, _entry: Any) -> None:
            raise ConnectionError

        monkeypatch.setattr("commercekit.identity.service.audit.AuditTrail.note", broken)
        ran = CliRunner().invoke(
            send_refund, [str(number), "--to-merchant", "--config", str(config)]
        )

        assert ran.exit_code != 0
        assert fake.books.refunds[number.hex].status == "ABNORMAL"

    def test_an_account_that_is_not_there_is_named(self, place: Any) -> None:
        config, fake = place
        number = self.refunded(fake)
        ran = CliRunner().invoke(
            send_refund,
            [str(number), "--to-merchant", "--account", "other", "--config", str(config)],
        )

        assert ran.exit_code != 0
        assert "no account 'other' at wechatpay; known: default" in str(ran.exception)
        assert fake.books.refunds[number.hex].status == "ABNORMAL"
