"""`omniscope models`: list, show, results, plots, download, delete."""

from pathlib import Path
from typing import Annotated

import typer

from omniscope_client.client import Client
from omniscope_client.commands.output import (
    Filter,
    Json,
    Limit,
    console,
    print_json,
    show,
    show_list,
)
from omniscope_client.commands.transfers import transfer_bar
from omniscope_client.render import tables

app = typer.Typer(no_args_is_help=True, help="Trained models.")

ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="Id or name.")]


@app.command("list")
def list_models(limit: Limit = 50, query: Filter = "", as_json: Json = False) -> None:
    """List models, newest first."""
    with Client() as client:
        rows = list(client.models.list(limit, query))
        start = "`omniscope automl train DATASET --target COLUMN` makes one"
        show_list("models", rows, tables.models(rows), query, as_json, start)


@app.command("show")
def show_model(model_id: ModelId, as_json: Json = False) -> None:
    """Show a model."""
    with Client() as client:
        model = client.models.get(model_id)
        show(model, tables.model(model), as_json)


@app.command()
def results(model_id: ModelId, as_json: Json = False) -> None:
    """Show metrics, confusion matrix and leaderboard; `test` is what was held out."""
    with Client() as client:
        answer = client.models.results(model_id)
        if as_json:
            print_json(answer)
        else:
            screen = console()
            screen.print(tables.chosen(client.models.get(answer.model_id), answer))
            screen.print(tables.metrics(answer.metrics))
            if answer.confusion_matrix.classes:
                screen.print(tables.confusion(answer.confusion_matrix))
            screen.print(tables.leaderboard(answer.leaderboard, answer.best_model))
            if answer.plots:
                screen.print(tables.plots(answer))


@app.command()
def plots(
    model_id: ModelId,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to make. Default: the model's name and `plots`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a model's plots, each as PNG and as SVG."""
    with Client() as client:
        model = client.models.get(model_id)
        where = folder or Path(f"{model.name}-{model.version}-plots")
        files = client.models.plots(model.model_id, where)
        document = {"model_id": model.model_id, "files": [str(file) for file in files]}
        show(document, "\n".join(document["files"]), as_json)


@app.command()
def download(
    model_id: ModelId,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to make. Default: the model's name.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Download a model, checked against its manifest; mlflow.pyfunc opens the folder."""
    with Client() as client:
        model = client.models.get(model_id)
        where = folder or Path(f"{model.name}-{model.version}")
        with transfer_bar("downloading", model.size_bytes, quiet=as_json) as on_progress:
            client.models.download(model.model_id, where, on_progress=on_progress)
        document = {"model_id": model.model_id, "folder": str(where)}
        load = f'mlflow.pyfunc.load_model("{where}")'
        show(document, f"{model.name} (version {model.version}) is in {where}: {load}", as_json)


@app.command()
def delete(model_id: ModelId, as_json: Json = False) -> None:
    """Delete a model: it is in no list and opens no more."""
    with Client() as client:
        model = client.models.get(model_id)
        client.models.delete(model.model_id)
        document = {"model_id": model.model_id, "deleted": True}
        show(document, f"{model.name} (version {model.version}) is deleted.", as_json)
