"""Trains on real gene-expression data through the whole suite, live: `make demo`.

It starts the suite in a fresh folder on free ports, uploads 185 samples of 7 human tissues, trains
for up to a minute, shows the metrics on rows that no training saw, downloads the model, and asks
it for three predictions through plain MLflow. Then it stops the suite; Ctrl-C does so at any time.
"""

import logging
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from omniscope.common.v1.model_pb2 import Model
from omniscope_client.client import Client
from omniscope_client.commands.output import console
from omniscope_client.errors import OmniscopeError
from omniscope_client.render import tables
from omniscope_client.render.amounts import duration
from omniscope_client.render.training import follow
from omniscope_local.display import starting
from omniscope_local.runner import suite_running
from omniscope_local.state import read_state

TABLE = Path(__file__).parent / "data" / "tissue7.csv"
TIME_LIMIT_SECONDS = 60
PROJECTION_SECONDS = 60.0

screen = console()


def main() -> int:
    """Run the demo and return its exit code."""
    root, started = Path(tempfile.mkdtemp(prefix="omniscope-demo-")), time.monotonic()
    home = root / "home"
    try:
        with ExitStack() as suite:
            headline("Start the suite: broker, registry, AutoML, gateway", "up --detach")
            with starting(screen) as report:
                suite.enter_context(suite_running(home, report, free_ports=True))
            address = read_state(home)["gateway"].address
            screen.print(f"The gateway answers at http://{address}, the token is {home}/token.")
            with Client(address, (home / "token").read_text()) as client:
                model = train(client)
                use(client, model, root / "model")
                wait_for_mlflow(client, model, home)
            headline("Stop the suite", "down")
            with screen.status("stopping"):
                suite.close()
    except KeyboardInterrupt:
        screen.print(f"\nInterrupted; everything is stopped. What there was is in {root}.")
        return 130
    except OmniscopeError as error:
        screen.print(f"The demo failed: {error}\nThe logs are in {home / 'logs'}.", style="red")
        return 1
    screen.print(f"Done after {duration(time.monotonic() - started)}.", style="bold green")
    screen.print(f"See the run in MLflow:  OMNISCOPE_HOME={home} make mlflow-ui")
    screen.print(f"Remove everything:      rm -r {root}")
    return 0


def train(client: Client) -> Model:
    """Upload the table, train on it, and show what came out."""
    headline("Upload 185 samples x 500 genes", f"datasets upload {TABLE.name} --name tissues")
    screen.print(tables.dataset(client.datasets.upload(TABLE, name="tissues")))

    command = f"automl train tissues --target tissue --time-limit {TIME_LIMIT_SECONDS} --watch"
    headline("Train: which tissue is a sample from?", command)
    job = client.automl.train("tissues", "tissue", time_limit=TIME_LIMIT_SECONDS)
    for warning in job.warnings:
        screen.print(f"note: {warning}", style="yellow")
    if not follow(client.jobs.watch(job.job_id), screen).succeeded:
        raise OmniscopeError("ABORTED", "The training did not succeed, see above.")

    model = client.models.get(client.jobs.get(job.job_id).model_id)
    results = client.models.results(model.model_id)
    headline("Metrics on the rows that no training saw", f"models results {model.name}")
    screen.print(f"The search chose {results.best_model}.")
    screen.print(tables.metrics([part for part in results.metrics if part.split == "test"]))
    screen.print(tables.confusion(results.confusion_matrix))
    return model


def use(client: Client, model: Model, folder: Path) -> None:
    """Download the model and ask it about three samples, the suite no longer involved."""
    headline("Download the model, checked file by file", f"models download {model.name} model")
    client.models.download(model.model_id, folder)
    screen.print(f"It is in {folder}.")

    headline("Ask it about three held-out samples with plain mlflow.pyfunc")
    samples = held_out_samples(folder).groupby("tissue").head(1).head(3)
    answers = load_with_mlflow(folder).predict(samples.drop(columns=["sample_id", "tissue"]))
    for (_, sample), (_, answer) in zip(samples.iterrows(), answers.iterrows(), strict=True):
        sure = answer[f"probability_{answer['prediction']}"]
        screen.print(
            f"{sample['sample_id']}: predicted {answer['prediction']} ({sure:.0%} sure),"
            f" it is {sample['tissue']}"
        )


def held_out_samples(folder: Path) -> pd.DataFrame:
    """Return the rows of the table that were held out, as the package lists them."""
    with pa.memory_map(str(folder / "predictions.arrow")) as source:
        rows = pa.ipc.open_file(source).read_all()["row"].to_numpy()
    return pd.read_csv(TABLE).iloc[rows]


def load_with_mlflow(folder: Path) -> Any:
    """Load the package as any MLflow user would."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    from mlflow import pyfunc

    return pyfunc.load_model(str(folder))


def wait_for_mlflow(client: Client, model: Model, home: Path) -> None:
    """Wait until MLflow shows the run as finished: it follows the suite with a short delay."""
    from mlflow import MlflowClient

    store = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
    deadline = time.monotonic() + PROJECTION_SECONDS
    while time.monotonic() < deadline:
        run_id = client.models.get(model.model_id).mlflow_run_id
        if run_id and MlflowClient(store).get_run(run_id).info.status == "FINISHED":
            screen.print(f"MLflow has it as run {run_id}.")
            return
        time.sleep(0.5)
    screen.print("MLflow does not show the run yet; it will after the next start.", style="yellow")


def headline(text: str, command: str = "") -> None:
    """Say what comes now, and which command does the same."""
    screen.print()
    screen.print(text, style="bold")
    if command:
        screen.print(f"$ omniscope {command}", style="dim")


if __name__ == "__main__":
    sys.exit(main())
