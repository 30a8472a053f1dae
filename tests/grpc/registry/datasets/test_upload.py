"""Versions, shared bytes and repeated requests: what the databases must get right."""

import asyncio
import uuid

from omniscope.registry.v1 import dataset_service_pb2 as messages


async def test_a_used_name_makes_the_next_version_and_means_the_newest(stub, upload):
    first = await upload("penguins.csv", "birds")
    second = await upload(b"a,b\n1,x\n2,y\n", "birds")

    assert (first.version, second.version) == (1, 2)
    newest = await stub.GetDataset(messages.GetDatasetRequest(dataset_id="birds"))
    assert newest == second
    oldest = await stub.GetDataset(messages.GetDatasetRequest(dataset_id=first.dataset_id))
    assert oldest == first


async def test_uploads_of_one_name_at_the_same_time_get_a_version_each(upload):
    made = await asyncio.gather(*(upload(f"a\n{i}\n".encode(), "race") for i in range(3)))

    assert sorted(dataset.version for dataset in made) == [1, 2, 3]


async def test_the_same_bytes_are_stored_and_profiled_once(stub, upload, artifacts):
    first, second = await asyncio.gather(
        upload("penguins.csv", "one"), upload("penguins.csv", "two")
    )

    assert first.digest == second.digest
    assert first.dataset_id != second.dataset_id
    names = [key.rpartition("/")[2] for key, _ in await artifacts.list("datasets")]
    assert names == ["data.arrow", "preview.json"]
    columns = await stub.ListDatasetColumns(messages.ListDatasetColumnsRequest(dataset_id="two"))
    assert len(columns.columns) == 7


async def test_a_repeated_request_id_returns_the_same_dataset(upload):
    request_id = str(uuid.uuid4())

    first = await upload("penguins.csv", "birds", request_id=request_id)
    again = await upload("penguins.csv", "birds", request_id=request_id.upper())

    assert again == first


async def test_a_request_id_makes_a_new_dataset_when_the_old_one_was_deleted(upload, stub):
    request_id = str(uuid.uuid4())
    first = await upload(b"a\n1\n", "birds", request_id=request_id)
    await stub.DeleteDataset(messages.DeleteDatasetRequest(dataset_id=first.dataset_id))

    again = await upload(b"a\n1\n", "birds", request_id=request_id)

    assert (await stub.GetDataset(messages.GetDatasetRequest(dataset_id="birds"))) == again


async def test_a_request_id_sent_twice_at_once_makes_one_dataset(upload):
    request_id = str(uuid.uuid4())

    one, other = await asyncio.gather(
        upload(b"a\n1\n", "birds", request_id=request_id),
        upload(b"a\n1\n", "birds", request_id=request_id),
    )

    assert one == other


async def test_a_request_id_with_another_payload_is_refused(upload, refused):
    request_id = str(uuid.uuid4())
    await upload(b"a\n1\n", "birds", request_id=request_id)

    error = await refused(upload(b"a\n2\n", "birds", request_id=request_id))

    assert (error.reason, error.field) == ("REQUEST_ID_REUSED", "request_id")
