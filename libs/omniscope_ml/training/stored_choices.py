"""The files of a package about the rows that were held out and the columns that were chosen."""

from pathlib import Path
from typing import Any

from omniscope_ml.packaging import SELECTION_FILE
from omniscope_ml.preprocessing.archive import write_arrays
from omniscope_ml.training.spec import TableSpec
from omniscope_ml.training.training_table import TrainingTable


def stored_split(spec: TableSpec, table: TrainingTable) -> dict[str, Any]:
    """Return the plan of the division and what came of it, as the manifest holds it."""
    predefined = spec.split_strategy == "predefined"
    return {
        "strategy": spec.split_strategy,
        "column": spec.split_column or "",
        "test_fraction": None if predefined else spec.test_fraction,
        "validation_fraction": spec.validation_fraction,
        "folds": spec.folds,
        "seed": spec.split_seed,
        "train_rows": len(table.hold_out.train),
        "test_rows": len(table.hold_out.test),
    }


def store_selection(folder: Path, spec: TableSpec, table: TrainingTable) -> dict[str, Any]:
    """Write the chosen columns and their scores; return what the manifest says about them."""
    if table.selection is None:
        return {}
    write_arrays(folder / SELECTION_FILE, table.selection.to_arrays())
    return {
        "feature_selection": {
            "method": spec.selection_method,
            "top_k": spec.selection_top_k,
            "columns": len(spec.feature_columns),
            "file": SELECTION_FILE,
        }
    }
