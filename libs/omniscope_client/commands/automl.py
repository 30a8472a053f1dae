"""`omniscope automl`: train, presets, leaderboard."""

from typing import Annotated

import typer

from omniscope_client.client import Client
from omniscope_client.commands.division import selection_from_options, split_from_options
from omniscope_client.commands.labels import labels_of
from omniscope_client.commands.output import Json, show
from omniscope_client.commands.submission import report_submission
from omniscope_client.commands.training_options import (
    ROWS,
    SEARCH,
    DatasetArgument,
    Deadline,
    Description,
    Experiment,
    Features,
    GroupColumn,
    Ignored,
    Key,
    Name,
    PositiveClass,
    ProblemType,
    RequestId,
    Seed,
    Select,
    SelectBy,
    Split,
    SplitColumn,
    SplitSeed,
    Tags,
    Target,
    TestFraction,
    TimeColumn,
    ValidateOnly,
    ValidationFraction,
    Watching,
    Weight,
)
from omniscope_client.commands.watching import watch
from omniscope_client.render import tables

app = typer.Typer(no_args_is_help=True, help="Training by AutoGluon.")


@app.command()
def train(
    dataset: DatasetArgument,
    target: Target,
    feature: Features = None,
    ignore: Ignored = None,
    key: Key = "",
    weight: Weight = "",
    group_column: GroupColumn = "",
    time_column: TimeColumn = "",
    split_column: SplitColumn = "",
    problem_type: ProblemType = "",
    time_limit: Annotated[
        int | None,
        typer.Option(help="Seconds for the search. Default: 600.", rich_help_panel=SEARCH),
    ] = None,
    deadline: Deadline = None,
    quality: Annotated[
        str, typer.Option(help="See `omniscope automl presets`.", rich_help_panel=SEARCH)
    ] = "",
    metric: Annotated[
        str, typer.Option(help="Metric to rank candidates by.", rich_help_panel=SEARCH)
    ] = "",
    include: Annotated[
        list[str] | None,
        typer.Option(help="Only this model family; repeat it.", rich_help_panel=SEARCH),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Not this model family; repeat it.", rich_help_panel=SEARCH),
    ] = None,
    positive_class: PositiveClass = "",
    select: Select = None,
    select_by: SelectBy = "",
    split: Split = "",
    test_fraction: TestFraction = None,
    validation_fraction: ValidationFraction = None,
    folds: Annotated[
        int | None,
        typer.Option(help="Folds of the others that rank candidates.", rich_help_panel=ROWS),
    ] = None,
    split_seed: SplitSeed = None,
    seed: Seed = None,
    name: Name = "",
    description: Description = "",
    tag: Tags = None,
    experiment: Experiment = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    watching: Watching = False,
    as_json: Json = False,
) -> None:
    """Train a model on a dataset.

    With --watch it ends with 0 when the job succeeded and with 4 when it did not; Ctrl-C stops
    watching, not the job.
    """
    division = split_from_options(split, test_fraction, validation_fraction, folds, split_seed)
    with Client() as client:
        job = client.automl.train(
            dataset,
            target,
            feature_columns=feature or (),
            problem_type=problem_type,
            time_limit=time_limit,
            deadline_seconds=deadline,
            quality=quality,
            key_column=key,
            ignore_columns=ignore or (),
            weight_column=weight,
            group_column=group_column,
            time_column=time_column,
            split_column=split_column,
            split=division,
            feature_selection=selection_from_options(select, select_by),
            seed=seed,
            eval_metric=metric,
            included_model_families=include or (),
            excluded_model_families=exclude or (),
            positive_class=positive_class,
            model_name=name,
            description=description,
            tags=labels_of(tag or ()),
            experiment=experiment,
            request_id=request_id,
            validate_only=validate_only,
        )
        report_submission(job, validate_only, watching, as_json)
        if watching and not validate_only:
            watch(client, job.job_id, "", as_json)


@app.command()
def presets(as_json: Json = False) -> None:
    """List what --quality may be, best quality first."""
    with Client() as client:
        answer = client.automl.presets()
        show(answer, tables.presets(answer), as_json)


@app.command()
def leaderboard(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="Id of a training job.")],
    as_json: Json = False,
) -> None:
    """Show the candidates that a job has trained so far, best first."""
    with Client() as client:
        answer = client.automl.leaderboard(job_id)
        show(answer, tables.leaderboard(answer.entries), as_json)
