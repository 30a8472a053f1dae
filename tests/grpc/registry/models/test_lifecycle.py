"""What owners change of their models: words and tags, and whether they are there."""

from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import select, update

from omniscope.common.v1.model_pb2 import Model
from omniscope.registry.v1 import model_service_pb2 as messages
from omniscope_registry.listing.paging import encode_page_token
from omniscope_registry.models.purger import model_purger
from omniscope_registry.models.store_sql import DELETED_KEPT
from omniscope_registry.tables.models import ml_models
from omniscope_service.errors import InvalidArgument, NotFound, Unavailable

NAME = "birds-species-automl"


def change(model_id, *paths, **values):
    return messages.UpdateModelRequest(
        model=Model(model_id=model_id, **values), update_mask=FieldMask(paths=paths)
    )


def delete(model_id):
    return messages.DeleteModelRequest(model_id=model_id)


def undelete(model_id):
    return messages.UndeleteModelRequest(model_id=model_id)


@pytest.fixture
def age(database):
    """Moves the deletion of a model into the past."""

    async def move(model_id, days):
        deleted_at = ml_models.c.deleted_at
        async with database.write() as conn:
            when = await conn.scalar(select(deleted_at).where(ml_models.c.id == model_id))
            statement = update(ml_models).where(ml_models.c.id == model_id)
            await conn.execute(statement.values(deleted_at=when - timedelta(days=days)))

    return move


@pytest.fixture
def purger(database, artifacts):
    return model_purger(database, artifacts, DELETED_KEPT)


@pytest.mark.parametrize(
    ("paths", "description", "tags"),
    [
        (["description"], "better", {"team": "ornithology"}),
        (["tags"], "a first try", {"stage": "live"}),
        (["description", "tags"], "better", {"stage": "live"}),
        (["*"], "better", {"stage": "live"}),
        ([], "better", {"stage": "live"}),
    ],
)
async def test_the_fields_in_the_mask_change_and_no_others(
    stub, register, paths, description, tags
):
    model_id = await register()
    before = await stub.GetModel(messages.GetModelRequest(model_id=model_id))

    request = change(model_id, *paths, description="better", tags={"stage": "live"}, name="other")
    changed = await stub.UpdateModel(request)

    assert (changed.description, dict(changed.tags)) == (description, tags)
    assert changed.update_time.ToDatetime() > before.update_time.ToDatetime()
    expected = Model()
    expected.CopyFrom(before)
    expected.update_time.CopyFrom(changed.update_time)
    expected.description = description
    expected.tags.clear()
    expected.tags.update(tags)
    assert changed == expected
    assert await stub.GetModel(messages.GetModelRequest(model_id=model_id)) == changed


async def test_a_mask_empties_what_it_names(stub, register):
    model_id = await register()

    changed = await stub.UpdateModel(change(model_id, "description", "tags"))

    assert (changed.description, dict(changed.tags)) == ("", {})


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (change("m", "name"), "MASK_PATH_UNKNOWN", "update_mask"),
        (change("m", "metrics.accuracy"), "MASK_PATH_UNKNOWN", "update_mask"),
        (change("", "tags"), "FIELD_REQUIRED", "model.model_id"),
        (change("m", tags={str(n): "" for n in range(65)}), "FIELD_INVALID", "model.tags"),
        (change("m", tags={"a": "x" * 257}), "FIELD_INVALID", "model.tags"),
        (change("m", description="x" * 10_001), "FIELD_INVALID", "model.description"),
        (change("m", description="zero\0byte"), "FIELD_INVALID", "model.description"),
        (messages.UpdateModelRequest(), "FIELD_REQUIRED", "model"),
    ],
)
async def test_a_wrong_change_is_refused(stub, refused, request_, reason, field):
    error = await refused(stub.UpdateModel(request_))

    assert isinstance(error, InvalidArgument)
    assert (error.reason, error.field) == (reason, field)


async def test_a_deleted_model_comes_back_whole(stub, register):
    model_id = await register()
    before = await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    await stub.DeleteModel(delete(model_id))

    back = await stub.UndeleteModel(undelete(model_id))

    assert back == await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    back.update_time.CopyFrom(before.update_time)
    assert back == before
    download = stub.DownloadModel(messages.DownloadModelRequest(model_id=model_id))
    assert [chunk async for chunk in download]


async def test_undelete_takes_a_version_or_the_newest_deleted_one(stub, register):
    first, second = await register(), await register()
    for model_id in (first, second):
        await stub.DeleteModel(delete(model_id))

    assert (await stub.UndeleteModel(undelete(f"{NAME}@1"))).model_id == first
    assert (await stub.UndeleteModel(undelete(NAME))).model_id == second


async def test_undeleting_what_is_not_deleted_changes_nothing(stub, register):
    model_id = await register()
    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))

    assert await stub.UndeleteModel(undelete(model_id)) == model


async def test_somebody_elses_model_can_be_neither_changed_nor_brought_back(
    stub, stub_of_bob, register, refused
):
    model_id = await register()
    error = await refused(stub_of_bob.UpdateModel(change(model_id, "tags")))
    assert isinstance(error, NotFound)
    await stub.DeleteModel(delete(model_id))

    assert isinstance(await refused(stub_of_bob.UndeleteModel(undelete(model_id))), NotFound)


async def test_deleted_models_are_listed_when_asked_for_with_their_times(stub, register):
    kept, gone = await register(), await register()
    await stub.DeleteModel(delete(gone))

    living = await stub.ListModels(messages.ListModelsRequest())
    every = await stub.ListModels(messages.ListModelsRequest(show_deleted=True))

    assert [model.model_id for model in living.models] == [kept]
    assert [model.model_id for model in every.models] == [gone, kept]
    deleted = every.models[0]
    kept_for = deleted.purge_time.ToDatetime() - deleted.delete_time.ToDatetime()
    assert kept_for == timedelta(days=30)
    assert not every.models[1].HasField("delete_time")


async def test_a_version_number_is_never_given_twice(stub, register):
    await register()
    await stub.DeleteModel(delete(NAME))

    second = await register()

    model = await stub.GetModel(messages.GetModelRequest(model_id=second))
    assert model.version == 2


async def test_after_its_time_a_model_cannot_come_back(stub, register, age, refused):
    model_id = await register()
    await stub.DeleteModel(delete(model_id))

    await age(model_id, 29)
    await stub.UndeleteModel(undelete(model_id))
    await stub.DeleteModel(delete(model_id))
    await age(model_id, 30)

    assert (await refused(stub.UndeleteModel(undelete(model_id)))).reason == "MODEL_NOT_FOUND"


async def test_a_purge_removes_package_and_content_and_keeps_the_number(
    stub, register, age, purger, database, artifacts, refused
):
    old, young, living = [await register() for _ in range(3)]
    paths = {
        model.model_id: model.artifacts_path
        for model in (await stub.ListModels(messages.ListModelsRequest())).models
    }
    for model_id in (old, young):
        await stub.DeleteModel(delete(model_id))
    await age(old, 31)
    await age(young, 29)

    purged = [await purger.purge(), await purger.purge()]

    assert purged == [1, 0]
    assert not await artifacts.list(paths[old])
    assert await artifacts.list(paths[young])
    assert await artifacts.list(paths[living])
    async with database.read() as conn:
        query = select(ml_models).where(ml_models.c.id == old)
        row = (await conn.execute(query)).one()
    assert (row.name, row.version, row.purged_at is not None) == (NAME, 1, True)
    assert (row.results, row.training_config, row.metrics, row.tags) == ({}, {}, {}, {})
    every = await stub.ListModels(messages.ListModelsRequest(show_deleted=True))
    assert [model.model_id for model in every.models] == [living, young]
    assert (await refused(stub.UndeleteModel(undelete(old)))).reason == "MODEL_NOT_FOUND"
    assert (await stub.UndeleteModel(undelete(young))).model_id == young


async def test_a_purge_that_broke_off_goes_on(register, stub, age, purger, artifacts):
    model_id = await register()
    model = await stub.GetModel(messages.GetModelRequest(model_id=model_id))
    await stub.DeleteModel(delete(model_id))
    await age(model_id, 31)
    await artifacts.delete_prefix(model.artifacts_path)

    assert [await purger.purge(), await purger.purge()] == [1, 0]


async def test_a_package_that_the_store_does_not_delete_keeps_no_other_waiting(
    register, stub, age, purger, artifacts, monkeypatch
):
    stuck, other = [await register() for _ in range(2)]
    models = [
        await stub.GetModel(messages.GetModelRequest(model_id=each)) for each in (stuck, other)
    ]
    for model_id, days in ((stuck, 32), (other, 31)):
        await stub.DeleteModel(delete(model_id))
        await age(model_id, days)
    delete_prefix = artifacts.delete_prefix

    async def fail_for_one(prefix):
        if prefix == models[0].artifacts_path:
            raise Unavailable("the store does not answer", reason="ARTIFACT_STORE_UNAVAILABLE")
        await delete_prefix(prefix)

    monkeypatch.setattr(artifacts, "delete_prefix", fail_for_one)
    purged = [await purger.purge(), await purger.purge()]
    monkeypatch.undo()

    assert purged == [1, 0]
    assert await purger.purge() == 1
    assert not await artifacts.list(models[0].artifacts_path)


async def test_the_versions_of_a_name_are_listed_newest_first_page_by_page(stub, register):
    ids = [await register() for _ in range(3)]
    await register(model_name="other")
    await stub.DeleteModel(delete(ids[1]))

    async def page(**values):
        request = messages.ListModelVersionsRequest(model_id=ids[0], page_size=1, **values)
        return await stub.ListModelVersions(request)

    first = await page()
    last = await page(page_token=first.next_page_token)

    assert [model.version for model in (*first.models, *last.models)] == [3, 1]
    assert last.next_page_token == ""
    request = messages.ListModelVersionsRequest(
        model_id=NAME, show_deleted=True, order_by="create_time"
    )
    every = await stub.ListModelVersions(request)
    assert [model.version for model in every.models] == [1, 2, 3]


async def test_a_token_of_one_list_is_worth_nothing_for_another(stub, register, refused):
    for _ in range(2):
        await register()
    versions = messages.ListModelVersionsRequest(model_id=NAME, page_size=1)
    token = (await stub.ListModelVersions(versions)).next_page_token

    for request in (
        messages.ListModelsRequest(page_token=token),
        messages.ListModelsRequest(page_token=token, show_deleted=True),
    ):
        assert (await refused(stub.ListModels(request))).reason == "PAGE_TOKEN_MISMATCH"


async def test_a_forged_token_does_not_tell_where_somebody_elses_model_stands(stub, register):
    theirs = await register(owner="bob", model_name="m")
    await register(model_name="z")
    bound = ("ada", "", "name", "models", "False")

    request = messages.ListModelsRequest(
        page_token=encode_page_token(theirs, bound), order_by="name"
    )

    assert not (await stub.ListModels(request)).models


@pytest.mark.parametrize(
    ("order_by", "names"),
    [
        ("name", ["a", "b", "b", "c"]),
        ("name desc", ["c", "b", "b", "a"]),
        ("size_bytes", None),
        ("update_time desc", ["b", "c", "a", "b"]),
    ],
)
async def test_every_order_pages_through_all_models_once(stub, register, order_by, names):
    ids = [await register(model_name=name) for name in "bacb"]

    listed, token = [], ""
    while True:
        request = messages.ListModelsRequest(page_size=1, page_token=token, order_by=order_by)
        page = await stub.ListModels(request)
        listed += page.models
        if not (token := page.next_page_token):
            break

    assert sorted(model.model_id for model in listed) == sorted(ids)
    if names:
        assert [model.name for model in listed] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('tags.team = "birds"', ["one"]),
        ('tags.team != "birds"', ["three", "two"]),
        ('tags.site.id = "4"', ["two"]),
        ('tags.none = ""', []),
    ],
)
async def test_models_are_filtered_by_their_tags(stub, register, text, names):
    await register(model_name="one", tags={"team": "birds"})
    await register(model_name="two", tags={"team": "fish", "site.id": "4"})
    await register(model_name="three", tags={})

    found = await stub.ListModels(messages.ListModelsRequest(filter=text))

    assert [model.name for model in found.models] == names
