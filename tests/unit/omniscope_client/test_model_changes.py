"""Changing, naming, deleting and bringing back models, by method and by command."""

import json

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from omniscope.common.v1.model_pb2 import Model
from omniscope.registry.v1.model_service_pb2 import (
    ListModelsResponse,
    ListModelVersionsResponse,
    ModelAlias,
)
from tests.unit.omniscope_client.conftest import Canned, Refusal

MODEL = Model(model_id="M1", name="tissues", version=2, aliases=["best"])


@pytest.fixture(autouse=True)
def answers(canned: Canned) -> None:
    canned.answers |= {
        "GetModel": MODEL,
        "UpdateModel": lambda request: request.model,
        "ListModelVersions": ListModelVersionsResponse(models=[MODEL]),
        "UndeleteModel": MODEL,
        "SetAlias": ModelAlias(name="tissues", alias="best", version=2, model_id="M1", etag="E1"),
        "ResolveAlias": ModelAlias(name="tissues", alias="best", model_id="M1"),
        "DeleteAlias": Empty(),
    }


def test_a_change_names_what_it_changes(client, canned):
    client.models.update("tissues@best", tags={"stage": "live"})
    client.models.update("M1", description="", tags={})

    first, second = canned.requests["UpdateModel"]
    assert (first.model.model_id, dict(first.model.tags)) == ("tissues@best", {"stage": "live"})
    assert list(first.update_mask.paths) == ["tags"]
    assert list(second.update_mask.paths) == ["description", "tags"]


def test_lists_hand_on_their_order_and_whether_deleted_models_count(client, canned):
    canned.answers["ListModels"] = ListModelsResponse(models=[MODEL])

    list(client.models.list(3, 'tags.a = "b"', order_by="name desc", show_deleted=True))
    list(client.models.versions("tissues", 3, show_deleted=True))

    (listed,) = canned.requests["ListModels"]
    assert (listed.filter, listed.order_by, listed.show_deleted) == (
        'tags.a = "b"', "name desc", True
    )  # fmt: skip
    (versions,) = canned.requests["ListModelVersions"]
    assert (versions.model_id, versions.page_size, versions.show_deleted) == ("tissues", 3, True)


def test_an_alias_is_resolved_and_removed_by_its_etag(client, canned):
    assert client.models.alias("tissues", "best").model_id == "M1"
    client.models.delete_alias("tissues", "best", "E1")

    (request,) = canned.requests["DeleteAlias"]
    assert (request.model_id, request.alias, request.etag) == ("tissues", "best", "E1")


@pytest.mark.parametrize(
    ("options", "etag"), [((), ""), (("--etag", "E0"), "E0"), (("--force",), "*")]
)
def test_an_alias_is_set_carefully_unless_it_is_forced(omniscope, canned, options, etag):
    outcome = omniscope("models", "alias", "tissues@2", "best", *options)

    assert outcome.out == "tissues@best is version 2 (M1). Etag E1.\n"
    (request,) = canned.requests["SetAlias"]
    assert (request.model_id, request.alias, request.etag) == ("tissues@2", "best", etag)


def test_an_alias_that_was_moved_meanwhile_is_told_of(omniscope, canned):
    message = "The alias 'best' of 'tissues' points to version 1 (M0), etag 'E9'."
    canned.answers["SetAlias"] = Refusal(grpc.StatusCode.ABORTED, message, "ETAG_MISMATCH", "etag")

    outcome = omniscope("models", "alias", "tissues", "best")

    assert outcome.code == 1
    assert message in outcome.err


def test_tags_are_given_one_by_one(omniscope, canned):
    outcome = omniscope("models", "update", "M1", "--tag", "a=b", "--tag", "c=d=e", "--json")

    assert json.loads(outcome.out)["tags"] == {"a": "b", "c": "d=e"}
    omniscope("models", "update", "M1", "--no-tags", "--description", "new")
    request = canned.requests["UpdateModel"][1]
    assert (list(request.update_mask.paths), dict(request.model.tags)) == (
        ["description", "tags"], {}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"), [((), "nothing to change"), (("--tag", "plain"), "KEY=VALUE")]
)
def test_a_change_without_meaning_is_wrong_usage(omniscope, options, message):
    outcome = omniscope("models", "update", "M1", *options)

    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["versions", "tissues"], "@best 2"),
        (["show", "tissues@best"], "aliases"),
        (["delete", "tissues"], "omniscope models undelete M1"),
        (["undelete", "M1"], "tissues (version 2) is back."),
        (["unalias", "tissues", "best"], "The alias best is removed."),
    ],
)
def test_commands_say_what_they_did(omniscope, command, shown):
    outcome = omniscope("models", *command)

    assert outcome.code == 0
    assert shown in outcome.out


def test_a_list_marks_what_is_deleted(omniscope, canned):
    gone = Model(model_id="M2", name="old", version=1, delete_time=Timestamp(seconds=1))
    canned.answers["ListModels"] = ListModelsResponse(models=[gone])

    assert "1 deleted" in omniscope("models", "list", "--deleted").out
