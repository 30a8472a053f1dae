import gzip

import pytest
from sqlalchemy import update

from omniscope.registry.v1 import dataset_service_pb2 as messages
from omniscope_registry.datasets.records import dataset_key
from omniscope_registry.tables.jobs import training_jobs
from omniscope_service.errors import FailedPrecondition, InvalidArgument, NotFound
from tests.grpc.registry.conftest import training_input

_UNKNOWN_ID = "01JZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.mark.parametrize("dataset_id", ["nothing", _UNKNOWN_ID, "zero\0byte", "no such name!"])
async def test_an_unknown_dataset_is_not_found(stub, refused, dataset_id):
    for call in (
        stub.GetDataset(messages.GetDatasetRequest(dataset_id=dataset_id)),
        stub.ListDatasetColumns(messages.ListDatasetColumnsRequest(dataset_id=dataset_id)),
        stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id=dataset_id)),
    ):
        error = await refused(call)

        assert isinstance(error, NotFound)
        assert (error.reason, error.field) == ("DATASET_NOT_FOUND", "dataset_id")
        assert repr(dataset_id) in error.message


async def test_somebody_elses_dataset_does_not_exist(stub, stub_of_bob, add_dataset, refused):
    dataset = await add_dataset("mine", "a")

    for dataset_id in (dataset.id, "mine"):
        for call in (
            stub_of_bob.GetDataset(messages.GetDatasetRequest(dataset_id=dataset_id)),
            stub_of_bob.ListDatasetColumns(
                messages.ListDatasetColumnsRequest(dataset_id=dataset_id)
            ),
            stub_of_bob.DeleteDataset(messages.DeleteDatasetRequest(dataset_id=dataset_id)),
        ):
            assert (await refused(call)).reason == "DATASET_NOT_FOUND"
    assert not (await stub_of_bob.ListDatasets(messages.ListDatasetsRequest())).datasets
    assert len((await stub.ListDatasets(messages.ListDatasetsRequest())).datasets) == 1


async def test_datasets_are_listed_newest_first_page_by_page(stub, add_dataset):
    for name in ("one", "two", "three"):
        await add_dataset(name, "a")

    first = await stub.ListDatasets(messages.ListDatasetsRequest(page_size=2))
    last = await stub.ListDatasets(
        messages.ListDatasetsRequest(page_size=2, page_token=first.next_page_token)
    )
    oldest_first = await stub.ListDatasets(messages.ListDatasetsRequest(order_by="create_time"))

    assert [dataset.name for dataset in first.datasets] == ["three", "two"]
    assert [dataset.name for dataset in last.datasets] == ["one"]
    assert last.next_page_token == ""
    assert [dataset.name for dataset in oldest_first.datasets] == ["one", "two", "three"]


async def test_datasets_are_filtered_by_name_and_format(stub, add_dataset):
    await add_dataset("small", "a")
    await add_dataset("birds", "a", source_format="parquet")

    for text in ('name = "birds"', 'source_format != "csv"', 'name = "birds" AND name != "x"'):
        found = await stub.ListDatasets(messages.ListDatasetsRequest(filter=text))

        assert [dataset.name for dataset in found.datasets] == ["birds"]


@pytest.mark.parametrize(
    ("request_fields", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_INVALID"),
        ({"page_token": "x"}, "PAGE_TOKEN_MISMATCH"),
        ({"filter": 'owner = "bob"'}, "FILTER_INVALID"),
        ({"filter": 'name = "zero\0byte"'}, "FILTER_INVALID"),
        ({"order_by": "name"}, "ORDER_BY_INVALID"),
    ],
)
async def test_a_wrong_list_request_is_refused(stub, refused, request_fields, reason):
    error = await refused(stub.ListDatasets(messages.ListDatasetsRequest(**request_fields)))

    assert isinstance(error, InvalidArgument)
    assert error.reason == reason
    assert error.field in request_fields


async def test_columns_are_paged(stub, add_dataset):
    await add_dataset("wide", *(f"gene{number}" for number in range(502)))
    request = messages.ListDatasetColumnsRequest(dataset_id="wide", page_size=200)
    names = []

    while True:
        page = await stub.ListDatasetColumns(request)
        names += [column.name for column in page.columns]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    assert names == [f"gene{number}" for number in range(502)]


async def test_a_page_of_columns_with_long_texts_is_as_long_as_an_answer_can_be(stub, upload):
    texts = [[f"{number}{'x' * 900}"] * 300 for number in range(20)]
    lines = [[f"note{number}" for number in range(300)], *texts]
    table = "\n".join(",".join(line) for line in lines)
    await upload(gzip.compress(table.encode()), name="notes", format="csv.gz")
    request = messages.ListDatasetColumnsRequest(dataset_id="notes", page_size=1000)

    pages = [await stub.ListDatasetColumns(request)]
    while pages[-1].next_page_token:
        request.page_token = pages[-1].next_page_token
        pages.append(await stub.ListDatasetColumns(request))

    assert [column.position for page in pages for column in page.columns] == list(range(300))


async def test_columns_are_asked_for_by_name_and_unknown_ones_left_out(stub, add_dataset):
    await add_dataset("birds", "island", "sex", "species")

    page = await stub.ListDatasetColumns(
        messages.ListDatasetColumnsRequest(
            dataset_id="birds", names=["species", "no such column", "zero\0byte", "island"]
        )
    )

    assert [column.name for column in page.columns] == ["island", "species"]


async def test_a_page_token_of_another_dataset_is_refused(stub, add_dataset, refused):
    await add_dataset("birds", "island", "species")
    await add_dataset("other", "a", "b")
    page = await stub.ListDatasetColumns(
        messages.ListDatasetColumnsRequest(dataset_id="birds", page_size=1)
    )

    for request in (
        messages.ListDatasetColumnsRequest(dataset_id="other", page_token=page.next_page_token),
        messages.ListDatasetColumnsRequest(dataset_id="birds", page_token="nonsense"),
    ):
        assert (await refused(stub.ListDatasetColumns(request))).reason == "PAGE_TOKEN_MISMATCH"


async def test_more_than_1000_column_names_are_refused(stub, add_dataset, refused):
    await add_dataset("table", "a")

    error = await refused(
        stub.ListDatasetColumns(
            messages.ListDatasetColumnsRequest(dataset_id="table", names=["a"] * 1001)
        )
    )

    assert (error.reason, error.field) == ("FIELD_INVALID", "names")


async def test_a_deleted_dataset_is_gone_and_its_version_is_not_used_again(
    stub, add_dataset, refused
):
    first = await add_dataset("table", "a")
    await add_dataset("table", "b")

    await stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id="table"))

    newest = await stub.GetDataset(messages.GetDatasetRequest(dataset_id="table"))
    assert newest.dataset_id == first.id
    assert (await add_dataset("table", "c")).version == 3
    await stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id=first.id))
    again = stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id=first.id))
    assert (await refused(again)).reason == "DATASET_NOT_FOUND"


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_a_dataset_is_not_deleted_under_a_job(
    stub, add_dataset, refused, insert_job, database, status
):
    dataset = await add_dataset("table", "a")
    job = await insert_job(inputs=[training_input(dataset.id)], status=status)

    error = await refused(stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id="table")))

    assert isinstance(error, FailedPrecondition)
    assert error.reason == "DATASET_IN_USE"
    assert job.id in error.message
    assert error.metadata["job_id"] == job.id
    await _end(database, job.id)
    await stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id="table"))


async def _end(database, job_id):
    async with database.write() as conn:
        await conn.execute(
            update(training_jobs)
            .where(training_jobs.c.id == job_id)
            .values(
                status="cancelled",
                completed_at=database.now(),
                lease_token_hash=None,
                lease_until=None,
                version=training_jobs.c.version + 1,
            )
        )


async def test_jobs_find_the_files_of_datasets(store, database, add_dataset):
    dataset = await add_dataset("table", "a")

    async with database.read() as conn:
        found = await store.find(conn, "ada", [dataset.id, _UNKNOWN_ID])
        of_bob = await store.find(conn, "bob", [dataset.id])

    assert found == {dataset.id: (dataset_key(dataset.digest), dataset.digest)}
    assert of_bob == {}
