"""The spec of a training: the one form that servicer, worker and trainer agree on.

The worker writes a spec as JSON and the child reads it, so this module imports no heavy library.
"""

import math
from dataclasses import dataclass
from typing import Final

from omniscope_ml.training.spec import TableSpec

DEFAULT_TIME_LIMIT: Final = 600
TIME_LIMIT_RANGE: Final = (10, 604_800)


@dataclass(frozen=True, kw_only=True)
class TrainSpec(TableSpec):
    """A checked training request with every choice made and every default filled in.

    Where it leaves validation open, AutoGluon decides.

    Attributes:
        time_limit: Seconds that the search may take.
        quality: AutoGluon's preset.
        eval_metric: Metric that candidates are ranked by, as AutoGluon names it.
        included_model_families: Only these families; empty means those of the preset.
        excluded_model_families: None of these families.
    """

    time_limit: int
    quality: str
    eval_metric: str
    included_model_families: tuple[str, ...] = ()
    excluded_model_families: tuple[str, ...] = ()


def hard_limit_seconds(time_limit: int) -> int:
    """Return the seconds after which an attempt is stopped, whatever it does.

    Searches overrun their soft limit by some share of it, and packaging takes its time on top.
    """
    return math.ceil(1.25 * time_limit) + 120
