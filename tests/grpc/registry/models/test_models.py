import asyncio

import pytest
from sqlalchemy import select

from omniscope.automl.v1.automl_service_pb2 import TrainRequest
from omniscope.events.v1.model_event_pb2 import MODEL_EVENT_TYPE_DELETED, ModelEvent
from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope_registry import outbox
from omniscope_registry.tables.models import ml_models
from omniscope_service.errors import InvalidArgument, NotFound

_UNKNOWN_ID = "01JZZZZZZZZZZZZZZZZZZZZZZZ"


async def test_a_registered_model_is_returned_whole(stub, register, insert_job):
    model_id = await register()

    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))

    assert (model.model_id, model.name, model.version) == (model_id, "birds-species-automl", 1)
    assert (model.type, model.architecture) == ("automl.tabular", "WeightedEnsemble_L2")
    assert (model.problem_type, model.target_column) == ("multiclass", "species")
    assert list(model.classes) == ["Adelie", "Chinstrap", "Gentoo"]
    assert model.feature_count == 1
    assert dict(model.metrics) == {"accuracy": 0.985, "log_loss": 0.04}
    assert (model.description, dict(model.tags)) == ("a first try", {"team": "ornithology"})
    assert model.created_by == "ada"
    assert model.artifacts_path == f"jobs/{model.job_id}/attempts/1-abc/package"
    assert model.size_bytes > 768_000
    assert model.mlflow_run_id == ""
    config = TrainRequest()
    assert model.training_config.Unpack(config)
    assert (config.time_limit, config.split.seed) == (60, 7)
    assert list(config.included_model_families) == ["GBM", "RF"]


async def test_a_name_means_its_newest_version(stub, register):
    first = await register()
    second = await register()

    newest = await stub.GetModel(messages.GetModelRequest(model_id="birds-species-automl"))

    assert (newest.model_id, newest.version) == (second, 2)
    await stub.DeleteModel(messages.DeleteModelRequest(model_id="birds-species-automl"))
    newest = await stub.GetModel(messages.GetModelRequest(model_id="birds-species-automl"))
    assert newest.model_id == first


async def test_models_registered_at_the_same_time_get_a_version_each(stub, register):
    await asyncio.gather(*(register() for _ in range(4)))

    models = (await stub.ListModels(messages.ListModelsRequest())).models
    assert sorted(model.version for model in models) == [1, 2, 3, 4]


async def test_results_come_with_the_ids_of_model_and_job(stub, register):
    model_id = await register()

    results = await stub.GetModelResults(messages.GetModelResultsRequest(model_id=model_id))

    assert results.model_id == model_id
    assert results.job_id
    assert results.best_model == "WeightedEnsemble_L2"
    assert {metrics.split: metrics.rows for metrics in results.metrics} == {
        "validation": 55,
        "test": 69,
    }
    assert list(results.confusion_matrix.counts) == [1] * 9
    assert results.leaderboard[0].model == "LightGBM"


@pytest.mark.parametrize("model_id", ["nothing", _UNKNOWN_ID, "zero\0byte", "no such name!"])
async def test_an_unknown_model_is_not_found(stub, refused, model_id):
    for call in _calls(stub, model_id):
        error = await refused(call)

        assert isinstance(error, NotFound)
        assert (error.reason, error.field) == ("MODEL_NOT_FOUND", "model_id")


async def test_somebody_elses_model_does_not_exist_even_when_it_was_just_read(
    stub, stub_of_bob, register, refused
):
    model_id = await register()
    await stub.GetModel(messages.GetModelRequest(model_id=model_id))

    for name in (model_id, "birds-species-automl"):
        for call in _calls(stub_of_bob, name):
            assert (await refused(call)).reason == "MODEL_NOT_FOUND"
    assert not (await stub_of_bob.ListModels(messages.ListModelsRequest())).models


async def test_a_deleted_model_is_gone_at_once_and_others_are_told(
    stub, register, refused, database
):
    model_id = await register()
    await stub.GetModel(messages.GetModelRequest(model_id=model_id))

    await stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id))

    for call in _calls(stub, model_id):
        assert (await refused(call)).reason == "MODEL_NOT_FOUND"
    assert not (await stub.ListModels(messages.ListModelsRequest())).models
    async with database.read() as conn:
        rows = await outbox.pending(conn, "nats", 10)
    assert [row.subject for row in rows] == [
        f"evt.model.{model_id}.registered",
        f"evt.model.{model_id}.deleted",
    ]
    assert ModelEvent.FromString(rows[1].payload).type == MODEL_EVENT_TYPE_DELETED


async def test_models_are_listed_newest_first_without_their_configuration(stub, register):
    ids = [await register(model_name=name) for name in ("one", "two", "three")]

    first = await stub.ListModels(messages.ListModelsRequest(page_size=2))
    last = await stub.ListModels(
        messages.ListModelsRequest(page_size=2, page_token=first.next_page_token)
    )

    assert [model.model_id for model in (*first.models, *last.models)] == ids[::-1]
    assert last.next_page_token == ""
    assert not any(model.HasField("training_config") for model in first.models)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('name = "one"', ["one"]),
        ('name != "one" AND problem_type = "multiclass"', ["two"]),
        ('type = "automl.tabular" AND architecture = "WeightedEnsemble_L2"', ["two", "one"]),
        ('dataset_id = "nothing"', []),
    ],
)
async def test_models_are_filtered(stub, register, text, names):
    for name in ("one", "two"):
        await register(model_name=name)

    found = await stub.ListModels(messages.ListModelsRequest(filter=text))

    assert [model.name for model in found.models] == names


@pytest.mark.parametrize(
    ("request_fields", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_INVALID"),
        ({"page_token": "x"}, "PAGE_TOKEN_MISMATCH"),
        ({"filter": 'owner = "bob"'}, "FILTER_INVALID"),
        ({"filter": 'name = "zero\0byte"'}, "FILTER_INVALID"),
        ({"order_by": "owner"}, "ORDER_BY_INVALID"),
    ],
)
async def test_a_wrong_list_request_is_refused(stub, refused, request_fields, reason):
    error = await refused(stub.ListModels(messages.ListModelsRequest(**request_fields)))

    assert isinstance(error, InvalidArgument)
    assert error.reason == reason


async def test_a_noted_run_is_seen_at_once(stub, register, store):
    model_id = await register()
    await stub.GetModel(messages.GetModelRequest(model_id=model_id))

    await store.note_runs({model_id: "run-1", _UNKNOWN_ID: "run-2"})

    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    assert model.mlflow_run_id == "run-1"


async def test_the_row_keeps_configuration_and_hyperparameters_as_json(register, database):
    await register()

    async with database.read() as conn:
        row = (await conn.execute(select(ml_models))).one()

    assert row.training_config["dataset_id"] == "birds"
    assert row.training_config["@type"].endswith("omniscope.automl.v1.TrainRequest")
    assert row.hyperparameters == {
        "time_limit": 60,
        "quality": "medium_quality",
        "seed": 0,
        "included_model_families": ["GBM", "RF"],
    }
    assert row.results["best_model"] == "WeightedEnsemble_L2"


def _calls(stub, model_id):
    yield stub.GetModel(messages.GetModelRequest(model_id=model_id))
    yield stub.GetModelResults(messages.GetModelResultsRequest(model_id=model_id))
    yield stub.DeleteModel(messages.DeleteModelRequest(model_id=model_id))
    yield _drain(stub.DownloadModel(messages.DownloadModelRequest(model_id=model_id)))


async def _drain(call):
    return [message async for message in call]
