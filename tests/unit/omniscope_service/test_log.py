"""What log lines hold, and what they never hold."""

import io
import json
import logging

import pytest
import structlog

from omniscope_service.log import configure_logging

TOKEN = "0123456789abcdef" * 4
LEASE = "0123456789abcdef" * 2


@pytest.fixture
def lines(monkeypatch):
    """Configure logging for this test; gives the lines written so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    configure_logging("probe", "info")
    yield lambda: [json.loads(line) for line in stderr.getvalue().splitlines()]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_json_with_service_level_and_time(lines):
    structlog.get_logger().info("claimed", job_id="j", attempt=2)

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "claimed",
        "job_id": "j",
        "attempt": 2,
        "level": "info",
        "service": "probe",
    }


def test_what_is_bound_to_the_request_is_in_every_line(lines):
    structlog.contextvars.bind_contextvars(request_id="trace-1", subject="local")
    structlog.get_logger().info("claimed")

    (line,) = lines()
    assert (line["request_id"], line["subject"]) == ("trace-1", "local")


def test_keys_that_are_not_known_are_dropped_and_named(lines):
    structlog.get_logger().info("trained", cells=["a", "b"], token="t", job_id="j")

    (line,) = lines()
    assert line["dropped_keys"] == ["cells", "token"]
    assert "cells" not in line
    assert "token" not in line


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        LEASE,
        f"Bearer {TOKEN}",
        "bearer abc.def",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ2ZXJhIn0.c2lnbmF0dXJl",
    ],
)
def test_what_looks_like_a_token_is_redacted(secret, lines):
    structlog.get_logger().info(f"got {secret} from a client", reason=f"token={secret}")

    (line,) = lines()
    assert "[redacted]" in line["event"]
    assert secret.rpartition(" ")[2] not in json.dumps(line)


@pytest.mark.parametrize(
    "url", ["postgresql://ada:hunter2@db/registry", "nats://hunter2@127.0.0.1:4222"]
)
def test_what_a_url_keeps_secret_is_redacted(url, lines):
    structlog.get_logger().info("connected", url=url)

    (line,) = lines()
    assert "hunter2" not in line["url"]
    assert "@" in line["url"]


def test_digests_and_artifact_keys_stay_readable(lines):
    structlog.get_logger().info("stored", digest=TOKEN, key=f"datasets/{TOKEN}/data.arrow")

    (line,) = lines()
    assert line["digest"] == TOKEN
    assert line["key"] == f"datasets/{TOKEN}/data.arrow"


def test_an_exception_is_logged_with_its_traceback_and_without_secrets(lines):
    try:
        int(f"token {TOKEN}")
    except ValueError:
        structlog.get_logger().exception("failed")

    (line,) = lines()
    assert (
        "ValueError: invalid literal for int() with base 10: 'token [redacted]'"
        in line["exception"]
    )


def test_libraries_log_in_the_same_form_from_warning_on(lines):
    logging.getLogger("nats.aio").info("chatter")
    logging.getLogger("nats.aio").warning("lost %s", f"Bearer {TOKEN}")

    (line,) = lines()
    assert line["logger"] == "nats.aio"
    assert line["service"] == "probe"
    assert line["event"] == "lost [redacted]"


def test_lines_below_the_level_are_not_written(lines):
    structlog.get_logger().debug("detail")

    assert lines() == []
