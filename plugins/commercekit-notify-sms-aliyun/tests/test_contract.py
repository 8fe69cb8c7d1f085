"""The notifier keeps the contract of notifiers; the vendor's fake checks its signatures."""

from __future__ import annotations

import httpx
import pytest

from commercekit.testing import raw_request
from commercekit.testing.conformance import Delivered, NotifierContract, Outbox, Trouble


class Telephones(Outbox):
    """What readers' telephones show, and what the vendor is made to do."""

    def __init__(self, vendor, clock, secret):
        self.vendor, self.clock, self.secret = vendor, clock, secret

    async def delivered(self):
        return [Delivered(to=each.to, text=each.text) for each in self.vendor.texts]

    async def meet(self, trouble, message):
        if trouble is Trouble.REFUSED:
            self.vendor.says = "isv.MOBILE_NUMBER_ILLEGAL"
        elif trouble is Trouble.DOWN:
            self.vendor.down = httpx.ConnectError("nobody answers")
        else:
            self.vendor.fault = httpx.ReadTimeout("too slow")
        return message

    async def calm(self):
        self.vendor.says = self.vendor.down = self.vendor.fault = None

    async def receipt(self, message):
        report = self.vendor.report(message.message_id, at=self.clock.now())
        return raw_request(self.vendor.push(self.secret, report), at=self.clock.now())


class TestContract(NotifierContract):
    vendor_knows_ids = False  # SendSms sends as often as it is asked
    vendor_signs = False  # the secret at the end of the address is all there is

    @pytest.fixture
    def notifier(self, notifier):
        return notifier  # the one of conftest.py

    @pytest.fixture
    def context(self, context):
        return context

    @pytest.fixture
    def outbox(self, vendor, clock, account):
        return Telephones(vendor, clock, account.receipt_secret.reveal())
