"""The vendor's own words."""

from msgspec import Struct, field

__all__ = ["Answer", "Details", "Report", "SentMessage", "SentMessages"]


class Answer(Struct, frozen=True, rename="pascal"):
    """What SendSms says, and what the gateway in front of it says when it refuses."""

    code: str


class SentMessage(Struct, frozen=True, rename="pascal"):
    """One message that the vendor has on record."""

    out_id: str = ""
    """Ours."""


class SentMessages(Struct, frozen=True):
    """The list inside :class:`Details`."""

    messages: list[SentMessage] = field(name="SmsSendDetailDTO", default_factory=list)


class Details(Struct, frozen=True):
    """What QuerySendDetails says."""

    code: str = field(name="Code")
    sent: SentMessages = field(name="SmsSendDetailDTOs", default_factory=SentMessages)


class Report(Struct, frozen=True):
    """One entry of a push: what became of a message."""

    success: bool
    report_time: str
    """In China's time, without saying so."""
    err_code: str = ""
    out_id: str = ""
    """Ours."""
