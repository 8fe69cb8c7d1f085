"""The notifier keeps the contract of notifiers, against a real SMTP server."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance import Delivered, NotifierContract, Outbox, Trouble
from commercekit_notify_smtp.notifier import SmtpNotifier


class Mailbox(Outbox):
    """What the server took, as a mail program reads it."""

    def __init__(self, box):
        self.box = box

    async def delivered(self):
        envelopes = [to for _, to, _ in self.box.mails]
        return [
            Delivered(
                to=", ".join(to),
                text=mail.get_body(("plain",)).get_content(),
                subject=mail["Subject"],
            )
            for to, mail in zip(envelopes, self.box.letters(), strict=True)
        ]

    async def meet(self, trouble, message):
        if trouble is Trouble.REFUSED:
            # As servers do, it repeats whom it does not know.
            self.box.says["RCPT"] = f"550 5.1.1 <{message.to}> User unknown"
        elif trouble is Trouble.DOWN:
            self.box.is_open = False
        else:
            self.box.hangs_up_after_taking = True
        return message

    async def calm(self):
        self.box.says.clear()
        self.box.is_open, self.box.hangs_up_after_taking = True, False


class TestContract(NotifierContract):
    vendor_knows_ids = False  # a mail server takes what it is given

    @pytest.fixture
    def notifier(self):
        return SmtpNotifier()

    @pytest.fixture
    def context(self, contexts, starttls_box, papers):
        return contexts.secure(starttls_box.port, papers)

    @pytest.fixture
    def outbox(self, starttls_box):
        return Mailbox(starttls_box)
