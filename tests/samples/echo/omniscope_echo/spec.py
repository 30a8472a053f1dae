"""The spec of an echo: the one form that servicer, worker and trainer agree on.

The worker writes a spec as JSON and the child reads it, so this module imports no stubs.
"""

import math
from dataclasses import dataclass
from typing import Final

ARTIFACT_KIND: Final = "echo"
DATASET_ROLE: Final = "repeated"
MODEL_ROLE: Final = "named"
DEFAULT_ROWS: Final = 3
ROWS_RANGE: Final = (1, 1_000)
SECONDS_RANGE: Final = (0.0, 60.0)
MESSAGE_CHARACTERS: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class EchoSpec:
    """A checked request with every default filled in.

    Attributes:
        job_id: The job.
        attempt: Its attempt.
        message: Text to repeat.
        model_name: Name of the model.
        rows: How many rows to repeat.
        seconds_per_row: How long each takes.
    """

    job_id: str
    attempt: int
    message: str
    model_name: str
    rows: int
    seconds_per_row: float


def hard_limit_seconds(rows: int, seconds_per_row: float) -> int:
    """Return the seconds after which an attempt is stopped, whatever it does."""
    return 60 + math.ceil(2 * rows * seconds_per_row)
