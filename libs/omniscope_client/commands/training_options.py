"""Options that the commands of all trainings share."""

from typing import Annotated

import typer

ROLES, SEARCH, ROWS, LABELS = "Columns", "Search", "Rows", "Name and labels"

DatasetArgument = Annotated[str, typer.Argument(help="Id or name of the dataset.")]
Target = Annotated[str, typer.Option(help="Column to predict.", rich_help_panel=ROLES)]
Features = Annotated[
    list[str] | None,
    typer.Option(
        help="Column to predict from; repeat it. Default: all others.", rich_help_panel=ROLES
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option(help="Column to leave out; repeat it.", rich_help_panel=ROLES),
]
Key = Annotated[str, typer.Option(help="Column with the sample id.", rich_help_panel=ROLES)]
Weight = Annotated[str, typer.Option(help="Column with the rows' weights.", rich_help_panel=ROLES)]
GroupColumn = Annotated[
    str,
    typer.Option(
        help="Column with the rows' groups; a group is never divided.", rich_help_panel=ROLES
    ),
]
TimeColumn = Annotated[
    str,
    typer.Option(
        help="Column with the rows' times; the newest are held out.", rich_help_panel=ROLES
    ),
]
SplitColumn = Annotated[
    str,
    typer.Option(
        help="Column with train, validation and test, or numbers of folds.",
        rich_help_panel=ROLES,
    ),
]
ProblemType = Annotated[
    str,
    typer.Option(
        help="auto, binary, multiclass, regression or classification.", rich_help_panel=SEARCH
    ),
]
Deadline = Annotated[
    int | None,
    typer.Option(
        help="Seconds by which the job must have ended, waiting included.",
        rich_help_panel=SEARCH,
    ),
]
PositiveClass = Annotated[
    str, typer.Option(help="Class that binary metrics mean.", rich_help_panel=SEARCH)
]
Select = Annotated[
    int | None,
    typer.Option(
        help="Keep only so many numeric columns, chosen on training rows.",
        rich_help_panel=SEARCH,
    ),
]
SelectBy = Annotated[
    str, typer.Option(help="f-test (default) or variance.", rich_help_panel=SEARCH)
]
Split = Annotated[
    str,
    typer.Option(
        help="random, stratified, group, time or predefined. Default: by the column given.",
        rich_help_panel=ROWS,
    ),
]
TestFraction = Annotated[
    float | None,
    typer.Option(help="Share of rows held out. Default: 0.2.", rich_help_panel=ROWS),
]
ValidationFraction = Annotated[
    float | None,
    typer.Option(
        help="Share of the others that ranks candidates or epochs.", rich_help_panel=ROWS
    ),
]
SplitSeed = Annotated[
    int | None,
    typer.Option(help="Seed of the division. Default: --seed.", rich_help_panel=ROWS),
]
Seed = Annotated[
    int | None, typer.Option(help="Seed of everything random.", rich_help_panel=SEARCH)
]
Name = Annotated[str, typer.Option(help="Name of the model.", rich_help_panel=LABELS)]
Description = Annotated[str, typer.Option(help="Free text.", rich_help_panel=LABELS)]
Tags = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Label; repeat it.", rich_help_panel=LABELS),
]
Experiment = Annotated[str, typer.Option(help="Experiment in MLflow.", rich_help_panel=LABELS)]
RequestId = Annotated[str, typer.Option(help="UUID: the same id and request give the same job.")]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Check everything, start nothing.")
]
Watching = Annotated[bool, typer.Option("--watch", help="Show it until it ends.")]
