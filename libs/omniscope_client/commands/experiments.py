"""`omniscope experiments`: list, runs, run, metrics, log."""

from typing import Annotated

import typer

from omniscope.registry.v1.experiment_service_pb2 import LoggedMetric, Run
from omniscope_client.client import Client
from omniscope_client.commands.output import Filter, Json, Limit, as_dict, show, show_list
from omniscope_client.errors import OmniscopeError
from omniscope_client.messages import message
from omniscope_client.render import runs as tables

app = typer.Typer(no_args_is_help=True, help="Experiments, runs and their metrics.")

Name = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Its name.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run: its job's.")]
START = "`omniscope automl train DATASET --target COLUMN` starts a run"


@app.command("list")
def list_experiments(limit: Limit = 50, as_json: Json = False) -> None:
    """List experiments by name."""
    with Client() as client:
        rows = list(client.experiments.list(limit))
        show_list("experiments", rows, tables.experiments(rows), "", as_json, START)


@app.command()
def runs(
    experiment: Name,
    limit: Limit = 20,
    query: Filter = "",
    order_by: Annotated[str, typer.Option(help="create_time: the oldest first.")] = "",
    as_json: Json = False,
) -> None:
    """List the runs of an experiment, newest first."""
    with Client() as client:
        rows = list(client.experiments.runs(experiment, limit, query, order_by=order_by))
        show_list("runs", rows, tables.runs(rows), query, as_json, START)


@app.command()
def run(run_id: RunId, as_json: Json = False) -> None:
    """Show a run with its parameters and the last value of every metric."""
    with Client() as client:
        found = client.experiments.run(run_id)
        show(found, tables.run(found), as_json)


@app.command()
def metrics(
    run_id: RunId,
    metric: Annotated[str, typer.Argument(help="For example validation_accuracy.")],
    limit: Limit = 1000,
    as_json: Json = False,
) -> None:
    """Show every value that a metric of a run has had."""
    with Client() as client:
        values = list(client.experiments.history(run_id, metric, limit))
        if not values:
            raise _no_metric(client.experiments.run(run_id), metric)
        document = {
            "run_id": run_id,
            "metric": metric,
            "values": [as_dict(value) for value in values],
        }
        show(document, tables.history(values), as_json)


@app.command()
def log(
    run_id: RunId,
    values: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...")],
    step: Annotated[int, typer.Option(min=0, help="Step that they belong to.")] = 0,
    as_json: Json = False,
) -> None:
    """Add values of your own metrics to a run, and to MLflow."""
    logged = [_metric(text, step) for text in values]
    with Client() as client:
        added = client.experiments.log(run_id, logged)
        document = {"run_id": run_id, "added_count": added}
        show(document, f"{added} of {len(logged)} values are new.", as_json)


def _no_metric(run: Run, metric: str) -> OmniscopeError:
    known = ", ".join(sorted(run.metrics)) or "none yet"
    message = f"Run {run.run_id} has no metric {metric!r}; it has {known}."
    return OmniscopeError("NOT_FOUND", message, reason="METRIC_NOT_FOUND", field="metric")


def _metric(text: str, step: int) -> LoggedMetric:
    key, _, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not KEY=NUMBER") from None
    return message(LoggedMetric, key=key, value=number, step=step)
