"""Tables of the command line: one function per thing that is shown."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from omniscope.automl.v1.automl_service_pb2 import ListPresetsResponse
from omniscope.common.v1.artifact_pb2 import Artifact
from omniscope.common.v1.dataset_pb2 import Dataset, DatasetColumn
from omniscope.common.v1.job_event_pb2 import LeaderboardEntry
from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.job_pb2 import Job, JobState
from omniscope.common.v1.metric_pb2 import ConfusionMatrix, MetricSet
from omniscope.common.v1.model_pb2 import Model, ModelResults
from omniscope_client.render.amounts import (
    age,
    duration,
    moment,
    number,
    run_time,
    score,
    size,
    state,
)
from omniscope_client.render.option_names import in_options

STATE_STYLES = {
    "queued": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "magenta",
    "timed_out": "red",
    "quarantined": "red",
}
LISTED_INPUTS = 16
"""Lists of jobs and of artifacts carry no more of each."""
# Metrics in the order that people look for them; others follow by name.
METRIC_ORDER = (
    "accuracy", "balanced_accuracy", "f1", "roc_auc", "pr_auc", "mcc", "log_loss", "brier",
    "rmse", "mae", "r2",
)  # fmt: skip


def datasets(rows: Iterable[Dataset]) -> Table:
    """Return the list of datasets."""
    table = list_table("id", "name~", "v:>", "rows:>", "cols:>", "size:>", "age:>")
    for row in rows:
        table.add_row(
            row.dataset_id, cut(row.name), str(row.version), f"{row.row_count:,}",
            f"{row.column_count:,}", size(row.size_bytes), age(row.create_time),
        )  # fmt: skip
    return table


def dataset(row: Dataset) -> Table:
    """Return everything about one dataset."""
    types = ", ".join(f"{count:,} {kind}" for kind, count in sorted(row.column_types.items()))
    return facts(
        ("name", f"{row.name} (version {row.version})"),
        ("id", row.dataset_id),
        ("shape", f"{row.row_count:,} rows x {row.column_count:,} columns ({types})"),
        ("missing", f"{row.missing_count:,} cells"),
        ("likely sample ids", ", ".join(row.likely_key_columns) or "none"),
        ("size", f"{size(row.size_bytes)}, uploaded as {row.source_format}"),
        ("digest", row.digest),
        ("uploaded", f"{moment(row.create_time)} by {row.created_by}"),
        ("description", row.description),
    )


def columns(rows: Iterable[DatasetColumn]) -> Table:
    """Return profiles of columns."""
    table = _table(
        "column", "type", "missing:>", "distinct:>", "min:>", "mean:>", "max:>", "most frequent"
    )
    for row in rows:
        frequent = ", ".join(f"{top.value} ({top.count})" for top in row.top_values[:3])
        table.add_row(
            row.name, row.type, str(row.missing_count),
            str(row.distinct_count) if row.HasField("distinct_count") else "-",
            *(number(getattr(row, name)) if row.HasField(name) else "-"
              for name in ("min", "mean", "max")),
            frequent,
        )  # fmt: skip
    return table


def jobs(rows: Iterable[Job]) -> Table:
    """Return the list of jobs."""
    table = list_table("id", "state", "%:>", "makes~", "took:>", "age:>")
    for row in rows:
        makes = _artifact(row) or row.model_name
        table.add_row(
            row.job_id, job_state(row.state), f"{row.progress:.0f}",
            cut(f"{makes} of {inputs_in_brief(row.inputs)}" if row.inputs else makes),
            run_time(row), age(row.create_time),
        )  # fmt: skip
    return table


def job(row: Job) -> Table:
    """Return everything about one job."""
    return facts(
        ("id", row.job_id),
        ("state", job_state(row.state)),
        ("progress", f"{row.progress:.0f} %"),
        ("says", row.message),
        ("error", failure(row) if row.HasField("error") else ""),
        ("warnings", in_options("\n".join(row.warnings))),
        ("model", f"{row.model_name} {row.model_id}".strip()),
        ("artifact", _artifact(row)),
        ("reads", inputs(row.inputs)),
        ("service", f"{row.service} ({row.model_type or row.artifact_kind})"),
        ("attempt", str(row.attempt)),
        ("submitted", f"{moment(row.create_time)} by {row.created_by}"),
        ("repeats", row.retry_of),
        ("deadline", moment(row.deadline) if row.HasField("deadline") else ""),
        ("took", run_time(row)),
        ("stopped early", "yes, a limit was hit" if row.stopped_early else ""),
        ("experiment", row.experiment),
        ("tags", labels(row.tags.items())),
        ("description", row.description),
    )


def inputs(read: Iterable[JobInput]) -> str:
    """Return what a job reads, one on a line, for example `training: dataset 01J…`."""
    return "\n".join(f"{each.role}: {' '.join(_input(each))}" for each in read)


def inputs_in_brief(read: Sequence[JobInput]) -> str:
    """Return what a job reads on one line: the id of one input, how many there are of several."""
    if len(read) == 1:
        return " ".join(_input(read[0]))
    if len(read) == LISTED_INPUTS:
        return f"{LISTED_INPUTS} inputs or more"
    counts = Counter(kind for kind, _ in map(_input, read))
    return ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items())


def _input(each: JobInput) -> tuple[str, str]:
    """Return what an input is, and its id."""
    if each.HasField("dataset_id"):
        return "dataset", each.dataset_id
    return "model", each.model_id


def _artifact(row: Job) -> str:
    """Return what artifact a job makes, and its id once it is there; empty when it makes none."""
    return f"{row.artifact_kind} {row.artifact_id}".strip()


def failure(row: Job) -> str:
    """Return why a job failed, on one line."""
    field = f", field {row.error.field}" if row.error.field else ""
    return f"{in_options(row.error.message, row.error.field)} [{row.error.reason}{field}]"


def job_state(value: JobState.ValueType) -> Text:
    """Return a job's state in its colour."""
    name = state(value)
    return Text(name, style=STATE_STYLES.get(name, ""))


def models(rows: Iterable[Model]) -> Table:
    """Return the list of models."""
    table = list_table("id", "name~", "v:>", "kind~", "held out~", "age:>")
    for row in rows:
        first = sorted(row.metrics.items(), key=metric_place)[:1]
        table.add_row(
            row.model_id, cut(row.name), _version(row), cut(row.architecture),
            cut("".join(f"{number(value)} {name}" for name, value in first)),
            age(row.create_time),
        )  # fmt: skip
    return table


def model(row: Model) -> Table:
    """Return everything about one model."""
    values = sorted(row.metrics.items(), key=metric_place)
    return facts(
        ("name", f"{row.name} (version {row.version})"),
        ("id", row.model_id),
        ("kind", f"{row.type}, {row.architecture}"),
        (
            "predicts",
            f"{row.target_column} ({row.problem_type}) from {row.feature_count:,} columns",
        ),
        ("classes", ", ".join(row.classes)),
        ("aliases", ", ".join(row.aliases)),
        ("held out", ", ".join(f"{name} {number(value)}" for name, value in values)),
        ("dataset", row.dataset_id),
        ("job", row.job_id),
        ("MLflow run", row.mlflow_run_id or "not projected yet"),
        ("package", f"{size(row.size_bytes)} at {row.artifacts_path}"),
        ("manifest digest", row.manifest_digest),
        ("made", f"{moment(row.create_time)} by {row.created_by}"),
        ("tags", labels(row.tags.items())),
        ("description", row.description),
    )


def artifacts(rows: Iterable[Artifact]) -> Table:
    """Return the list of artifacts."""
    table = list_table("id", "kind~", "of~", "size:>", "age:>")
    for row in rows:
        gone = " deleted" if row.HasField("delete_time") else ""
        table.add_row(
            row.artifact_id, cut(row.kind + gone), cut(inputs_in_brief(row.inputs)),
            size(row.size_bytes), age(row.create_time),
        )  # fmt: skip
    return table


def artifact(row: Artifact) -> Table:
    """Return everything about one artifact."""
    return facts(
        ("id", row.artifact_id),
        ("kind", row.kind),
        ("made of", inputs(row.inputs)),
        ("job", row.job_id),
        ("MLflow run", row.mlflow_run_id or "not projected yet"),
        ("package", f"{size(row.size_bytes)} at {row.artifacts_path}"),
        ("manifest digest", row.manifest_digest),
        ("made", f"{moment(row.create_time)} by {row.created_by}"),
    )


def chosen(row: Model, results: ModelResults) -> Table:
    """Return which model results are about, which class is positive, and how a network learned."""
    settings = sorted(results.settings)
    return facts(
        ("model", f"{row.name} (version {row.version}): {results.best_model}"),
        ("predicts", f"{results.target_column} ({results.problem_type})"),
        ("positive class", results.positive_class),
        ("learned with", ", ".join(f"{name} {results.settings[name]}" for name in settings)),
        ("ended", results.ending),
    )


def metrics(sets: Sequence[MetricSet]) -> Table:
    """Return metrics, one row each, with a column per part of the data."""
    table = _table("metric", *(f"{part.split} ({part.rows} rows):>" for part in sets))
    names = {name for part in sets for name in part.values}
    for name in sorted(names, key=lambda name: metric_place((name, 0.0))):
        cells = (number(part.values[name]) if name in part.values else "-" for part in sets)
        table.add_row(name, *cells)
    return table


def confusion(matrix: ConfusionMatrix) -> Table:
    """Return how often each true class was predicted as which."""
    table = _table("true \\ predicted", *(f"{name}:>" for name in matrix.classes))
    width = len(matrix.classes)
    for place, name in enumerate(matrix.classes):
        counts = matrix.counts[place * width : (place + 1) * width]
        table.add_row(name, *(_count(count, place == other) for other, count in enumerate(counts)))
    return table


def plots(results: ModelResults) -> Text:
    """Return which plots there are, and how to get them."""
    names = ", ".join(dict.fromkeys(plot.name for plot in results.plots))
    return Text(f"plots: {names}\nomniscope models plots {results.model_id} saves them", "dim")


def leaderboard(entries: Sequence[LeaderboardEntry], chosen: str = "") -> Table:
    """Return candidates in the order given, the chosen one marked (default: the first)."""
    chosen = chosen or (entries[0].model if entries else "")
    metric = entries[0].metric if entries else "score"
    tested = any(entry.HasField("score_test") for entry in entries)
    table = _table(
        "#:>", "candidate", f"validation {metric}:>", *(["held out:>"] if tested else []),
        "fit:>", "predict:>",
    )  # fmt: skip
    for place, entry in enumerate(entries, start=1):
        test = score(entry.score_test, entry.metric) if entry.HasField("score_test") else "-"
        validation = score(entry.score_validation, entry.metric)
        table.add_row(
            str(place), entry.model, validation, *([test] if tested else []),
            duration(entry.fit_seconds), duration(entry.prediction_seconds),
            style="bold green" if entry.model == chosen else "",
        )  # fmt: skip
    return table


def presets(answer: ListPresetsResponse) -> Table:
    """Return what `quality` may be."""
    table = _table("preset", "bagging", "stacking", "meaning")
    for row in answer.presets:
        name = f"{row.name} (default)" if row.default_preset else row.name
        table.add_row(name, _yes(row.bagging), _yes(row.stacking), row.description)
    return table


def _table(*headings: str) -> Table:
    """Return an empty table; a heading that ends in `:>` aligns its column to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        text, right = heading.removesuffix(":>"), heading.endswith(":>")
        table.add_column(text, justify="right" if right else "left", overflow="fold")
    return table


def list_table(*headings: str) -> Table:
    """Return an empty table with one line per row, also where the terminal is narrow.

    A column whose heading ends in `~` gives way (fill it with `cut`), the others are never cut;
    `:>` aligns to the right.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        text, right = heading.removesuffix(":>"), heading.endswith(":>")
        if text.endswith("~"):
            table.add_column(cut(text[:-1]))
        else:
            table.add_column(text, justify="right" if right else "left", no_wrap=True)
    return table


def cut(text: str) -> Text:
    """Return a cell that ends in an ellipsis where it has no room."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def facts(*pairs: tuple[str, str | Text]) -> Table:
    """Return pairs of name and value, without those that are empty."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value)
    return table


def _count(count: int, correct: bool) -> Text:
    style = "dim" if not count else "green" if correct else "red"
    return Text(str(count), style=style)


def metric_place(item: tuple[str, float]) -> tuple[int, str]:
    """Return where a metric stands among others, for sorting by what people look for."""
    name = item[0]
    return (METRIC_ORDER.index(name) if name in METRIC_ORDER else len(METRIC_ORDER), name)


def labels(items: Iterable[tuple[str, str]]) -> str:
    """Return labels on one line, by key."""
    return ", ".join(f"{key}={value}" for key, value in sorted(items))


def _version(row: Model) -> str:
    """Return a model's version with its aliases, or that it is deleted."""
    if row.HasField("delete_time"):
        return f"{row.version} deleted"
    return " ".join([*(f"@{alias}" for alias in row.aliases), str(row.version)])


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
