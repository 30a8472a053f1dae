"""`omniscope models`: what there is, what it can do, where it came from, what it is called."""

from pathlib import Path
from typing import Annotated

import typer

from omniscope_client.client import Client
from omniscope_client.commands.labels import labels_of
from omniscope_client.commands.output import (
    Deleted,
    Filter,
    Json,
    Limit,
    console,
    print_json,
    show,
    show_list,
)
from omniscope_client.commands.transfers import transfer_bar
from omniscope_client.render import lineages, tables

app = typer.Typer(no_args_is_help=True, help="Trained models.")

ModelId = Annotated[
    str, typer.Argument(metavar="MODEL", help="Id, name, name@VERSION or name@ALIAS.")
]
Alias = Annotated[str, typer.Argument(help="For example champion.")]
Etag = Annotated[str, typer.Option(help="The alias as last seen; refused when it has changed.")]


@app.command("list")
def list_models(
    limit: Limit = 50,
    query: Filter = "",
    order_by: Annotated[
        str,
        typer.Option(
            help="create_time, update_time, name or size_bytes; 'name desc' turns it round."
        ),
    ] = "",
    deleted: Deleted = False,
    as_json: Json = False,
) -> None:
    """List models, newest first."""
    with Client() as client:
        found = client.models.list(limit, query, order_by=order_by, show_deleted=deleted)
        rows = list(found)
        start = "`omniscope automl train DATASET --target COLUMN` makes one"
        show_list("models", rows, tables.models(rows), query, as_json, start)


@app.command()
def versions(
    model_id: ModelId, limit: Limit = 50, deleted: Deleted = False, as_json: Json = False
) -> None:
    """List the versions under a model's name, newest first."""
    with Client() as client:
        rows = list(client.models.versions(model_id, limit, show_deleted=deleted))
        show_list("models", rows, tables.models(rows), "", as_json, "train under its name")


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
            if len(answer.leaderboard) > 1:  # a network competes with none
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
def lineage(
    model_id: ModelId,
    depth: Annotated[
        int, typer.Option(min=1, max=50, help="So many jobs away at most, on either side.")
    ] = 5,
    as_json: Json = False,
) -> None:
    """Show what a model was made of, and what was made of it."""
    with Client() as client:
        found = client.models.lineage(model_id, depth)
        show(found, lineages.lineage(found), as_json)


@app.command()
def update(
    model_id: ModelId,
    description: Annotated[str | None, typer.Option(help="Free text.")] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="KEY=VALUE", help="Repeatable; replaces all tags."),
    ] = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Remove all tags.")] = False,
    as_json: Json = False,
) -> None:
    """Change a model's description or tags."""
    wanted = {} if no_tags else labels_of(tags) if tags else None
    if wanted is None and description is None:
        raise typer.BadParameter("nothing to change: give --description, --tag or --no-tags")
    with Client() as client:
        model = client.models.update(model_id, description=description, tags=wanted)
        show(model, tables.model(model), as_json)


@app.command()
def alias(
    model_id: ModelId,
    alias: Alias,
    etag: Etag = "",
    force: Annotated[bool, typer.Option("--force", help="Whatever it points to now.")] = False,
    as_json: Json = False,
) -> None:
    """Point an alias to a model: MODEL@ALIAS means it from then on."""
    with Client() as client:
        pointed = client.models.set_alias(model_id, alias, "*" if force else etag)
        line = f"{pointed.name}@{pointed.alias} is version {pointed.version} ({pointed.model_id})."
        show(pointed, f"{line} Etag {pointed.etag}.", as_json)


@app.command()
def unalias(model_id: ModelId, alias: Alias, etag: Etag = "", as_json: Json = False) -> None:
    """Remove an alias; the model stays."""
    with Client() as client:
        client.models.delete_alias(model_id, alias, etag)
        document = {"model_id": model_id, "alias": alias, "deleted": True}
        show(document, f"The alias {alias} is removed.", as_json)


@app.command()
def delete(model_id: ModelId, as_json: Json = False) -> None:
    """Delete a model: it opens no more; `undelete` brings it back within 30 days."""
    with Client() as client:
        model = client.models.get(model_id)
        client.models.delete(model.model_id)
        document = {"model_id": model.model_id, "deleted": True}
        line = f"{model.name} (version {model.version}) is deleted."
        show(document, f"{line} `omniscope models undelete {model.model_id}` undoes it.", as_json)


@app.command()
def undelete(model_id: ModelId, as_json: Json = False) -> None:
    """Bring a deleted model back; a name means its newest deleted version."""
    with Client() as client:
        model = client.models.undelete(model_id)
        show(model, f"{model.name} (version {model.version}) is back.", as_json)
