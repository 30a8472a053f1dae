import multiprocessing
import os
from pathlib import Path

import pytest

from omniscope_client.errors import OmniscopeError
from omniscope_local.home import lock_home, running_pid, suite_home


def test_the_home_is_named_found_or_made_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMNISCOPE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert suite_home() == tmp_path / ".omniscope"

    (tmp_path / ".omniscope").mkdir()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert suite_home() == tmp_path / ".omniscope"

    monkeypatch.setenv("OMNISCOPE_HOME", str(tmp_path / "named"))
    assert suite_home() == tmp_path / "named"


def test_one_suite_at_a_time_holds_a_home(tmp_path: Path) -> None:
    home = tmp_path / "home"

    with lock_home(home):
        assert running_pid(home) == os.getpid()
        with pytest.raises(OmniscopeError, match=str(os.getpid())) as raised, lock_home(home):
            pass

    assert raised.value.reason == "SUITE_RUNNING"
    assert running_pid(home) is None


def _hold_and_die(home: Path) -> None:
    with lock_home(home):
        os._exit(1)


def test_a_holder_that_died_holds_nothing(tmp_path: Path) -> None:
    holder = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(tmp_path,))
    holder.start()
    holder.join()

    assert running_pid(tmp_path) is None
    with lock_home(tmp_path):
        pass


def test_a_folder_that_never_ran_a_suite_runs_none(tmp_path: Path) -> None:
    assert running_pid(tmp_path / "nowhere") is None
