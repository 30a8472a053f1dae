"""Starts real processes, and hurts them: a broker, registries, workers, a projector."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from omniscope_local.nats import nats_command
from tests.faults.children import Children
from tests.faults.history import History
from tests.faults.proxy import Proxy

PROJECT = Path(__file__).parents[2]
FAST = {
    "OMNISCOPE_REGISTRY_LEASE_SECONDS": "2",
    "OMNISCOPE_REGISTRY_HEARTBEAT_SECONDS": "0.5",
    "OMNISCOPE_REGISTRY_HINT_SECONDS": "2",
    "OMNISCOPE_REGISTRY_SWEEP_SECONDS": "0.25",
    "OMNISCOPE_REGISTRY_CANCEL_GRACE_SECONDS": "3",
    "OMNISCOPE_REGISTRY_MAX_SUBMISSIONS_PER_MINUTE": "0",
}
LEASE_SECONDS = 2.0
# A worker asks a registry that was away every few seconds: for cases in which one lease has to be
# enough to be heard again.
LONG_LEASE = {"OMNISCOPE_REGISTRY_LEASE_SECONDS": "12"}
# Those that others need end last, or what still runs waits for them in vain.
_STOP_ORDER = ("worker", "projector", "registry", "nats")


class Processes:
    """Processes by name; one that was killed is started again, without its failpoint.

    Attributes:
        history: What was done to them.
        ports: Where broker and registries listen.
        targets: Where a process looks for the registry, if not at the first one itself.
        extra: More environment variables for all of them.
        database_url: Of the registries.
        running: What was started last under each name.
        kept_down: Names that are not started again now.
        deaths: How often each has ended and was started again.
        children: The processes of trainings.
    """

    def __init__(self, home: Path, database_url: str = "") -> None:
        self.home = home
        self.history = History(home)
        self.children = Children(home, self.history)
        self.ports: dict[str, int] = {"nats": free_port(), "registry": free_port()}
        self.targets: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        self.database_url = database_url or f"sqlite+aiosqlite:///{home / 'registry.db'}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.kept_down: set[str] = set()
        self.deaths: Counter[str] = Counter()
        self._proxies = AsyncExitStack()
        self._watching: asyncio.Task[None] | None = None

    @property
    def nats_url(self) -> str:
        return f"nats://secret@127.0.0.1:{self.ports['nats']}"

    @property
    def target(self) -> str:
        """Where clients find the registries: all of them, to go on with another one."""
        ports = [port for name, port in self.ports.items() if name.startswith("registry")]
        return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports)

    def launch(self, name: str, failpoints: str = "") -> None:
        log = (self.home / f"{name}.log").open("ab")
        with log:
            self.running[name] = subprocess.Popen(
                self._command(name),
                env=self.environment(name, failpoints),
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    def kill(self, name: str, *, keep_down: bool = False) -> None:
        """End a process as a power cut would."""
        self.history.add("fault", name=name, act="kill")
        if keep_down:
            self.kept_down.add(name)
        self.running[name].kill()
        self.running[name].wait()

    def bring_up(self, name: str) -> None:
        """Have a process that was kept down started again."""
        self.history.add("fault", name=name, act="up")
        self.kept_down.discard(name)

    def pause(self, name: str) -> None:
        self.history.add("fault", name=name, act="pause")
        self.running[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.history.add("fault", name=name, act="resume")
        self.running[name].send_signal(signal.SIGCONT)

    async def restart(self, name: str) -> int:
        """Stop a process by SIGTERM, as a rollout does; return its exit status."""
        self.history.add("fault", name=name, act="restart")
        stopped = self.running[name]
        stopped.terminate()
        status = await asyncio.to_thread(stopped.wait)
        while self.running[name] is stopped:  # noqa: ASYNC110 - the other one polls too
            await asyncio.sleep(0.02)
        return status

    def worker_of(self, job_id: str) -> str:
        """Return the worker that trains a job now."""
        above = {pid.pid for child in self.children.of(job_id) for pid in child.parents()}
        (name,) = (name for name, process in self.running.items() if process.pid in above)
        return name

    async def put_proxy_before(self, name: str) -> Proxy:
        """Return what will lie between a process and the registry; call it before the start."""
        proxy = await self._proxies.enter_async_context(Proxy(self.ports["registry"]))
        self.targets[name] = proxy.target
        return proxy

    async def stop(self) -> None:
        """End everything; also what a test has paused."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        for kind in _STOP_ORDER:
            await self._stop(kind)
        await self._proxies.aclose()
        await self.children.wait_until_gone()
        if self._watching is not None and not self._watching.cancelled():
            self._watching.result()  # raises what has ended it

    async def _stop(self, kind: str) -> None:
        processes = [process for name, process in self.running.items() if name.startswith(kind)]
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in processes:
            await asyncio.to_thread(process.wait)

    async def _watch(self) -> None:
        """Start the dead again, and note which children are gone."""
        while True:
            for name, process in list(self.running.items()):
                if process.poll() is not None and name not in self.kept_down:
                    self.deaths[name] += 1
                    self.launch(name)
            self.children.look()
            await asyncio.sleep(0.05)

    def _command(self, name: str) -> list[str]:
        if name == "nats":
            return nats_command(self.home / "nats", self.ports["nats"], "secret")
        if name.startswith("registry"):
            return [sys.executable, "-m", "omniscope_registry", "serve"]
        if name.startswith("projector"):
            return [sys.executable, "-m", "omniscope_registry", "project"]
        return [sys.executable, "-m", "tests.faults.worker_process"]

    def environment(self, name: str, failpoints: str = "") -> dict[str, str]:
        return (
            os.environ
            | FAST
            | {
                "OMNISCOPE_HOME": str(self.home),
                "OMNISCOPE_NATS_URL": self.nats_url,
                "OMNISCOPE_DATABASE_URL": self.database_url,
                "OMNISCOPE_REGISTRY_TARGET": self.targets.get(name, self.target),
                "OMNISCOPE_REGISTRY_LISTEN": f"127.0.0.1:{self.ports.get(name, 0)}",
                "OMNISCOPE_FAILPOINTS": failpoints,
                "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
                "TMPDIR": str(self.home),  # passed on to children, which it tells apart
            }
            | self.extra
        )


def free_port() -> int:
    """Return a port below those that the kernel gives to clients: none takes it meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
