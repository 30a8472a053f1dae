"""Puts amounts into the words of a table cell."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from omniscope.common.v1.job_pb2 import Job, JobState

# Metrics with one of these in their names are better the smaller they are.
ERROR_WORDS = ("error", "loss", "deviation")
SIZE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float) -> str:
    """Return a duration with two units at most.

    >>> duration(0.0123), duration(8.26), duration(72), duration(3725)
    ('12 ms', '8.3 s', '1 min 12 s', '1 h 2 min')
    """
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(size_bytes: int) -> str:
    """Return a size with three digits.

    >>> size(644105)
    '629 KiB'
    """
    amount, unit = float(size_bytes), 0
    while amount >= 1000 and unit < len(SIZE_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    digits = 0 if not unit or amount >= 100 else 1 if amount >= 10 else 2
    return f"{amount:.{digits}f} {SIZE_UNITS[unit]}"


def number(value: float) -> str:
    """Return a metric's value with four significant digits, as a table aligns it best.

    >>> number(0.97297), number(1523.4), number(1e-7)
    ('0.9730', '1523', '1.000e-07')
    """
    if value == 0 or 0.001 <= abs(value) < 1:
        return f"{value:.4f}"
    return f"{value:#.4g}".rstrip(".")


def score(value: float, metric: str) -> str:
    """Return a candidate's score as people know the metric: the API negates errors.

    >>> score(-1.5, "root_mean_squared_error"), score(-0.5, "r2")
    ('1.500', '-0.5000')
    """
    is_error = any(word in metric for word in ERROR_WORDS)
    return number(abs(value) if is_error else value)


def moment(when: Timestamp) -> str:
    """Return a time in the reader's own zone; `-` when there is none."""
    if not when.seconds:
        return "-"
    return f"{when.ToDatetime(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"


def age(when: Timestamp, now: datetime | None = None) -> str:
    """Return how long ago a time was, in one unit; `-` when there is none.

    Args:
        when: The time.
        now: Time to count from. Default: now.
    """
    if not when.seconds:
        return "-"
    passed = (now or datetime.now(UTC)) - when.ToDatetime(tzinfo=UTC)
    seconds = max(round(passed.total_seconds()), 0)
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def state(value: JobState.ValueType) -> str:
    """Return a job's state as the API's `status` writes it.

    >>> state(3)
    'succeeded'
    """
    return JobState.Name(value).removeprefix("JOB_STATE_").lower()


def run_time(job: Job) -> str:
    """Return how long a job ran; `-` while that is open."""
    if not (job.HasField("start_time") and job.HasField("end_time")):
        return "-"
    return duration((job.end_time.ToDatetime() - job.start_time.ToDatetime()).total_seconds())
