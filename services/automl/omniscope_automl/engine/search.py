"""Runs AutoGluon on the training rows of a table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omniscope_automl.engine.arguments import engine_frame, fit_arguments, predictor_arguments
from omniscope_automl.engine.callback import SearchCallback
from omniscope_automl.engine.failures import no_model, no_time, time_may_run_out
from omniscope_automl.engine.finished_models import EarlierSearch, FinishedModels
from omniscope_automl.engine.hidden_mlflow import mlflow_hidden
from omniscope_automl.engine.planned_validation import validation_arguments
from omniscope_automl.engine.seeds import seed_everything
from omniscope_automl.engine.session import Session
from omniscope_automl.progress import SearchProgress
from omniscope_automl.spec import TrainSpec
from omniscope_ml.training.training_table import TrainingTable

if TYPE_CHECKING:
    from autogluon.tabular import TabularPredictor

    from omniscope_service.jobs.report import JobPaths, Report


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes:
        engine: The fitted predictor.
        stopped_early: Whether time or memory kept a model from being trained to its end.
    """

    engine: "TabularPredictor"
    stopped_early: bool


def run_search(
    spec: TrainSpec,
    table: TrainingTable,
    paths: "JobPaths",
    report: "Report",
    session: Session,
) -> Search:
    """Train candidates until the time limit; the held-out rows are never shown to AutoGluon.

    Args:
        spec: What to train.
        table: Its rows; only the training part is used.
        paths: Where AutoGluon's files go, and where an earlier attempt's models are.
        report: Receives every model as soon as it is trained.
        session: AutoGluon's surroundings.

    Raises:
        DataError: NO_MODEL_TRAINED or MODEL_FAMILY_UNAVAILABLE.
    """
    from autogluon.tabular import TabularPredictor

    arguments = fit_arguments(spec) | validation_arguments(table)
    earlier = EarlierSearch.read(paths.resume, report)
    finished = FinishedModels(earlier, report, paths.workspace)
    seconds = earlier.seconds_left(spec.time_limit)
    seed_everything(spec.seed)
    engine = TabularPredictor(**predictor_arguments(spec, table, paths.workspace / "search"))
    with SearchProgress(report, seconds) as progress, mlflow_hidden(), time_may_run_out(spec):
        engine.fit(
            engine_frame(spec, table, table.hold_out.train),
            callbacks=[SearchCallback(progress, finished, session.finish, spec.seed)],
            time_limit=seconds,
            **earlier.stacking_arguments() | arguments,
        )
    limited = session.log.cut_short or session.finish.asked
    if not engine.model_names():
        raise no_time(spec) if limited else no_model(engine)
    return Search(engine, stopped_early=limited or not progress.complete)
