"""The report of a job that was accepted."""

from omniscope.common.v1.job_pb2 import Job
from omniscope_client.commands.output import console, print_json
from omniscope_client.render.option_names import in_options


def report_submission(job: Job, validate_only: bool, watching: bool, as_json: bool) -> None:
    """Say what was accepted; as JSON it is the job, unless its events follow."""
    if as_json and not (watching and not validate_only):
        print_json(job)
    if as_json:
        return
    screen = console()
    for warning in job.warnings:
        screen.print(f"note: {in_options(warning)}", style="yellow")
    if validate_only:
        screen.print("The request is good; nothing was started.")
    elif watching:
        makes = (
            f"makes the {job.artifact_kind}" if job.artifact_kind else f"trains {job.model_name}"
        )
        screen.print(f"Job {job.job_id} {makes}.")
    else:
        screen.print(f"Job {job.job_id} is queued: `omniscope jobs watch {job.job_id}` shows it.")
