"""Watching a job from the command line, for a person or as JSON lines."""

import typer
from rich.text import Text

from omniscope.common.v1.job_event_pb2 import JobEvent
from omniscope.common.v1.job_pb2 import JOB_STATE_SUCCEEDED, Job
from omniscope_client.client import Client
from omniscope_client.commands.output import Exit, console, print_json
from omniscope_client.render import tables
from omniscope_client.render.progress import JobProgress
from omniscope_client.render.training import follow


def watch(client: Client, job_id: str, resume_token: str, as_json: bool) -> None:
    """Show a job until it ends, then what came out of it.

    Raises:
        typer.Exit: With `JOB_FAILED` when it ended without success, with `INTERRUPTED` on Ctrl-C,
            which leaves the job alone.
    """
    look = _print_events if as_json else _show_progress
    try:
        succeeded = look(client, job_id, resume_token)
    except KeyboardInterrupt:
        console(stderr=True).print(
            f"The job goes on: `omniscope jobs watch {job_id}` shows it again, "
            f"`omniscope jobs cancel {job_id}` ends it."
        )
        raise typer.Exit(Exit.INTERRUPTED) from None
    if not succeeded:
        raise typer.Exit(Exit.JOB_FAILED)


def show_result(client: Client, job: Job) -> None:
    """Show what came out of a job that succeeded."""
    if job.artifact_id:
        show_artifact(client, job.artifact_id)
    else:
        show_results(client, job.model_id)


def show_artifact(client: Client, artifact_id: str) -> None:
    """Show an artifact and how to go on with it."""
    screen = console()
    screen.print(tables.artifact(client.artifacts.get(artifact_id)))
    screen.print(f"The artifact itself: `omniscope artifacts download {artifact_id}`.")


def show_results(client: Client, model_id: str) -> None:
    """Show the held-out metrics of a model and how to go on with it."""
    model, results = client.models.get(model_id), client.models.results(model_id)
    held_out = [part for part in results.metrics if part.split == "test"]
    screen = console()
    screen.print(Text(f"\n{model.name} (version {model.version}): {results.best_model}", "bold"))
    screen.print(tables.metrics(held_out))
    screen.print(
        f"More: `omniscope models results {model.name}`; "
        f"the model itself: `omniscope models download {model.name}`."
    )


def _show_progress(client: Client, job_id: str, resume_token: str) -> bool:
    """Show the job and its results to a person; return whether it succeeded."""
    progress = JobProgress()
    events = client.jobs.watch(job_id, resume_token=resume_token, on_lost=progress.lose_connection)
    follow(events, console(), progress)
    if progress.succeeded:
        show_result(client, progress.job)
    return progress.succeeded


def _print_events(client: Client, job_id: str, resume_token: str) -> bool:
    """Print the job's events as JSON lines; return whether it succeeded."""
    succeeded = False
    for event in client.jobs.watch(job_id, resume_token=resume_token):
        print_json(event, indent=None)
        succeeded = _shows_success(event)
    return succeeded


def _shows_success(event: JobEvent) -> bool:
    return JOB_STATE_SUCCEEDED in (event.state_changed.to_state, event.snapshot.state)
