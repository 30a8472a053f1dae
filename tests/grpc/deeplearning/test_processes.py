"""The service as a process of its own."""

import os
import signal
import subprocess
import sys

import grpc
import pytest

from omniscope.deeplearning.v1.deep_learning_service_pb2 import ListArchitecturesRequest
from omniscope.deeplearning.v1.deep_learning_service_pb2_grpc import DeepLearningServiceStub

HEAVY = (
    "mlflow",
    "numpy",
    "pandas",
    "pyarrow",
    "pytorch_lightning",
    "safetensors",
    "sklearn",
    "torch",
)


def start(role: str, home, nats_url: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "omniscope_deeplearning", role],
        env={
            **os.environ,
            "OMNISCOPE_HOME": str(home),
            "OMNISCOPE_NATS_URL": nats_url,
            "OMNISCOPE_DEEPLEARNING_LISTEN": "127.0.0.1:0",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("role", ["serve", "all"])
def test_the_api_answers_and_stops_when_told_to(role, home, tokens, nats_url):
    process = start(role, home, nats_url)
    try:
        assert process.stdout is not None
        word, name, target = process.stdout.readline().split()
        with grpc.insecure_channel(target) as channel:
            listed = DeepLearningServiceStub(channel).ListArchitectures(
                ListArchitecturesRequest(), metadata=(("authorization", f"Bearer {tokens.user}"),)
            )
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert (word, name) == ("READY", "deeplearning")
    assert listed.architectures
    assert process.returncode == 0


def test_without_tokens_it_says_so_and_ends(tmp_path, nats_url):
    process = start("serve", tmp_path, nats_url)

    _, errors = process.communicate(timeout=30)

    assert process.returncode == 78
    assert "token" in errors


def test_a_wrong_setting_is_named(home, nats_url):
    process = start("work", home, nats_url, OMNISCOPE_DEEPLEARNING_SLOTS="0")

    _, errors = process.communicate(timeout=30)

    assert process.returncode == 78
    assert "slots" in errors.lower()


def test_the_api_imports_nothing_heavy():
    code = (
        "import sys, omniscope_deeplearning.app, omniscope_deeplearning.__main__;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "[]"
