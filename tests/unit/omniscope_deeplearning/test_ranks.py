"""Two processes that share each batch train the network that one would, and end together."""

import json
import os
import queue
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors.numpy import load

from omniscope_deeplearning import peer_ranks, ranks
from omniscope_deeplearning.memory import TrainingMemoryError
from omniscope_deeplearning.peer_ranks import PeerRanks, record_error
from omniscope_deeplearning.stop_request import StopRequest
from omniscope_service.jobs.report import LostProcessError
from tests.unit.omniscope_deeplearning.conftest import DIGITS, ROWS_OF_PIXELS, RecordedReport

TRAINERS = Path(__file__).parent / "trainers"


# Another process has to import everything first.
def other_ranks():
    below = psutil.Process().children()
    return [process for process in below if ranks._JOB_FILE in " ".join(process.cmdline())]


@contextmanager
def as_soon_as_another_rank_starts(act):
    """Call `act` with its process id from a thread."""

    def wait():
        while not (found := other_ranks()):
            time.sleep(0.005)
        act(found[0].pid)

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def at_epoch(number, act):
    def on_epoch(epoch):
        if epoch == number:
            act()

    return on_epoch


@pytest.mark.parametrize(
    ("architecture", "layout"),
    [
        ("cnn1d", ROWS_OF_PIXELS),
        pytest.param("cnn2d", DIGITS, marks=pytest.mark.slow),
        pytest.param("gru", ROWS_OF_PIXELS, marks=pytest.mark.slow),
    ],
)
def test_two_ranks_give_the_weights_of_one_process(train_network, make_spec, architecture, layout):
    options = {"epochs": 1, "batch_size": 128, "dropout": 0.0, "learning_rate": 1e-2}
    common = {"optimizer": "sgd", "class_weights": "balanced", **options}

    def trained(devices):
        given = {"options": {**common, "devices": devices}, "input_layout": layout}
        return train_network(make_spec("digits", architecture, **given), "digits")

    alone, shared = trained(devices=1), trained(devices=2)

    first, second = load(alone.weights), load(shared.weights)
    assert all(np.allclose(first[name], second[name], rtol=1e-3, atol=1e-5) for name in first)
    (a,), (b,) = alone.curves["epochs"], shared.curves["epochs"]
    for name in ("train_loss", "train_score", "validation_loss", "validation_score"):
        assert a[name] == pytest.approx(b[name], rel=1e-3)
    assert len([p for p in shared.report.metrics if p["name"] == "rows_per_second"]) == 1


@pytest.mark.slow
def test_a_rank_that_dies_before_the_rendezvous_ends_the_training(train_network, make_spec):
    with (
        as_soon_as_another_rank_starts(lambda pid: os.kill(pid, signal.SIGKILL)),
        pytest.raises(LostProcessError) as lost,
    ):
        train_network(make_spec(options={"devices": 2}))

    assert str(lost.value) == (
        "rank 1 of the 2 processes that share the training was ended by SIGKILL"
    )


@pytest.mark.slow
def test_a_rank_that_dies_while_they_train_ends_the_training(train_network, make_spec):
    report = RecordedReport(on_epoch=at_epoch(1, lambda: other_ranks()[0].kill()))
    spec = make_spec(options={"devices": 2, "epochs": 1000, "patience": None})

    with pytest.raises(LostProcessError, match=r"rank 1 of the 2 .* ended by SIGKILL"):
        train_network(spec, report=report)

    assert other_ranks() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "error", "said"),
    [
        ("fail", LostProcessError, "training failed: ZeroDivisionError: cannot divide"),
        (
            "fill_memory",
            TrainingMemoryError,
            "share the training, the worker has .* smaller mlp.width",
        ),
    ],
)
def test_the_error_of_a_rank_is_reported_and_logged(
    act, error, said, train_network, make_spec, monkeypatch, capfd
):
    monkeypatch.setattr(ranks, "_RANK", "failing_rank")
    monkeypatch.setenv("PYTHONPATH", str(TRAINERS), prepend=os.pathsep)
    monkeypatch.setenv("RANK_FAILS_BY", act)

    with pytest.raises(error, match=said) as failed:
        train_network(make_spec(options={"devices": 2, "epochs": 1000}))

    assert str(failed.value).count("mlp.width") <= 1
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.slow
def test_the_end_leaves_a_checkpoint_and_no_rank(train_network, make_spec, tmp_path):
    report = RecordedReport(
        on_epoch=at_epoch(1, lambda: os.kill(os.getpid(), signal.SIGTERM)), resume=tmp_path
    )
    spec = make_spec(options={"devices": 2, "epochs": 1000})

    with pytest.raises(SystemExit) as ended:
        train_network(spec, report=report)

    assert ended.value.code == 143
    assert json.loads((tmp_path / "state.json").read_text())["state"]["epoch"] == 2
    assert other_ranks() == []


@pytest.mark.slow
def test_an_interrupted_training_of_two_ranks_goes_on_exactly(train_network, make_spec, tmp_path):
    spec = make_spec(options={"devices": 2, "epochs": 3, "dropout": 0.4})
    end = at_epoch(1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    whole = train_network(spec)

    with pytest.raises(SystemExit):
        train_network(spec, report=RecordedReport(on_epoch=end, resume=tmp_path))

    assert train_network(spec, resume=tmp_path).weights == whole.weights


@pytest.mark.slow
def test_the_end_before_the_rendezvous_leaves_no_rank(train_network, make_spec):
    with (
        as_soon_as_another_rank_starts(lambda _: os.kill(os.getpid(), signal.SIGTERM)),
        pytest.raises(SystemExit) as ended,
    ):
        train_network(make_spec(options={"devices": 2}))

    assert ended.value.code == 143
    assert other_ranks() == []


@pytest.mark.slow
def test_ranks_that_measure_differently_end_together(train_network, make_spec, monkeypatch):
    spec = make_spec(options={"devices": 2, "epochs": 8, "patience": 2})
    agreed = train_network(spec)
    monkeypatch.setattr(ranks, "_RANK", "disagreeing_rank")
    monkeypatch.setenv("PYTHONPATH", str(TRAINERS), prepend=os.pathsep)

    disagreed = train_network(spec)

    assert len(disagreed.curves["epochs"]) == len(agreed.curves["epochs"]) > 3
    assert disagreed.weights == agreed.weights


@pytest.mark.slow
def test_a_limit_ends_all_ranks_with_the_best_epoch(train_network, make_spec):
    report = RecordedReport(on_epoch=at_epoch(1, lambda: os.kill(os.getpid(), signal.SIGUSR1)))

    training = train_network(make_spec(options={"devices": 2, "epochs": 1000}), report=report)

    assert training.outcome.stopped_early
    assert training.results["stopped_early"]
    assert other_ranks() == []


def test_the_rank_that_died_first_is_reported_and_not_who_lost_it(tmp_path):
    code = "import os, sys, time; os.kill(os.getpid(), 9) if sys.argv[1] == '2' else sys.exit(1)"
    with error_of_rank(1, tmp_path, RuntimeError("Connection closed by peer")):
        others = PeerRanks([sys.executable, "-c", code], 3, tmp_path)

    for process in others._processes:
        process.wait()
    with others, pytest.raises(LostProcessError, match=r"rank 2 of the 3 .* by SIGKILL"):
        others.wait_until(lambda: False, StopRequest())


def test_an_error_of_its_own_stays_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(peer_ranks, "_STATUS_SECONDS", 0.2)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]

    with (
        PeerRanks(command, 2, tmp_path) as others,
        pytest.raises(RuntimeError, match="shapes"),
        others.monitored(),
    ):
        raise RuntimeError("shapes cannot be multiplied")


def test_where_the_death_of_a_rank_is_not_noticed_the_training_ends_with_it(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(peer_ranks, "_EXIT_SECONDS", 0.01)
    left: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr(os, "_exit", left.put)
    command = [sys.executable, "-c", "import sys; sys.exit(9)"]

    with PeerRanks(command, 2, tmp_path) as others, others.monitored():
        status = left.get()

    assert status == 70
    assert "rank 1 of the 2 processes that share the training ended with status 9" in (
        capfd.readouterr().err
    )


@contextmanager
def error_of_rank(rank, folder, error):
    with pytest.raises(type(error)), record_error(folder, rank):
        raise error
    yield
