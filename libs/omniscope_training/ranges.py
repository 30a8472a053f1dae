"""Defaults and ranges of what every training may be asked."""

from typing import Final, get_args

from omniscope_ml.training.spec import ProblemType

PROBLEM_TYPES: Final[tuple[ProblemType, ...]] = get_args(ProblemType)
DEADLINE_RANGE: Final = (1, 2_592_000)
DEFAULT_TEST_FRACTION: Final = 0.2
TEST_FRACTION_RANGE: Final = (0.01, 0.9)
DEFAULT_VALIDATION_FRACTION: Final = 0.2
FOLDS_RANGE: Final = (2, 20)
TOP_K_RANGE: Final = (1, 100_000)
DEFAULT_SEED: Final = 0
SEED_RANGE: Final = (0, 2_147_483_647)
