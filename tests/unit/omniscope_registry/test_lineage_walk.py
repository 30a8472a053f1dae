"""How far a walk along jobs goes, whatever the jobs are."""

import pytest

from omniscope_registry.models.lineage import MAX_EDGES, MAX_NODES, Edge, NodeKind, Step, walk


class Jobs:
    """Jobs that read one model each, by what they made; remembers what it was asked for."""

    def __init__(self, *made: tuple[str, str], kind: NodeKind = NodeKind.MODEL) -> None:
        self.asked: list[list[str]] = []
        self._steps = [Step(Edge(f"{a}-{b}", "base", a, b), b, kind) for a, b in made]

    async def __call__(self, model_ids, limit):
        self.asked.append(list(model_ids))
        return [step for step in self._steps if step.edge.input_id in model_ids][:limit]


async def test_a_walk_goes_level_by_level_and_visits_a_model_once():
    jobs = Jobs(("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"))

    side = await walk("a", jobs, 5)

    assert jobs.asked == [["a"], ["b", "c"], ["d"], ["e"]]
    assert list(side.nodes) == ["b", "c", "d", "e"]
    assert len(side.edges) == 5
    assert not side.truncated


@pytest.mark.parametrize(("depth", "truncated"), [(1, True), (2, True), (3, False)])
async def test_a_walk_says_whether_its_depth_ended_it(depth, truncated):
    side = await walk("a", Jobs(("a", "b"), ("b", "c"), ("c", "d")), depth)

    assert (len(side.nodes), side.truncated) == (depth, truncated)


async def test_a_walk_ends_where_jobs_form_a_ring():
    jobs = Jobs(("a", "b"), ("b", "a"))

    side = await walk("a", jobs, 50)

    assert len(side.edges) == 2
    assert len(jobs.asked) < 5


@pytest.mark.parametrize(("count", "truncated"), [(MAX_NODES, False), (MAX_NODES + 1, True)])
async def test_a_walk_finds_a_thousand_things_and_says_that_there_are_more(count, truncated):
    jobs = Jobs(*(("a", f"b{number}") for number in range(count)), kind=NodeKind.ARTIFACT)

    side = await walk("a", jobs, 5)

    assert (len(side.nodes), side.truncated) == (MAX_NODES, truncated)


async def test_a_walk_ends_with_as_many_edges_as_one_answer_holds():
    first = [("a", f"b{number}") for number in range(100)]
    second = [(b, f"c{number}") for _, b in first for number in range(100)]

    side = await walk("a", Jobs(*first, *second), 5)

    assert len(side.edges) == MAX_EDGES
    assert all({edge.input_id, edge.output_id} <= {"a", *side.nodes} for edge in side.edges)
    assert side.truncated
