"""`omniscope deeplearning`: train, architectures."""

from typing import Annotated

import typer

from omniscope.common.v1.resources_pb2 import Resources
from omniscope.deeplearning.v1.training_pb2 import Preprocessing, TrainingOptions
from omniscope_client.client import Client
from omniscope_client.commands.division import selection_from_options, split_from_options
from omniscope_client.commands.labels import labels_of
from omniscope_client.commands.networks import layout_from_option, parameters_from_options
from omniscope_client.commands.output import Json, show
from omniscope_client.commands.submission import report_submission
from omniscope_client.commands.training_options import (
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
)  # fmt: skip
from omniscope_client.commands.watching import watch
from omniscope_client.deeplearning import DEFAULT_ARCHITECTURE
from omniscope_client.messages import message
from omniscope_client.render import networks

app = typer.Typer(no_args_is_help=True, help="Training of networks.")

NETWORK, LEARNING, PREPROCESSING = "Network", "Learning", "Preprocessing"


def _learning(text: str) -> typer.models.OptionInfo:
    """Return an option of how a network learns."""
    option: typer.models.OptionInfo = typer.Option(help=text, rich_help_panel=LEARNING)
    return option


@app.command()
def train(
    dataset: DatasetArgument,
    target: Target,
    architecture: Annotated[
        str,
        typer.Option(help="See `omniscope deeplearning architectures`.", rich_help_panel=NETWORK),
    ] = DEFAULT_ARCHITECTURE,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Parameter of the architecture, heads=8 say; repeat it.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="flat, sequence:STEPSxCHANNELS or image:HEIGHTxWIDTHxCHANNELS. Default: by the "
            "architecture.",
            rich_help_panel=NETWORK,
        ),
    ] = "",
    accelerator: Annotated[
        str, typer.Option(help="auto (default), cpu or gpu.", rich_help_panel=NETWORK)
    ] = "",
    devices: Annotated[
        int | None,
        typer.Option(
            help="GPUs, or processes without one, that share each batch.", rich_help_panel=NETWORK
        ),
    ] = None,
    epochs: Annotated[int | None, _learning("Most passes over the rows. Default: 200.")] = None,
    batch_size: Annotated[
        int | None,
        _learning("Rows of a step. Default: an eighth to a quarter of all, 8 to 256."),
    ] = None,
    optimizer: Annotated[str, _learning("adamw, adam or sgd. Default: by the data.")] = "",
    learning_rate: Annotated[
        float | None, _learning("Largest step. Default: 0.001; 0.05 for sgd.")
    ] = None,
    weight_decay: Annotated[
        float | None,
        _learning("Pull of the weights towards 0. Default: 0.01; 0.1 for more columns than rows."),
    ] = None,
    schedule: Annotated[str, _learning("cosine (default), one_cycle, plateau or none.")] = "",
    warmup: Annotated[int | None, _learning("Epochs over which the step size rises.")] = None,
    patience: Annotated[
        int | None, _learning("Epochs without progress that end it. Default: 30; 0: never.")
    ] = None,
    min_improvement: Annotated[
        float | None,
        _learning(
            "How much smaller a loss must be to count as progress. Default: by the problem."
        ),
    ] = None,
    gradient_clip: Annotated[
        float | None, _learning("Longest gradient. Default: 1; 0: any.")
    ] = None,
    accumulation: Annotated[int | None, _learning("Batches that make one step.")] = None,
    label_smoothing: Annotated[float | None, _learning("Share of labels spread out.")] = None,
    class_weights: Annotated[str, _learning("none (default) or balanced.")] = "",
    dropout: Annotated[
        float | None,
        _learning("Share of inner values left out. Default: 0.1; 0.3 for more columns than rows."),
    ] = None,
    precision: Annotated[str, _learning("auto (default), 32 or bf16.")] = "",
    deterministic: Annotated[
        bool | None,
        typer.Option(
            "--deterministic/--no-deterministic",
            help="Whether the same seed gives the same weights, at some cost on a GPU. "
            "Default: it does.",
            rich_help_panel=LEARNING,
        ),
    ] = None,
    max_seconds: Annotated[
        int | None, _learning("Seconds after which the best epoch counts. Default: 86400.")
    ] = None,
    checkpoint_minutes: Annotated[
        float | None, _learning("Minutes between checkpoints. Default, 0: about every epoch.")
    ] = None,
    missing_values: Annotated[
        str, typer.Option(help="impute (default) or refuse.", rich_help_panel=PREPROCESSING)
    ] = "",
    imputation: Annotated[
        str,
        typer.Option(
            help="What stands for a missing number: median (default), mean, most_frequent or "
            "constant, which is 0.",
            rich_help_panel=PREPROCESSING,
        ),
    ] = "",
    indicators: Annotated[
        bool,
        typer.Option(
            "--indicators",
            help="Give each number with gaps a second column that says where they are.",
            rich_help_panel=PREPROCESSING,
        ),
    ] = False,
    encoding: Annotated[
        str,
        typer.Option(help="Of texts: one_hot (default) or refuse.", rich_help_panel=PREPROCESSING),
    ] = "",
    scaling: Annotated[
        str,
        typer.Option(help="standard (default), robust or none.", rich_help_panel=PREPROCESSING),
    ] = "",
    log1p: Annotated[
        bool,
        typer.Option("--log1p", help="Take logarithms of counts.", rich_help_panel=PREPROCESSING),
    ] = False,
    feature: Features = None,
    ignore: Ignored = None,
    key: Key = "",
    weight: Weight = "",
    group_column: GroupColumn = "",
    time_column: TimeColumn = "",
    split_column: SplitColumn = "",
    problem_type: ProblemType = "",
    deadline: Deadline = None,
    positive_class: PositiveClass = "",
    select: Select = None,
    select_by: SelectBy = "",
    split: Split = "",
    test_fraction: TestFraction = None,
    validation_fraction: ValidationFraction = None,
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
    """Train a network on a dataset.

    With --watch its losses and metrics are drawn as they come; it ends with 0 when the job
    succeeded and with 4 when it did not. Ctrl-C stops watching, not the job.
    """
    training = message(
        TrainingOptions,
        "training",
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule=schedule,
        warmup_epochs=warmup,
        patience=patience,
        min_improvement=min_improvement,
        gradient_clip=gradient_clip,
        accumulation=accumulation,
        label_smoothing=label_smoothing,
        class_weights=class_weights,
        dropout=dropout,
        precision=precision,
        deterministic=deterministic,
        max_seconds=max_seconds,
        checkpoint_minutes=checkpoint_minutes,
    )
    preprocessing = message(
        Preprocessing,
        "preprocessing",
        missing_values=missing_values,
        imputation=imputation,
        indicators=indicators,
        encoding=encoding,
        scaling=scaling,
        log1p=log1p,
    )
    resources = message(Resources, "resources", accelerator=accelerator, devices=devices)
    input_layout = layout_from_option(layout)
    division = split_from_options(split, test_fraction, validation_fraction, None, split_seed)
    with Client() as client:
        known = client.deeplearning.architectures
        parameters = parameters_from_options(architecture, parameter or (), known)
        job = client.deeplearning.train(
            dataset,
            target,
            architecture=architecture,
            parameters=parameters,
            input_layout=input_layout,
            preprocessing=preprocessing,
            training=training,
            resources=resources,
            feature_columns=feature or (),
            problem_type=problem_type,
            deadline_seconds=deadline,
            key_column=key,
            ignore_columns=ignore or (),
            weight_column=weight,
            group_column=group_column,
            time_column=time_column,
            split_column=split_column,
            split=division,
            feature_selection=selection_from_options(select, select_by),
            seed=seed,
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
def architectures(as_json: Json = False) -> None:
    """List the networks with what may be chosen about each."""
    with Client() as client:
        answer = client.deeplearning.architectures()
        show(answer, networks.architectures(answer), as_json)
