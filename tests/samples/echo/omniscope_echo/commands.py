"""`omniscope echo`: start."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from omniscope_client.client import Client
from omniscope_client.commands.output import Json
from omniscope_client.commands.submission import report_submission
from omniscope_client.commands.watching import watch
from omniscope_client.messages import message
from omniscope_echo.v1.echo_service_pb2 import EchoRequest
from omniscope_echo.v1.echo_service_pb2_grpc import EchoServiceStub

app = typer.Typer(no_args_is_help=True, help="Rows, repeated.")


def register(root: typer.Typer) -> None:
    """Add the group to the command line."""
    root.add_typer(app, name="echo")


@app.command()
def start(
    dataset: Annotated[str, typer.Argument(help="Id or name of the dataset.")],
    model: Annotated[str, typer.Argument(help="Id, name, name@VERSION or name@ALIAS.")],
    text: Annotated[str, typer.Option("--message", help="Text to repeat with them.")] = "",
    rows: Annotated[int | None, typer.Option(help="How many rows. Default: 3.")] = None,
    seconds_per_row: Annotated[
        float | None, typer.Option(help="Seconds that each row takes. Default: 0.")
    ] = None,
    validate_only: Annotated[
        bool, typer.Option("--validate-only", help="Check everything, start nothing.")
    ] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Show the job until it ends.")] = False,
    as_json: Json = False,
) -> None:
    """Repeat the first rows of a dataset and the name of a model."""
    request = message(
        EchoRequest,
        dataset_id=dataset,
        model_id=model,
        message=text,
        rows=rows,
        seconds_per_row=seconds_per_row,
        request_id=str(uuid4()),
        validate_only=validate_only,
    )
    with Client() as client:
        stub = EchoServiceStub(client.calls.channel)
        job = client.calls.unary(stub.Echo, request)
        report_submission(job, validate_only, watching, as_json)
        if watching and not validate_only:
            watch(client, job.job_id, "", as_json)
