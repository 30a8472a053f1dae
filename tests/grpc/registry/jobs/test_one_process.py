"""SQLite has one registry: a second process on the same file does not start."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omniscope_service.app import EXIT_CONFIGURATION

StartRegistry = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def start_registry(home: Path, nats_url: str) -> Iterator[StartRegistry]:
    """Starts real registries with one home and ports of their own."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("OMNISCOPE_")},
        "OMNISCOPE_HOME": str(home),
        "OMNISCOPE_NATS_URL": nats_url,
        "OMNISCOPE_REGISTRY_LISTEN": "127.0.0.1:0",
    }
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "omniscope_registry", "serve"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline().startswith("READY registry ")


def test_a_second_registry_on_the_file_ends_at_once_and_says_why(start_registry, home):
    first = start_registry()
    assert _is_ready(first)

    second = start_registry()
    _, complaint = second.communicate()

    assert second.returncode == EXIT_CONFIGURATION
    assert f"another registry has {home / 'registry.db'} open" in complaint
    assert "OMNISCOPE_DATABASE_URL" in complaint
    assert first.poll() is None


def test_a_registry_starts_where_another_one_was_killed(start_registry):
    first = start_registry()
    assert _is_ready(first)
    first.kill()
    first.wait()

    assert _is_ready(start_registry())
