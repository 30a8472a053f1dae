"""Refits only the chosen model where a limit ended the search.

The presets that bag for quality keep no fold: what predicts is a refit on all rows.
`TabularPredictor.fit` refits every model, however long that takes (`TabularPredictor.refit_full`:
"not bound by time_limit"). At a limit there is a minute for it, and only one model is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autogluon.tabular import TabularPredictor

from omniscope_automl.engine.replaced import replaced

if TYPE_CHECKING:
    from omniscope_automl.engine.finish_request import FinishRequest


@contextmanager
def short_refit(finish: "FinishRequest") -> Iterator[None]:
    """Have AutoGluon refit the chosen model, and what it is made of, once that was asked for."""
    refit_full = TabularPredictor.refit_full

    def refit(engine: Any, model: Any = "all", **arguments: Any) -> dict[str, str]:
        refitted: dict[str, str] = refit_full(
            engine, model="best" if finish.asked else model, **arguments
        )
        return refitted

    with replaced(TabularPredictor, "refit_full", refit):
        yield
