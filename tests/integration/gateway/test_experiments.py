"""Experiments by REST."""

import requests

from tests.integration.gateway.conftest import Gateway


def test_runs_are_listed_below_their_experiment(gateway: Gateway, rest: requests.Session):
    answer = rest.get(
        f"{gateway.url}/api/ml/experiments/first-try/runs", params={"filter": 'state = "failed"'}
    ).json()

    (run,) = answer["runs"]
    assert (run["experiment"], run["name"]) == ("first-try", 'state = "failed"')


def test_metrics_are_logged_to_a_run(gateway: Gateway, rest: requests.Session):
    answer = rest.post(
        f"{gateway.url}/api/ml/runs/R1/metrics",
        json={"metrics": [{"key": "site/auc", "value": 0.5, "step": 1}, {"key": "loss"}]},
    ).json()

    assert answer == {"added_count": 2}
