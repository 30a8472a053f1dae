"""The candidates of a finished search, with their scores on the held-out rows.

A model that AutoGluon has refitted on all rows has no validation score in
`TabularPredictor.leaderboard`; here it has that of the model that it was made of.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from autogluon.tabular import TabularPredictor

Entry = dict[str, Any]


def leaderboard(engine: "TabularPredictor", held_out: "pd.DataFrame") -> list[Entry]:
    """Return the candidates, best validation score first, the chosen one before its equals.

    Args:
        engine: The fitted predictor.
        held_out: Rows that it has not seen, target included.

    Returns:
        Entries under the field names of omniscope.common.v1.LeaderboardEntry; score_test is absent
        where a candidate was kept only as a step to another.
    """
    import pandas as pd

    table = engine.leaderboard(held_out, display=False).sort_values("fit_order")
    validation = dict(zip(table["model"], table["score_val"], strict=True))
    originals = engine.model_refit_map(inverse=True)
    entries: list[Entry] = []
    for row in table.to_dict("records"):
        # A refitted model has no validation rows of its own; it stands for the one it was made of.
        original = originals.get(row["model"], row["model"])
        score = validation.get(original)
        if score is not None and not pd.isna(score):
            entries.append(_entry(row, float(score)))
    chosen = engine.model_best
    entries.sort(key=lambda entry: (-entry["score_validation"], entry["model"] != chosen))
    return [{**entry, "rank": rank} for rank, entry in enumerate(entries, start=1)]


def _entry(row: Mapping[str, Any], score: float) -> Entry:
    import pandas as pd

    entry: Entry = {
        "model": row["model"],
        "metric": str(row["eval_metric"]),
        "score_validation": score,
        "fit_seconds": _seconds(row["fit_time_marginal"]),
        "prediction_seconds": _seconds(row["pred_time_val"]),
        "stack_level": int(row["stack_level"]),
    }
    if not pd.isna(row["score_test"]):
        entry["score_test"] = float(row["score_test"])
    return entry


def _seconds(value: float) -> float:
    return 0.0 if value != value else float(value)
