"""The services of a local suite train one after the other, for each would use all processors."""

import time
from typing import Any

import pytest

from tests.e2e.conftest import RestSession

pytestmark = pytest.mark.slow

TABLE = {"dataset_id": "penguins", "target_column": "species"}


def train(rest: RestSession, service: str, **options: Any) -> str:
    response = rest.post(f"/api/ml/{service}/train", json={**TABLE, **options})
    assert response.status_code == 200, response.text
    return str(response.json()["job_id"])


def status_of(rest: RestSession, job_id: str) -> str:
    return str(rest.get(f"/api/ml/jobs/{job_id}/status").json()["status"])


def cancel(rest: RestSession, job_id: str) -> None:
    rest.post(f"/api/ml/jobs/{job_id}:cancel", json={}).raise_for_status()


def test_a_job_of_another_service_stays_queued_until_the_machine_has_a_slot(
    rest: RestSession, penguins: str
):
    endless = {"epochs": 100_000, "patience": 0}
    network = train(rest, "deep-learning", training=endless)
    while status_of(rest, network) != "running":
        time.sleep(0.1)
    search = train(rest, "automl", time_limit=30)

    time.sleep(3)  # longer than a worker that has a slot takes to claim

    assert (status_of(rest, network), status_of(rest, search)) == ("running", "queued")
    cancel(rest, network)
    while status_of(rest, search) == "queued":
        time.sleep(0.1)
    assert (status_of(rest, network), status_of(rest, search)) == ("cancelled", "running")
    cancel(rest, search)
