"""Verifies packages beyond the calls that wait for it: each one once, a few at a time."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omniscope_registry.jobs.ports import ResultRegistrar
    from omniscope_registry.jobs.values import VerifiedPackage

_CONCURRENT = 2
_KEPT_SECONDS = 60.0


class _Package(NamedTuple):
    key: str
    manifest_digest: str


@dataclass
class _Verification:
    task: asyncio.Task[VerifiedPackage]
    calls: int = 0
    left_at: float = 0.0


class PackageVerifications:
    """Verifications that belong to the process, so that no call's time limits them.

    A call that joins a verification late finds what was read so far, or its result. A failure is
    forgotten once it was told: a package that is uploaded again is verified anew.

    Args:
        concurrent: Packages that are read at a time.
        kept_seconds: How long a verification that no call waits for goes on, or its result or
            failure is remembered.
    """

    def __init__(
        self, *, concurrent: int = _CONCURRENT, kept_seconds: float = _KEPT_SECONDS
    ) -> None:
        self._slots = asyncio.Semaphore(concurrent)
        self._kept_seconds = kept_seconds
        self._verifications: dict[_Package, _Verification] = {}

    async def wait(
        self,
        registrar: ResultRegistrar,
        package_key: str,
        manifest_digest: str,
        timeout_seconds: float,
    ) -> VerifiedPackage | None:
        """Return a verified package; None when that takes longer, and goes on.

        Args:
            registrar: Verifies it, where no call has begun that before.
            package_key: Of the package in the artifact store.
            manifest_digest: SHA-256 of its manifest, hexadecimal.
            timeout_seconds: How long to wait.

        Raises:
            DataLoss: The package does not match its manifest; reason PACKAGE_CORRUPT.
        """
        package = _Package(package_key, manifest_digest)
        with self._joined(registrar, package) as task:
            # Cancelled, this leaves the task alone.
            await asyncio.wait({task}, timeout=timeout_seconds)
            if _failed(task):
                self._forget(package, task)
            return task.result() if task.done() else None

    def forget(self, package_key: str, manifest_digest: str) -> None:
        """Forget a result that nobody needs any longer."""
        self._verifications.pop(_Package(package_key, manifest_digest), None)

    async def run(self) -> None:
        """Drop what no call has waited for, until cancelled; then end what is left."""
        try:
            while True:
                await asyncio.sleep(self._kept_seconds / 4)
                await self._end(asyncio.get_running_loop().time() - self._kept_seconds)
        finally:
            await self._end()

    @contextmanager
    def _joined(
        self, registrar: ResultRegistrar, package: _Package
    ) -> Iterator[asyncio.Task[VerifiedPackage]]:
        verification = self._verifications.get(package)
        if verification is None:
            verification = _Verification(asyncio.create_task(self._verify(registrar, package)))
            self._verifications[package] = verification
        verification.calls += 1
        try:
            yield verification.task
        finally:
            verification.calls -= 1
            verification.left_at = asyncio.get_running_loop().time()

    async def _verify(self, registrar: ResultRegistrar, package: _Package) -> VerifiedPackage:
        async with self._slots:
            return await registrar.verify(*package)

    def _forget(self, package: _Package, task: asyncio.Task[VerifiedPackage]) -> None:
        # Another call may have heard of it before, and a third one have begun anew.
        verification = self._verifications.get(package)
        if verification is not None and verification.task is task:
            del self._verifications[package]

    async def _end(self, left_before: float | None = None) -> None:
        ended = [
            (package, verification.task)
            for package, verification in self._verifications.items()
            if left_before is None
            or (verification.calls == 0 and verification.left_at < left_before)
        ]
        for package, task in ended:
            self._verifications.pop(package, None)
            task.cancel()
        await asyncio.gather(*(task for _, task in ended), return_exceptions=True)


def _failed(task: asyncio.Task[VerifiedPackage]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
