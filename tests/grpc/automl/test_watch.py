"""What can be seen of a training while it runs, with a worker that the test plays itself."""

import grpc
import pytest

from omniscope.automl.v1.automl_service_pb2 import GetLeaderboardRequest, TrainRequest
from omniscope.common.v1 import job_event_pb2, job_pb2
from omniscope.registry.v1 import worker_service_pb2 as worker_pb2
from tests.grpc.training_suite import claim_job

UNKNOWN_JOB = "01J9ZQ4T9V8XKQ2W3E4R5T6Y7Z"


class PlayedWorker:
    """Claims one job and reports what it is told to."""

    def __init__(self, stub, token: str, job_id: str) -> None:
        self._stub = stub
        self._credentials = (("authorization", f"Bearer {token}"),)
        self._sequence = 0
        self._lease = claim_job(stub, token, "automl", job_id).lease

    def report(self, *events: job_event_pb2.JobEvent) -> None:
        reported = []
        for event in events:
            self._sequence += 1
            reported.append(worker_pb2.ReportedEvent(worker_sequence=self._sequence, event=event))
        self._call("ReportEvents", lease=self._lease, events=reported)

    def fail(
        self, cause: worker_pb2.FailureCause.ValueType = worker_pb2.FAILURE_CAUSE_USER_ERROR
    ) -> None:
        error = job_pb2.JobError(
            code="INVALID_ARGUMENT", reason="TRAINING_FAILED", message="It did not work."
        )
        self._call("FailJob", lease=self._lease, cause=cause, error=error)

    def _call(self, method: str, **fields):
        request = getattr(worker_pb2, f"{method}Request")(**fields)
        return getattr(self._stub, method)(request, metadata=self._credentials)


def candidate(model: str, score: float, **fields) -> job_event_pb2.JobEvent:
    entry = job_event_pb2.LeaderboardEntry(
        model=model, metric="accuracy", score_validation=score, rank=1, **fields
    )
    return job_event_pb2.JobEvent(leaderboard_entry=entry)


@pytest.fixture
def job_id(stub, datasets, credentials):
    request = TrainRequest(dataset_id="cells", target_column="outcome")
    return stub.Train(request, metadata=credentials).job_id


@pytest.fixture
def worker(suite, workers, job_id):
    return PlayedWorker(workers, suite.tokens.worker, job_id)


async def test_a_watch_shows_a_training_to_its_end(watching, worker, job_id):
    seen = []
    async for event in watching.WatchTraining(job_event_pb2.WatchRequest(job_id=job_id)):
        seen.append(event)
        if event.WhichOneof("event") == "snapshot":
            worker.report(candidate("LightGBM", 0.8))
            worker.fail()

    assert seen[0].snapshot.state == job_pb2.JOB_STATE_RUNNING
    assert [event.sequence for event in seen[1:]] == list(range(1, len(seen)))
    assert [e.leaderboard_entry.model for e in seen if e.HasField("leaderboard_entry")] == [
        "LightGBM"
    ]
    assert seen[-1].state_changed.to_state == job_pb2.JOB_STATE_FAILED


async def test_a_watch_goes_on_after_its_token(watching, worker, job_id):
    worker.report(candidate("LightGBM", 0.8), candidate("CatBoost", 0.9))
    worker.fail()
    everything = [
        event async for event in watching.WatchTraining(job_event_pb2.WatchRequest(job_id=job_id))
    ]

    again = [
        event
        async for event in watching.WatchTraining(
            job_event_pb2.WatchRequest(job_id=job_id, resume_token=everything[-2].resume_token)
        )
    ]

    assert again[0].HasField("snapshot")
    assert [event.sequence for event in again[1:]] == [everything[-1].sequence]


async def test_a_watch_of_an_unknown_job_is_not_found(watching):
    with pytest.raises(grpc.RpcError) as refused:
        async for _ in watching.WatchTraining(job_event_pb2.WatchRequest(job_id=UNKNOWN_JOB)):
            pass

    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_the_leaderboard_has_the_newest_entry_of_each_candidate(stub, worker, job_id, credentials):
    worker.report(candidate("LightGBM", 0.8), candidate("CatBoost", 0.9))
    worker.report(candidate("LightGBM", 0.8, score_test=0.75), candidate("Ensemble", 0.95))

    board = stub.GetLeaderboard(GetLeaderboardRequest(job_id=job_id), metadata=credentials)

    assert board.job_id == job_id
    assert [(entry.rank, entry.model) for entry in board.entries] == [
        (1, "Ensemble"),
        (2, "CatBoost"),
        (3, "LightGBM"),
    ]
    assert board.entries[2].score_test == 0.75


def test_equal_candidates_stand_as_the_training_ranked_them_at_last(
    stub, worker, job_id, credentials
):
    worker.report(candidate("LightGBM", 0.9), candidate("Ensemble", 0.9))
    worker.report(candidate("Ensemble", 0.9), candidate("LightGBM", 0.9))

    board = stub.GetLeaderboard(GetLeaderboardRequest(job_id=job_id), metadata=credentials)

    assert [(entry.rank, entry.model) for entry in board.entries] == [
        (1, "Ensemble"),
        (2, "LightGBM"),
    ]


def test_candidates_of_an_attempt_that_was_lost_are_not_on_the_leaderboard(
    stub, suite, workers, worker, job_id, credentials
):
    worker.report(candidate("LightGBM", 0.9))
    worker.fail(worker_pb2.FAILURE_CAUSE_CRASH)
    PlayedWorker(workers, suite.tokens.worker, job_id).report(candidate("CatBoost", 0.8))

    board = stub.GetLeaderboard(GetLeaderboardRequest(job_id=job_id), metadata=credentials)

    assert [entry.model for entry in board.entries] == ["CatBoost"]


def test_a_queued_job_has_an_empty_leaderboard(stub, job_id, credentials):
    board = stub.GetLeaderboard(GetLeaderboardRequest(job_id=job_id), metadata=credentials)

    assert (board.job_id, list(board.entries)) == (job_id, [])


def test_the_leaderboard_of_an_unknown_job_is_not_found(stub, credentials):
    with pytest.raises(grpc.RpcError) as refused:
        stub.GetLeaderboard(GetLeaderboardRequest(job_id=UNKNOWN_JOB), metadata=credentials)

    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
