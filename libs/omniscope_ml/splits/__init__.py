"""Divides rows into those that train, those that rank candidates, and those that nothing sees.

`plan` says how, `table` what a division may look at, `divide` does it and `parts` is what comes
out. Each strategy has a module: `at_random`, `stratified`, `groups`, `times`, `predefined`.
"""

from omniscope_ml.splits.divide import divide_rows, validation_folds, validation_part
from omniscope_ml.splits.parts import Fold, HoldOut, Rows, Split
from omniscope_ml.splits.plan import STRATEGIES, SplitPlan, Strategy
from omniscope_ml.splits.table import SplitTable

__all__ = [
    "STRATEGIES",
    "Fold",
    "HoldOut",
    "Rows",
    "Split",
    "SplitPlan",
    "SplitTable",
    "Strategy",
    "divide_rows",
    "validation_folds",
    "validation_part",
]
