"""Models by REST: the verbs and the mask that only they use."""

import pytest
import requests

from tests.integration.gateway.conftest import Gateway


@pytest.mark.parametrize("mask", ["", "tags", "description,tags"])
def test_a_model_is_changed_by_a_mask(gateway: Gateway, rest: requests.Session, mask: str):
    response = rest.patch(
        f"{gateway.url}/api/ml/models/tissues@best",
        params={"update_mask": mask} if mask else {},
        json={"description": "better", "tags": {"stage": "live"}},
    )

    assert response.status_code == 200, response.text
    model = response.json()
    assert (model["model_id"], model["type"]) == ("tissues@best", mask)
    assert (model["description"], model["tags"]) == ("better", {"stage": "live"})


def test_an_alias_is_put_with_its_etag(gateway: Gateway, rest: requests.Session):
    alias = rest.put(
        f"{gateway.url}/api/ml/models/tissues@2/aliases/best", json={"etag": "E1"}
    ).json()

    assert (alias["model_id"], alias["alias"], alias["etag"]) == ("tissues@2", "best", "E1")


def test_a_deleted_model_is_brought_back(gateway: Gateway, rest: requests.Session):
    model = rest.post(f"{gateway.url}/api/ml/models/tissues@2:undelete", json={}).json()

    assert model["model_id"] == "tissues@2"


@pytest.mark.parametrize("depth", [0, 7])
def test_a_lineage_is_asked_for_by_name_and_depth(
    gateway: Gateway, rest: requests.Session, depth: int
):
    lineage = rest.get(
        f"{gateway.url}/api/ml/models/tissues@best/lineage",
        params={"max_depth": depth} if depth else {},
    ).json()

    (node,) = lineage["nodes"]
    assert lineage["model_id"] == node["id"] == "tissues@best"
    assert (node["kind"], node["version"]) == ("LINEAGE_NODE_KIND_MODEL", depth)
    assert (lineage["edges"], lineage["truncated"]) == ([], False)
