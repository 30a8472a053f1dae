"""Tables of experiments, runs and metrics."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from omniscope.registry.v1.experiment_service_pb2 import Experiment, MetricValue, Run
from omniscope_client.render.amounts import age, moment, number
from omniscope_client.render.tables import (
    cut,
    facts,
    inputs,
    job_state,
    labels,
    list_table,
    metric_place,
)

COUNTED_RUNS = 100
"""The service counts no further."""
TEST = "test_"


def experiments(rows: Iterable[Experiment]) -> Table:
    """Return the list of experiments."""
    table = list_table("experiment~", "runs:>", "newest run:>")
    for row in rows:
        count = f"{row.run_count}+" if row.run_count == COUNTED_RUNS else str(row.run_count)
        table.add_row(cut(row.name), count, age(row.last_run_time))
    return table


def runs(rows: Iterable[Run]) -> Table:
    """Return the list of runs."""
    table = list_table("id", "state", "name~", "held out~", "age:>")
    for row in rows:
        values = (f"{number(value)} {name}" for name, value in _held_out(row)[:1])
        table.add_row(
            row.run_id, job_state(row.state), cut(row.name), cut("".join(values)),
            age(row.create_time),
        )  # fmt: skip
    return table


def _held_out(row: Run) -> list[tuple[str, float]]:
    """Return the metrics on the rows held out, those first that people look for."""
    values = [
        (name.removeprefix(TEST), value)
        for name, value in row.metrics.items()
        if name.startswith(TEST)
    ]
    return sorted(values, key=metric_place)


def run(row: Run) -> Table:
    """Return everything about one run."""
    return facts(
        ("id", row.run_id),
        ("name", row.name),
        ("experiment", row.experiment),
        ("state", job_state(row.state)),
        ("attempt", str(row.attempt)),
        ("reads", inputs(row.inputs)),
        ("model", row.model_id),
        ("artifact", row.artifact_id),
        ("MLflow run", row.mlflow_run_id),
        ("submitted", moment(row.create_time)),
        ("tags", labels(row.tags.items())),
        *((name, value) for name, value in sorted(row.parameters.items())),
        *((name, number(value)) for name, value in sorted(row.metrics.items())),
    )


def history(values: Sequence[MetricValue]) -> Table:
    """Return the values of a metric in their order."""
    by_epoch = any(value.epoch for value in values)
    epoch_heading = ["epoch:>"] if by_epoch else []
    table = list_table("step:>", *epoch_heading, "value:>", "attempt:>", "when")
    for value in values:
        attempt = str(value.attempt) if value.attempt else "logged"
        epoch = str(value.epoch + 1) if value.attempt else "-"  # people count from 1
        table.add_row(
            str(value.step), *([epoch] if by_epoch else []), number(value.value), attempt,
            moment(value.event_time),
        )  # fmt: skip
    return table
