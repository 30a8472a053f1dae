"""`omniscope datasets`: upload, import, list, show, profile, preview, download, delete."""

from pathlib import Path
from typing import Annotated

import typer

from omniscope.common.v1.dataset_pb2 import Dataset
from omniscope_client.client import Client
from omniscope_client.commands.output import (
    Filter,
    Json,
    Limit,
    as_dict,
    console,
    print_json,
    show,
    show_list,
)
from omniscope_client.commands.transfers import transfer_bar
from omniscope_client.datasets import EXPORT_FORMATS, format_of
from omniscope_client.render import previews, profiles, tables

app = typer.Typer(no_args_is_help=True, help="Tables to train on.")

FileFormat = Annotated[
    str,
    typer.Option(
        "--format",
        help="csv, csv.gz, tsv, tsv.gz, parquet, arrow or h5ad. Default: by the suffix.",
    ),
]
DatasetId = Annotated[str, typer.Argument(metavar="DATASET", help="Id or name.")]


@app.command()
def upload(
    path: Annotated[
        Path,
        typer.Argument(
            help="A CSV, TSV, Parquet, Arrow or h5ad file.", exists=True, dir_okay=False
        ),
    ],
    name: Annotated[str, typer.Option(help="Default: the file's name without suffix.")] = "",
    file_format: FileFormat = "",
    description: Annotated[str, typer.Option(help="Free text.")] = "",
    request_id: Annotated[
        str, typer.Option(help="UUID: the same id and file give the same dataset.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Upload a file; a used name makes the next version."""
    with Client() as client:
        size = path.stat().st_size
        with transfer_bar(f"uploading {path.name}", size, quiet=as_json) as on_progress:
            dataset = client.datasets.upload(
                path,
                name=name,
                file_format=file_format,
                description=description,
                request_id=request_id,
                on_progress=on_progress,
            )
        show(dataset, tables.dataset(dataset), as_json)
        _print_warnings(dataset, as_json)


@app.command("list")
def list_datasets(limit: Limit = 50, query: Filter = "", as_json: Json = False) -> None:
    """List datasets, newest first."""
    with Client() as client:
        rows = list(client.datasets.list(limit, query))
        start = "`omniscope datasets upload FILE` makes one"
        show_list("datasets", rows, tables.datasets(rows), query, as_json, start)


@app.command("show")
def show_dataset(
    dataset_id: DatasetId,
    limit: Annotated[int, typer.Option("--columns", min=0, help="Show this many columns.")] = 20,
    as_json: Json = False,
) -> None:
    """Show a dataset and the profiles of its first columns."""
    with Client() as client:
        dataset = client.datasets.get(dataset_id)
        columns = list(client.datasets.columns(dataset.dataset_id, limit))
        document = {**as_dict(dataset), "columns": [as_dict(column) for column in columns]}
        show(document, tables.dataset(dataset), as_json)
        _print_warnings(dataset, as_json)
        if columns and not as_json:
            console().print(tables.columns(columns))
        if len(columns) < dataset.column_count and not as_json:
            rest = dataset.column_count - len(columns)
            console().print(f"and {rest:,} more columns: --columns {dataset.column_count}")


@app.command()
def profile(
    dataset_id: DatasetId,
    limit: Annotated[
        int, typer.Option("--columns", min=1, help="Show this many columns of each kind.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """Show what is in a dataset: warnings, classes, how numbers spread."""
    with Client() as client:
        dataset = client.datasets.get(dataset_id)
        columns = list(client.datasets.columns(dataset.dataset_id, dataset.column_count))
        if as_json:
            document = {**as_dict(dataset), "columns": [as_dict(column) for column in columns]}
            print_json(document)
        else:
            console().print(profiles.profile(dataset, columns, limit))


@app.command("import")
def import_dataset(
    uri: Annotated[str, typer.Argument(help="file:///folder/file.csv or s3://bucket/key.")],
    name: Annotated[str, typer.Option(help="Default: the file's name without suffix.")] = "",
    file_format: FileFormat = "",
    description: Annotated[str, typer.Option(help="Free text.")] = "",
    request_id: Annotated[
        str, typer.Option(help="UUID: the same id and arguments give the same dataset.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Have the registry fetch a file itself, from where its operator allows it."""
    with Client() as client, console(stderr=True).status("importing"):
        dataset = client.datasets.import_from(
            uri,
            name=name,
            file_format=file_format,
            description=description,
            request_id=request_id,
        )
    show(dataset, tables.dataset(dataset), as_json)
    _print_warnings(dataset, as_json)


@app.command()
def preview(
    dataset_id: DatasetId,
    rows: Annotated[int, typer.Option(min=1, max=100, help="Show this many rows.")] = 10,
    column: Annotated[
        list[str] | None, typer.Option(help="A column to show; give it several times.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the first rows of a dataset; without --column as many columns as fit."""
    with Client() as client:
        dataset = client.datasets.get(dataset_id)
        answer = client.datasets.preview(dataset.dataset_id, rows, column or ())
        if as_json:
            print_json(answer)
        else:
            count = len(answer.columns) if column else dataset.column_count
            console().print(previews.preview(answer, console().width, count))


@app.command()
def download(
    dataset_id: DatasetId,
    path: Annotated[Path, typer.Argument(help="File to make; its suffix tells the format.")],
    file_format: Annotated[
        str, typer.Option("--format", help="csv, parquet or arrow. Default: by the suffix.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Download a dataset as a file."""
    with Client() as client:
        dataset = client.datasets.get(dataset_id)
        chosen = file_format or format_of(path, EXPORT_FORMATS)
        title = f"downloading {dataset.name}"
        with transfer_bar(title, dataset.size_bytes, quiet=as_json) as on_progress:
            client.datasets.download(dataset.dataset_id, path, chosen, on_progress)
        document = {"dataset_id": dataset.dataset_id, "path": str(path)}
        show(document, f"{dataset.name} (version {dataset.version}) is in {path}.", as_json)


@app.command()
def delete(dataset_id: DatasetId, as_json: Json = False) -> None:
    """Delete a dataset; models that were trained on it stay."""
    with Client() as client:
        dataset = client.datasets.get(dataset_id)
        client.datasets.delete(dataset.dataset_id)
        document = {"dataset_id": dataset.dataset_id, "deleted": True}
        show(document, f"{dataset.name} (version {dataset.version}) is deleted.", as_json)


def _print_warnings(dataset: Dataset, as_json: bool) -> None:
    for warning in [] if as_json else profiles.warnings(dataset):
        console().print(warning)
