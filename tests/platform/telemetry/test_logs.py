import io
import json
import logging

import pytest
import structlog

from commercekit.platform.settings import Secret
from commercekit.platform.telemetry import (
    LogFormat,
    LogLevel,
    TelemetrySettings,
    configure_logging,
    redact_value,
)

CANARY = "canary-5d1f0c"


@pytest.fixture
def lines():
    """Logs as JSON into a buffer; what was configured before comes back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, structlog.get_config()
    levels = {
        name: logging.getLogger(name).level
        for name in (
            "_granian",
            "granian.access",
            "httpx",
            "httpcore",
            "asyncio",
            "commercekit.access",
        )
    }
    stream = io.StringIO()
    configure_logging(request_id=lambda: "req-1", stream=stream)

    def read():
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    yield read
    root.handlers[:], _, config = before
    root.setLevel(before[1])
    structlog.configure(**config)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_an_event_is_one_json_line_with_time_level_logger_and_request(lines):
    structlog.get_logger("commercekit.test").info("paid", payment="p1", amount=1999)
    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "commercekit.test",
        "event": "paid",
        "payment": "p1",
        "amount": 1999,
        "request_id": "req-1",
    }


def test_the_standard_librarys_logging_looks_the_same(lines):
    logging.getLogger("commercekit.loops").warning("step %s failed", "x", extra={"attempt": 2})
    (line,) = lines()
    assert (line["event"], line["attempt"], line["level"]) == ("step x failed", 2, "warning")
    assert line["request_id"] == "req-1"


def test_what_is_below_the_level_is_not_written(lines):
    structlog.get_logger("commercekit.test").debug("noise")
    assert lines() == []


def test_a_line_break_in_a_value_does_not_make_a_second_event(lines):
    structlog.get_logger("x").info("seen", user_agent='\n{"level":"info","event":"forged"}')
    assert [line["event"] for line in lines()] == ["seen"]


def test_a_line_break_does_not_make_a_second_line_on_a_console_either(lines):
    stream = io.StringIO()
    configure_logging(TelemetrySettings(format=LogFormat.CONSOLE), stream=stream)
    structlog.get_logger("x").info("seen", user_agent="\nforged\x1b[2J")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b[2J" not in stream.getvalue()


def test_a_traceback_is_part_of_its_line_and_redacted(lines):
    try:
        message = f"password={CANARY}"
        raise ValueError(message)
    except ValueError:
        structlog.get_logger("x").exception("failed")
    (line,) = lines()
    assert "ValueError" in line["exception"]
    assert CANARY not in json.dumps(line)


def test_the_access_log_can_be_switched_off(lines):
    stream = io.StringIO()
    configure_logging(TelemetrySettings(access_log=False), stream=stream)
    logging.getLogger("commercekit.access").info("GET / 200")
    logging.getLogger("commercekit.orders").info("placed")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["placed"]


def test_the_level_is_a_setting(lines):
    stream = io.StringIO()
    configure_logging(TelemetrySettings(level=LogLevel.ERROR), stream=stream)
    structlog.get_logger("x").warning("hm")
    structlog.get_logger("x").error("no")
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    "event",
    [
        {"password": CANARY},
        {"db_dsn": CANARY},
        {"headers": {"Authorization": CANARY, "Set-Cookie": CANARY}},
        {"api_key": [CANARY]},
        {"secret": Secret(CANARY)},
        {"settings": {"deep": {"private_key": CANARY}}},
        {"text": f"Authorization: Bearer {CANARY}"},
        {"url": f"postgresql://shop:{CANARY}@db/shop"},
        {"customer_email": CANARY},
        {"value": Secret(CANARY)},
    ],
)
def test_a_secret_never_reaches_the_log(lines, event):
    structlog.get_logger("x").info("seen", **event)
    assert CANARY not in json.dumps(lines())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("card 4111 1111 1111 1111 used", "card 411111******1111 used"),
        ("card 4111 1111 1111 1112 used", "card 4111 1111 1111 1112 used"),
        ("mail jane.doe@example.com now", "mail [email] now"),
        ("call +86 138 0013 8000 now", "call [phone] now"),
        ("call 13800138000 now", "call [phone] now"),
        (
            "order 019abcde-1234-7abc-8def-0123456789ab",
            "order 019abcde-1234-7abc-8def-0123456789ab",
        ),
        ("at 2026-11-22T14:53:11.123456Z", "at 2026-11-22T14:53:11.123456Z"),
    ],
)
def test_card_numbers_and_personal_data_are_masked_inside_texts(text, shown):
    assert redact_value(text) == shown


def test_a_card_number_is_masked_as_a_number_too():
    assert redact_value({"n": 4111111111111111}) == {"n": "411111******1111"}


def test_what_is_endless_is_cut():
    nested: dict = {}
    nested["self"] = nested
    assert "…" in json.dumps(redact_value(nested), ensure_ascii=False)
    assert len(redact_value("x" * 10_000_000)) < 5000
