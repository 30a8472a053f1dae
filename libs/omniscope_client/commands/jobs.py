"""`omniscope jobs`: list, show, watch, cancel, retry, delete."""

from typing import Annotated

import typer

from omniscope_client.client import Client
from omniscope_client.commands.output import Filter, Json, Limit, show, show_list
from omniscope_client.commands.watching import watch
from omniscope_client.render import tables
from omniscope_client.render.amounts import state

app = typer.Typer(no_args_is_help=True, help="Jobs of every service.")

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]


@app.command("list")
def list_jobs(limit: Limit = 20, query: Filter = "", as_json: Json = False) -> None:
    """List jobs, newest first."""
    with Client() as client:
        rows = list(client.jobs.list(limit, query))
        start = "`omniscope automl train DATASET --target COLUMN` starts one"
        show_list("jobs", rows, tables.jobs(rows), query, as_json, start)


@app.command("show")
def show_job(job_id: JobId, as_json: Json = False) -> None:
    """Show a job."""
    with Client() as client:
        job = client.jobs.get(job_id)
        show(job, tables.job(job), as_json)


@app.command("watch")
def watch_job(
    job_id: JobId,
    resume_token: Annotated[
        str, typer.Option(help="Go on after the event that carried this token.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Show a job until it ends; with --json one event per line.

    It ends with 0 when the job succeeded and with 4 when it did not; Ctrl-C stops watching, not
    the job.
    """
    with Client() as client:
        watch(client, job_id, resume_token, as_json)


@app.command()
def cancel(
    job_id: JobId,
    reason: Annotated[str, typer.Option(help="Why, for people.")] = "",
    as_json: Json = False,
) -> None:
    """Ask for a job's end. A running one stops as soon as its worker can."""
    with Client() as client:
        job = client.jobs.cancel(job_id, reason)
        show(job, f"The job is {state(job.state)}; its end was asked for.", as_json)


@app.command()
def retry(
    job_id: JobId,
    request_id: Annotated[
        str, typer.Option(help="UUID: the same id and job give the same new job.")
    ] = "",
    watching: Annotated[bool, typer.Option("--watch", help="Show it until it ends.")] = False,
    as_json: Json = False,
) -> None:
    """Start a job that ended without success once more, as a new job."""
    with Client() as client:
        job = client.jobs.retry(job_id, request_id)
        if watching:
            watch(client, job.job_id, "", as_json)
        else:
            show(job, f"Job {job.job_id} repeats {job_id}.", as_json)


@app.command()
def delete(job_id: JobId, as_json: Json = False) -> None:
    """Delete a job that has ended, with its events; its model or artifact stays."""
    with Client() as client:
        client.jobs.delete(job_id)
        show({"job_id": job_id, "deleted": True}, f"Job {job_id} is deleted.", as_json)
