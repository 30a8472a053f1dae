"""GetLineage: what a model was made of, and what was made of it."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from omniscope.common.v1.job_input_pb2 import JobInput
from omniscope.common.v1.lineage_pb2 import (
    LINEAGE_NODE_KIND_ARTIFACT,
    LINEAGE_NODE_KIND_DATASET,
    LINEAGE_NODE_KIND_MODEL,
)
from omniscope.registry.v1.artifact_service_pb2 import DeleteArtifactRequest
from omniscope.registry.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from omniscope.registry.v1.dataset_service_pb2 import DeleteDatasetRequest
from omniscope.registry.v1.dataset_service_pb2_grpc import DatasetServiceStub
from omniscope.registry.v1.job_service_pb2 import DeleteJobRequest
from omniscope.registry.v1.model_service_pb2 import (
    DeleteModelRequest,
    GetLineageRequest,
    GetModelRequest,
    SetAliasRequest,
)
from omniscope.registry.v1.model_service_pb2_grpc import ModelServiceStub
from omniscope_registry.models.purger import model_purger
from omniscope_service.testing.serving import channel


@asynccontextmanager
async def models_of(registry, caller="ada"):
    async with channel(registry.target, caller) as connection:
        yield ModelServiceStub(connection)


async def lineage(registry, model_id, **fields):
    async with models_of(registry) as stub:
        return await stub.GetLineage(GetLineageRequest(model_id=model_id, **fields))


def members(*model_ids):
    return [JobInput(role="member", model_id=model_id) for model_id in model_ids]


async def made_of(registry, *model_ids):
    """Have a model made of others; return its id."""
    return await registry.complete(await registry.running(inputs=members(*model_ids)))


def ends(found):
    return {(edge.role, edge.input_id, edge.output_id) for edge in found.edges}


def node(found, node_id):
    (node,) = (node for node in found.nodes if node.id == node_id)
    return node


async def test_a_lineage_goes_to_the_data_and_to_everything_made(registry):
    first, second = await registry.model(), await registry.model()
    ensemble = await made_of(registry, first, second)
    explained = [
        JobInput(role="explained", model_id=ensemble),
        JobInput(role="background", dataset_id=registry.dataset_id),
    ]
    artifact = await registry.artifact(inputs=explained)

    of_ensemble = await lineage(registry, ensemble)
    of_first = await lineage(registry, first)

    data = registry.dataset_id
    assert [each.id for each in of_ensemble.nodes] == [ensemble, first, second, data, artifact]
    assert ends(of_ensemble) == {
        ("training", data, first),
        ("training", data, second),
        ("member", first, ensemble),
        ("member", second, ensemble),
        ("explained", ensemble, artifact),
    }
    assert {each.id for each in of_first.nodes} == {first, data, ensemble, artifact}
    assert not of_ensemble.truncated
    assert of_ensemble.model_id == ensemble


async def test_nodes_say_what_they_are_and_edges_by_which_job(registry):
    model_id = await registry.model()
    artifact_id = await registry.artifact(inputs=members(model_id))

    found = await lineage(registry, model_id)

    async with models_of(registry) as stub:
        model = await stub.GetModel(GetModelRequest(model_id=model_id))
    shown = [(each.kind, each.type, each.name, each.version) for each in found.nodes]
    assert shown == [
        (LINEAGE_NODE_KIND_MODEL, "automl.tabular", "outcome-model", 1),
        (LINEAGE_NODE_KIND_DATASET, "", "genes", 1),
        (LINEAGE_NODE_KIND_ARTIFACT, "explanation", "", 0),
    ]
    assert found.nodes[0].create_time == model.create_time
    assert found.edges[0].job_id == model.job_id
    assert found.nodes[2].id == artifact_id
    assert not any(each.HasField("delete_time") or each.purged for each in found.nodes)


async def test_a_name_or_an_alias_means_the_model(registry):
    model_id = await registry.model()
    async with models_of(registry) as stub:
        await stub.SetAlias(SetAliasRequest(model_id=model_id, alias="champion"))
    await registry.model()

    found = await lineage(registry, "outcome-model@champion")

    assert found.model_id == model_id
    assert (await lineage(registry, "outcome-model")).nodes[0].version == 2


async def test_an_input_of_several_roles_has_an_edge_for_each(registry):
    model_id = await registry.model()
    roles = ("teacher", "baseline", "teacher")
    inputs = [JobInput(role=role, model_id=model_id) for role in roles]

    made = await registry.complete(await registry.running(inputs=inputs))

    expected = {(role, model_id, made) for role in roles}
    assert ends(await lineage(registry, model_id)) >= expected
    assert ends(await lineage(registry, made)) >= expected


async def test_jobs_without_a_result_are_no_part_of_it(registry):
    model_id = await registry.model()
    await registry.submit(inputs=members(model_id))
    failing = await registry.running(inputs=members(model_id))
    await registry.fail(failing.lease, "USER_ERROR")

    found = await lineage(registry, model_id)

    assert len(found.nodes) == 2


async def test_what_was_tidied_up_is_marked_and_does_not_end_it(registry, database, artifacts):
    first = await registry.model()
    second = await made_of(registry, first)
    third = await made_of(registry, second)
    artifact = await registry.artifact(inputs=members(third))
    before = await lineage(registry, third)

    async with channel(registry.target, "ada") as connection:
        models = ModelServiceStub(connection)
        await models.DeleteModel(DeleteModelRequest(model_id=first))
        await model_purger(database, artifacts, timedelta(minutes=-2)).purge()
        await models.DeleteModel(DeleteModelRequest(model_id=second))
        await ArtifactServiceStub(connection).DeleteArtifact(
            DeleteArtifactRequest(artifact_id=artifact)
        )
        await DatasetServiceStub(connection).DeleteDataset(
            DeleteDatasetRequest(dataset_id=registry.dataset_id)
        )
    for edge in before.edges:
        await registry.jobs.DeleteJob(DeleteJobRequest(job_id=edge.job_id))
    found = await lineage(registry, third)

    assert found.edges == before.edges
    deleted = {each.id for each in found.nodes if each.HasField("delete_time")}
    assert deleted == {first, second, artifact, registry.dataset_id}
    assert [each.id for each in found.nodes if each.purged] == [first]
    assert (node(found, first).name, node(found, first).version) == ("outcome-model", 1)


async def test_a_lineage_ends_at_its_depth_and_says_so(registry):
    chain = [await registry.model()]
    for _ in range(3):
        chain.append(await made_of(registry, chain[-1]))

    near = await lineage(registry, chain[2], max_depth=1)
    far = await lineage(registry, chain[2], max_depth=3)

    assert [each.id for each in near.nodes] == [chain[2], chain[1], chain[3]]
    assert near.truncated
    assert [each.id for each in far.nodes] == [
        *(chain[2], chain[1], chain[0]),
        *(registry.dataset_id, chain[3]),
    ]
    assert not far.truncated


@pytest.mark.parametrize("depth", [-1, 51])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_depth_that_is_not_allowed_is_refused(registry, refused, depth):
    error = await refused(lineage(registry, "outcome-model", max_depth=depth))

    assert (error.reason, error.field) == ("FIELD_INVALID", "max_depth")
    assert str(depth) in error.message


async def test_somebody_elses_model_has_no_lineage(registry, refused):
    model_id = await registry.model()

    async with models_of(registry, "bob") as stub:
        for reference in (model_id, "outcome-model", "zero\0byte"):
            call = stub.GetLineage(GetLineageRequest(model_id=reference))
            assert (await refused(call)).reason == "MODEL_NOT_FOUND"
