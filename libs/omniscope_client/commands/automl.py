"""`omniscope automl`: train, presets, leaderboard."""

from typing import Annotated

import typer

from omniscope.common.v1.job_pb2 import Job
from omniscope_client.client import Client
from omniscope_client.commands.division import selection_from_options, split_from_options
from omniscope_client.commands.labels import labels_of
from omniscope_client.commands.output import Json, console, print_json, show
from omniscope_client.commands.watching import watch
from omniscope_client.render import tables

app = typer.Typer(no_args_is_help=True, help="Training by AutoGluon.")

ROLES, SEARCH, ROWS, LABELS = "Columns", "Search", "Rows", "Name and labels"


@app.command()
def train(
    dataset: Annotated[str, typer.Argument(help="Id or name of the dataset.")],
    target: Annotated[str, typer.Option(help="Column to predict.", rich_help_panel=ROLES)],
    feature: Annotated[
        list[str] | None,
        typer.Option(
            help="Column to predict from; repeat it. Default: all others.", rich_help_panel=ROLES
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="Column to leave out; repeat it.", rich_help_panel=ROLES),
    ] = None,
    key: Annotated[
        str, typer.Option(help="Column with the sample id.", rich_help_panel=ROLES)
    ] = "",
    weight: Annotated[
        str, typer.Option(help="Column with the rows' weights.", rich_help_panel=ROLES)
    ] = "",
    group_column: Annotated[
        str,
        typer.Option(
            help="Column with the rows' groups; a group is never divided.", rich_help_panel=ROLES
        ),
    ] = "",
    time_column: Annotated[
        str,
        typer.Option(
            help="Column with the rows' times; the newest are held out.", rich_help_panel=ROLES
        ),
    ] = "",
    split_column: Annotated[
        str,
        typer.Option(
            help="Column with train, validation and test, or numbers of folds.",
            rich_help_panel=ROLES,
        ),
    ] = "",
    problem_type: Annotated[
        str,
        typer.Option(
            help="auto, binary, multiclass, regression or classification.", rich_help_panel=SEARCH
        ),
    ] = "",
    time_limit: Annotated[
        int | None,
        typer.Option(help="Seconds for the search. Default: 600.", rich_help_panel=SEARCH),
    ] = None,
    deadline: Annotated[
        int | None,
        typer.Option(
            help="Seconds by which the job must have ended, waiting included.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
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
    positive_class: Annotated[
        str, typer.Option(help="Class that binary metrics mean.", rich_help_panel=SEARCH)
    ] = "",
    select: Annotated[
        int | None,
        typer.Option(
            help="Keep only so many numeric columns, chosen on training rows.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    select_by: Annotated[
        str, typer.Option(help="f-test (default) or variance.", rich_help_panel=SEARCH)
    ] = "",
    split: Annotated[
        str,
        typer.Option(
            help="random, stratified, group, time or predefined. Default: by the column given.",
            rich_help_panel=ROWS,
        ),
    ] = "",
    test_fraction: Annotated[
        float | None,
        typer.Option(help="Share of rows held out. Default: 0.2.", rich_help_panel=ROWS),
    ] = None,
    validation_fraction: Annotated[
        float | None,
        typer.Option(help="Share of the others that ranks candidates.", rich_help_panel=ROWS),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(help="Folds of the others that rank candidates.", rich_help_panel=ROWS),
    ] = None,
    split_seed: Annotated[
        int | None,
        typer.Option(help="Seed of the division. Default: --seed.", rich_help_panel=ROWS),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random.", rich_help_panel=SEARCH)
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model.", rich_help_panel=LABELS)] = "",
    description: Annotated[str, typer.Option(help="Free text.", rich_help_panel=LABELS)] = "",
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Label; repeat it.", rich_help_panel=LABELS),
    ] = None,
    experiment: Annotated[
        str, typer.Option(help="Experiment in MLflow.", rich_help_panel=LABELS)
    ] = "",
    request_id: Annotated[
        str, typer.Option(help="UUID: the same id and request give the same job.")
    ] = "",
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Check everything, start nothing.")
    ] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Show it until it ends.")] = False,
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
        _report(job, validate_only, watching, as_json)
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


def _report(job: Job, validate_only: bool, watching: bool, as_json: bool) -> None:
    """Say what was accepted; as JSON it is the job, unless its events follow."""
    if as_json and not (watching and not validate_only):
        print_json(job)
    if as_json:
        return
    screen = console()
    for warning in job.warnings:
        screen.print(f"note: {warning}", style="yellow")
    if validate_only:
        screen.print("The request is good; nothing was started.")
    elif watching:
        screen.print(f"Job {job.job_id} trains {job.model_name}.")
    else:
        screen.print(f"Job {job.job_id} is queued: `omniscope jobs watch {job.job_id}` shows it.")
