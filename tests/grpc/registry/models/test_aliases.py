"""Aliases: names that are pointed from one version of a model to another, never blindly."""

import asyncio

import grpc.aio
import pytest

from omniscope.events.v1.model_event_pb2 import MODEL_EVENT_TYPE_ALIAS_CHANGED, ModelEvent
from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope_registry import outbox
from omniscope_registry.models import aliases_sql
from omniscope_service.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)

NAME = "birds-species-automl"


def set_alias(model_id, alias="champion", etag=""):
    return messages.SetAliasRequest(model_id=model_id, alias=alias, etag=etag)


def resolve(model_id=NAME, alias="champion"):
    return messages.ResolveAliasRequest(model_id=model_id, alias=alias)


def get(model_id):
    return messages.GetModelRequest(model_id=model_id)


async def test_an_alias_points_to_a_version_until_it_is_pointed_elsewhere(stub, register):
    first, second = await register(), await register()

    made = await stub.SetAlias(set_alias(first))
    moved = await stub.SetAlias(set_alias(second, etag=made.etag))

    assert (made.name, made.alias, made.model_id, made.version) == (NAME, "champion", first, 1)
    assert made.updated_by == "ada"
    assert (moved.model_id, moved.version) == (second, 2)
    assert moved.etag != made.etag
    assert await stub.ResolveAlias(resolve()) == moved
    assert await stub.ResolveAlias(resolve(first)) == moved


async def test_a_model_is_found_by_its_alias_and_by_its_version(stub, register):
    first, second = await register(), await register()
    await stub.SetAlias(set_alias(f"{NAME}@1"))

    assert (await stub.GetModel(get(f"{NAME}@champion"))).model_id == first
    assert (await stub.GetModel(get(f"{NAME}@1"))).model_id == first
    assert (await stub.GetModel(get(f"{NAME}@2"))).model_id == second
    results = messages.GetModelResultsRequest(model_id=f"{NAME}@champion")
    assert (await stub.GetModelResults(results)).model_id == first


@pytest.mark.parametrize(
    "model_id",
    [f"{NAME}@3", f"{NAME}@0", f"{NAME}@", f"{NAME}@unset", f"{NAME}@zero\0", f"{NAME}@1@1", "@1"],
)
async def test_what_points_nowhere_is_not_found(stub, register, refused, model_id):
    await register()

    assert (await refused(stub.GetModel(get(model_id)))).reason == "MODEL_NOT_FOUND"


async def test_models_show_their_aliases_at_once(stub, register):
    first, second = await register(), await register()
    await stub.GetModel(get(first))
    made = await stub.SetAlias(set_alias(first))
    await stub.SetAlias(set_alias(first, "best"))

    assert list((await stub.GetModel(get(first))).aliases) == ["best", "champion"]
    await stub.SetAlias(set_alias(second, etag=made.etag))
    assert list((await stub.GetModel(get(first))).aliases) == ["best"]
    listed = (await stub.ListModels(messages.ListModelsRequest())).models
    assert [list(model.aliases) for model in listed] == [["champion"], ["best"]]


@pytest.mark.parametrize("etag", ["", "stale"])
async def test_nobodys_change_is_overwritten_unseen(stub, register, refused, etag):
    first, second = await register(), await register()
    now = await stub.SetAlias(set_alias(first))

    error = await refused(stub.SetAlias(set_alias(second, etag=etag)))

    assert isinstance(error, Aborted)
    assert (error.reason, error.field) == ("ETAG_MISMATCH", "etag")
    assert f"points to version 1 ({first})" in error.message
    assert error.metadata == {"current_etag": now.etag, "current_model_id": first}
    assert await stub.ResolveAlias(resolve()) == now


async def test_an_etag_of_an_alias_that_is_gone_is_refused(stub, register, refused):
    model_id = await register()
    made = await stub.SetAlias(set_alias(model_id))
    request = messages.DeleteAliasRequest(model_id=NAME, alias="champion", etag=made.etag)
    await stub.DeleteAlias(request)

    error = await refused(stub.SetAlias(set_alias(model_id, etag=made.etag)))

    assert (error.reason, error.metadata["current_etag"]) == ("ETAG_MISMATCH", "")
    assert (await refused(stub.ResolveAlias(resolve()))).reason == "ALIAS_NOT_FOUND"


async def test_any_etag_points_an_alias_elsewhere_whatever_it_points_to(stub, register):
    first, second = await register(), await register()
    await stub.SetAlias(set_alias(first))

    moved = await stub.SetAlias(set_alias(second, etag="*"))

    assert moved.model_id == second


async def test_repeating_a_call_whose_answer_was_lost_changes_nothing(stub, register):
    first, second = await register(), await register()
    made = await stub.SetAlias(set_alias(first))
    moved = await stub.SetAlias(set_alias(second, etag=made.etag))

    assert await stub.SetAlias(set_alias(second, etag=made.etag)) == moved


async def test_of_many_who_know_the_same_etag_one_wins(stub, register):
    ids = [await register() for _ in range(11)]
    made = await stub.SetAlias(set_alias(ids[0]))

    calls = [stub.SetAlias(set_alias(model_id, etag=made.etag)) for model_id in ids[1:]]
    answers = await asyncio.gather(*calls, return_exceptions=True)

    won = [answer for answer in answers if isinstance(answer, messages.ModelAlias)]
    assert len(won) == 1
    lost = [answer.code() for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert lost == [grpc.StatusCode.ABORTED] * 9
    assert await stub.ResolveAlias(resolve()) == won[0]


async def test_of_many_who_make_an_alias_one_wins(stub, register):
    ids = [await register() for _ in range(4)]

    calls = [stub.SetAlias(set_alias(model_id)) for model_id in ids]
    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert sum(isinstance(answer, messages.ModelAlias) for answer in answers) == 1


@pytest.mark.parametrize("alias", ["2", "Champion", "a b", "-a", "a" * 64, "zero\0"])
async def test_an_alias_of_another_form_is_refused(stub, register, refused, alias):
    model_id = await register()

    for call in (
        stub.SetAlias(set_alias(model_id, alias)),
        stub.ResolveAlias(resolve(model_id, alias)),
        stub.DeleteAlias(messages.DeleteAliasRequest(model_id=model_id, alias=alias)),
    ):
        error = await refused(call)
        assert isinstance(error, InvalidArgument)
        assert (error.reason, error.field) == ("ALIAS_INVALID", "alias")


async def test_a_name_has_a_bounded_number_of_aliases(stub, register, refused, monkeypatch):
    monkeypatch.setattr(aliases_sql, "MAX_ALIASES", 2)
    first, second = await register(), await register()
    made = await stub.SetAlias(set_alias(first, "a"))
    await stub.SetAlias(set_alias(second, "b"))

    error = await refused(stub.SetAlias(set_alias(first, "c")))

    assert isinstance(error, ResourceExhausted)
    assert (error.reason, error.field) == ("ALIASES_FULL", "alias")
    await stub.SetAlias(set_alias(second, "a", etag=made.etag))


async def test_aliases_of_others_do_not_exist(stub, stub_of_bob, register, refused):
    model_id = await register()
    await stub.SetAlias(set_alias(model_id))

    for call in (
        stub_of_bob.SetAlias(set_alias(model_id)),
        stub_of_bob.ResolveAlias(resolve()),
        stub_of_bob.DeleteAlias(messages.DeleteAliasRequest(model_id=NAME, alias="champion")),
        stub_of_bob.GetModel(get(f"{NAME}@champion")),
    ):
        error = await refused(call)
        assert isinstance(error, NotFound)
        assert error.reason == "MODEL_NOT_FOUND"


async def test_a_model_that_an_alias_points_to_is_not_deleted(stub, register, refused):
    model_id = await register()
    for alias in ("champion", "best"):
        await stub.SetAlias(set_alias(model_id, alias))

    error = await refused(stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id)))

    assert isinstance(error, FailedPrecondition)
    assert (error.reason, error.field) == ("MODEL_IN_USE", "model_id")
    assert error.metadata == {"used_by": "alias best, alias champion"}
    assert "alias best, alias champion" in error.message
    for alias in ("champion", "best"):
        await stub.DeleteAlias(messages.DeleteAliasRequest(model_id=NAME, alias=alias))
    await stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id))


async def test_a_deleted_model_gets_no_alias(stub, register, refused):
    model_id = await register()
    await stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id))

    error = await refused(stub.SetAlias(set_alias(model_id)))

    assert error.reason == "MODEL_NOT_FOUND"


async def test_a_model_is_deleted_or_gets_its_alias_never_both(stub, register):
    for _ in range(5):
        model_id = await register()

        await asyncio.gather(
            stub.SetAlias(set_alias(model_id, etag="*")),
            stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id)),
            return_exceptions=True,
        )

        listed = await stub.ListModels(messages.ListModelsRequest(show_deleted=True))
        (model,) = [found for found in listed.models if found.model_id == model_id]
        assert model.HasField("delete_time") != (list(model.aliases) == ["champion"])


async def test_both_models_of_a_moved_alias_are_told_of(stub, register, database):
    first, second = await register(), await register()
    made = await stub.SetAlias(set_alias(first))
    await stub.SetAlias(set_alias(second, etag=made.etag))
    await stub.DeleteAlias(messages.DeleteAliasRequest(model_id=NAME, alias="champion"))

    async with database.read() as conn:
        rows = (await outbox.pending(conn, "nats", 20))[2:]

    told = [ModelEvent.FromString(row.payload) for row in rows]
    assert [event.model_id for event in told] == [first, first, second, second]
    assert [row.subject for row in rows] == [
        f"evt.model.{event.model_id}.alias_changed" for event in told
    ]
    assert {event.type for event in told} == {MODEL_EVENT_TYPE_ALIAS_CHANGED}
    assert {(event.name, event.alias) for event in told} == {(NAME, "champion")}
    assert len({row.message_id for row in rows}) == len(rows)
