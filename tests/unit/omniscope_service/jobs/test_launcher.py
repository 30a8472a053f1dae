import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from omniscope_service.errors import Unavailable
from omniscope_service.jobs.launcher import LocalLauncher
from omniscope_service.jobs.report import JobPaths

# A worker reduced to what must die with it: it starts a child and tells the child's processes.
WORKER = """
import asyncio, sys
from pathlib import Path
from omniscope_service.jobs.launcher import LocalLauncher
from omniscope_service.jobs.report import JobPaths

async def main():
    child = await LocalLauncher("fake_trainer").launch()
    folder = Path(sys.argv[1])
    await child.start({"act": "grow_tree"}, JobPaths((), folder, folder, folder, None))
    print((await anext(child.messages()))["text"], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def running(pid):
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until_gone(pids):
    while any(map(running, pids)):  # noqa: ASYNC110 - nothing tells when a stranger dies
        await asyncio.sleep(0.01)


def start_worker(folder):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def paths(tmp_path):
    for name in ("workspace", "package"):
        (tmp_path / name).mkdir()
    (tmp_path / "dataset").write_bytes(b"arrow")
    return JobPaths.below(tmp_path, [])


@pytest.fixture
async def child():
    child = await LocalLauncher("fake_trainer").launch()
    yield child
    await child.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_worker_that_dies_takes_the_whole_tree_with_it(tmp_path, number):
    with start_worker(tmp_path) as worker:
        pids = json.loads(worker.stdout.readline())
        assert len(pids) == 5
        assert all(map(running, pids))

        worker.send_signal(number)

        await until_gone(pids)


async def test_a_stopped_worker_that_is_killed_takes_the_tree_with_it(tmp_path):
    with start_worker(tmp_path) as worker:
        pids = json.loads(worker.stdout.readline())
        worker.send_signal(signal.SIGSTOP)

        worker.kill()

        await until_gone(pids)


async def test_a_killed_supervisor_leaves_no_child(child, paths):
    await child.start({"act": "grow_tree"}, paths)
    pids = json.loads((await anext(child.messages()))["text"])

    os.kill(child.pid, signal.SIGKILL)
    await child.close()

    itself, supervisor, plain, _detached, _orphan = pids
    await until_gone([itself, supervisor, plain])
    for stranger in pids[3:]:  # in sessions of their own: found by their mark, if at all
        with suppress(ProcessLookupError):
            os.kill(stranger, signal.SIGKILL)


async def test_an_idle_child_ends_when_it_is_closed():
    child = await LocalLauncher("fake_trainer").launch()

    await child.close()
    await child.close()

    assert not child.alive
    await until_gone([child.pid])


async def test_processes_that_outlive_their_training_are_killed(child, paths):
    await child.start({"act": "leave_orphan"}, paths)
    messages = [message async for message in child.messages()]

    orphan = int(messages[0]["text"])
    assert messages[-1]["type"] == "result"
    assert await child.wait() == 0
    await until_gone([orphan])


async def test_a_child_can_be_handed_a_spec_larger_than_a_pipe(child, paths):
    names = [f"gene{number}" for number in range(20_000)]
    await child.start({"act": "count_columns", "columns": names}, paths)

    assert (await anext(child.messages()))["text"] == "20000"


async def test_a_child_that_dies_before_its_job_has_no_messages(child, paths):
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()

    await child.start({"act": "succeed", "columns": ["x" * 100] * 10_000}, paths)

    assert [message async for message in child.messages()] == []


async def test_a_launch_that_is_given_up_leaves_nothing():
    launching = asyncio.create_task(LocalLauncher("slow_trainer").launch())
    while not (started := children_of(os.getpid())):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.01)

    launching.cancel()
    await asyncio.wait({launching})

    await until_gone(started)


@pytest.mark.parametrize("turns", range(8))
async def test_a_launch_that_is_given_up_at_once_leaves_nothing(turns):
    launching = asyncio.create_task(LocalLauncher("slow_trainer").launch())
    for _ in range(turns):
        await asyncio.sleep(0)

    launching.cancel()
    await asyncio.wait({launching})

    assert launching.cancelled()
    assert children_of(os.getpid()) == []


async def test_a_trainer_that_fails_to_warm_up_says_why():
    with pytest.raises(Unavailable, match="libgomp") as caught:
        await LocalLauncher("broken_trainer").launch()

    assert caught.value.reason == "TRAINER_UNAVAILABLE"


def children_of(pid):
    return [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if running(stat.parent.name) and parent_of(stat) == pid and "supervisor" in command(stat)
    ]


def parent_of(stat):
    return int(stat.read_text().rpartition(")")[2].split()[1])


def command(stat):
    return (stat.parent / "cmdline").read_text()
