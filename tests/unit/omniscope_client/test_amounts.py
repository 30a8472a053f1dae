import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from omniscope.common.v1.job_pb2 import JOB_STATE_TIMED_OUT, Job
from omniscope_client.render import amounts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 ms"),
        (0.0123, "12 ms"),
        (8.26, "8.3 s"),
        (9.97, "10 s"),
        (59.6, "1 min 0 s"),
        (3725, "1 h 2 min"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert amounts.duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (644_105, "629 KiB"),
        (5 * 2**20, "5.00 MiB"),
        (2**45, "32.0 TiB"),
    ],
)
def test_a_size_has_three_digits(size_bytes: int, text: str) -> None:
    assert amounts.size(size_bytes) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.000"),
        (0.97297, "0.9730"),
        (0.0, "0.0000"),
        (-1523.4, "-1523"),
        (1e-7, "1.000e-07"),
    ],
)
def test_a_number_has_four_digits(value: float, text: str) -> None:
    assert amounts.number(value) == text


def test_a_state_reads_as_in_the_api() -> None:
    assert amounts.state(JOB_STATE_TIMED_OUT) == "timed_out"


def test_what_is_open_shows_as_a_dash() -> None:
    assert amounts.moment(Timestamp()) == "-"
    assert amounts.run_time(Job(start_time=Timestamp(seconds=10))) == "-"


def test_an_ended_job_shows_how_long_it_ran() -> None:
    job = Job(start_time=Timestamp(seconds=10), end_time=Timestamp(seconds=82))

    assert amounts.run_time(job) == "1 min 12 s"
