"""`omniscope artifacts`: list, show, download, delete, undelete."""

from pathlib import Path
from typing import Annotated

import typer

from omniscope_client.client import Client
from omniscope_client.commands.output import Deleted, Filter, Json, Limit, show, show_list
from omniscope_client.commands.transfers import transfer_bar
from omniscope_client.render import tables

app = typer.Typer(no_args_is_help=True, help="What jobs made that is no model.")

ArtifactId = Annotated[str, typer.Argument(metavar="ARTIFACT", help="Id of the artifact.")]


@app.command("list")
def list_artifacts(
    limit: Limit = 50,
    query: Filter = "",
    order_by: Annotated[
        str, typer.Option(help="create_time: those of the oldest jobs first.")
    ] = "",
    deleted: Deleted = False,
    as_json: Json = False,
) -> None:
    """List artifacts, those of the newest jobs first."""
    with Client() as client:
        found = client.artifacts.list(limit, query, order_by=order_by, show_deleted=deleted)
        rows = list(found)
        start = "a job whose service makes one, an explanation say, stores it"
        show_list("artifacts", rows, tables.artifacts(rows), query, as_json, start)


@app.command("show")
def show_artifact(artifact_id: ArtifactId, as_json: Json = False) -> None:
    """Show an artifact and what it was made of."""
    with Client() as client:
        artifact = client.artifacts.get(artifact_id)
        show(artifact, tables.artifact(artifact), as_json)


@app.command()
def download(
    artifact_id: ArtifactId,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to make. Default: its kind and id.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Download an artifact, checked against its manifest."""
    with Client() as client:
        artifact = client.artifacts.get(artifact_id)
        where = folder or Path(f"{artifact.kind}-{artifact.artifact_id}")
        with transfer_bar("downloading", artifact.size_bytes, quiet=as_json) as on_progress:
            client.artifacts.download(artifact_id, where, on_progress=on_progress)
        document = {"artifact_id": artifact_id, "folder": str(where)}
        show(document, f"The {artifact.kind} is in {where}.", as_json)


@app.command()
def delete(artifact_id: ArtifactId, as_json: Json = False) -> None:
    """Delete an artifact: it opens no more; `undelete` brings it back within 30 days."""
    with Client() as client:
        client.artifacts.delete(artifact_id)
        document = {"artifact_id": artifact_id, "deleted": True}
        line = f"The artifact is deleted. `omniscope artifacts undelete {artifact_id}` undoes it."
        show(document, line, as_json)


@app.command()
def undelete(artifact_id: ArtifactId, as_json: Json = False) -> None:
    """Bring a deleted artifact back."""
    with Client() as client:
        artifact = client.artifacts.undelete(artifact_id)
        show(artifact, f"The {artifact.kind} {artifact_id} is back.", as_json)
