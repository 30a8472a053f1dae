"""Adds `up`, `down`, `status` and `mlflow-ui` to the `omniscope` command line.

What they need is imported when they run: the rest of the command line works without it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from omniscope_client.commands.output import Exit, Json, console, print_json, show
from omniscope_client.errors import OmniscopeError

PANEL = "The suite on this machine"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (("up", up), ("down", down), ("status", status), ("mlflow-ui", mlflow)):
        app.command(name, rich_help_panel=PANEL)(command)


def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when all answers; `down` stops it.")
    ] = False,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Take free ports whatever the environment says.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Start the suite, wait until all of it answers, and say where it is.

    The gateway listens on OMNISCOPE_GATEWAY_PORT (8080), all else on free ports, everything on the
    loopback interface; data, logs and tokens are in OMNISCOPE_HOME (.omniscope). Without --detach
    Ctrl-C stops it all. A suite that runs already is left alone: with --detach that is no error.
    """
    with _local_extra():
        from omniscope_local.home import running_pid, suite_home

        home = suite_home()
        if detach and running_pid(home):
            console(stderr=True).print(f"A suite runs in {home} already.")
            _print_addresses(home, as_json, "`omniscope down` stops it")
        elif detach:
            _up_detached(home, free_ports, as_json)
        else:
            _up_attached(home, free_ports, as_json)


def down(as_json: Json = False) -> None:
    """Stop the suite and wait until it has stopped; a training gets time for a checkpoint."""
    with _local_extra():
        from omniscope_local.detached import stop_suite
        from omniscope_local.home import suite_home
        from omniscope_local.jobs import running_jobs

        home = suite_home()
        with console(stderr=True).status("stopping"):
            running = running_jobs(home)
            stopped = stop_suite(home)
        text = f"The suite of {home} is stopped." if stopped else f"No suite runs in {home}."
        if stopped and running:
            jobs = "1 job that was" if running == 1 else f"{running} jobs that were"
            text += f" The next `omniscope up` tries again the {jobs} running."
        show({"home": str(home), "stopped": stopped, "running_jobs": running}, text, as_json)


def status(as_json: Json = False) -> None:
    """Show what runs where; it ends with 0 when all of it answers, else with 3."""
    with _local_extra():
        from omniscope_local.display import status_table
        from omniscope_local.home import suite_home
        from omniscope_local.status import suite_status

        home = suite_home()
        processes = suite_status(home)
        document = {"home": str(home), "processes": [asdict(process) for process in processes]}
        empty = f"No suite runs in {home}: `omniscope up --detach` starts one."
        show(document, status_table(processes) if processes else empty, as_json)
        if not processes or any(p.state not in ("serving", "running") for p in processes):
            raise typer.Exit(Exit.UNREACHABLE)


def mlflow(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the web page.")] = 5000,
) -> None:
    """Show experiments, runs and models in MLflow's web page, until Ctrl-C."""
    with _local_extra():
        from omniscope_local.home import suite_home
        from omniscope_local.mlflow_ui import show_mlflow

        home = suite_home()
        where = f"MLflow of {home} opens at http://127.0.0.1:{port}; Ctrl-C ends it."
        show_mlflow(home, port, lambda: console().print(where, soft_wrap=True))


def _up_detached(home: Path, free_ports: bool, as_json: bool) -> None:
    from omniscope_local.detached import start_detached
    from omniscope_local.display import starting

    with starting(console(stderr=True)) as report:
        start_detached(home, report, free_ports=free_ports)
    _print_addresses(home, as_json, "`omniscope down` stops it")


def _up_attached(home: Path, free_ports: bool, as_json: bool) -> None:
    from contextlib import ExitStack

    from omniscope_local.display import print_events, starting
    from omniscope_local.runner import run_suite

    screen = console(stderr=True)
    with ExitStack() as start:
        reporters = [start.enter_context(starting(screen))]

        def on_ready() -> None:
            start.close()
            reporters[0] = print_events(screen)
            _print_addresses(home, as_json, "Ctrl-C stops it")

        run_suite(home, lambda report: reporters[0](report), on_ready, free_ports=free_ports)


def _print_addresses(home: Path, as_json: bool, how_to_stop: str) -> None:
    from omniscope_local.display import running
    from omniscope_local.state import read_state

    processes = read_state(home)
    document = {
        "home": str(home),
        "token_file": str(home / "token"),
        "processes": {name: asdict(process) for name, process in processes.items()},
    }
    if as_json:
        print_json(document)
    else:
        console().print(running(home, processes, how_to_stop))


@contextmanager
def _local_extra() -> Iterator[None]:
    """Say which extra is missing, instead of which module."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise OmniscopeError(
            "FAILED_PRECONDITION",
            f"The module {error.name} is not installed: pip install 'omniscope[local]'.",
            reason="EXTRA_MISSING",
        ) from None
