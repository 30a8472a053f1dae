"""Training by AutoGluon."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from omniscope.automl.v1.automl_service_pb2 import (
    GetLeaderboardRequest,
    Leaderboard,
    ListPresetsRequest,
    ListPresetsResponse,
    TrainRequest,
)
from omniscope.automl.v1.automl_service_pb2_grpc import AutoMLServiceStub
from omniscope.common.v1.feature_selection_pb2 import FeatureSelection
from omniscope.common.v1.job_pb2 import Job
from omniscope.common.v1.split_pb2 import SplitConfig
from omniscope_client.calls import Calls
from omniscope_client.messages import message


class AutoML:
    """Starts trainings and reads their leaderboards."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = AutoMLServiceStub(calls.channel)

    def train(
        self,
        dataset_id: str,
        target_column: str,
        *,
        feature_columns: Sequence[str] = (),
        problem_type: str = "",
        time_limit: int | None = None,
        deadline_seconds: int | None = None,
        quality: str = "",
        key_column: str = "",
        ignore_columns: Sequence[str] = (),
        weight_column: str = "",
        group_column: str = "",
        time_column: str = "",
        split_column: str = "",
        split: SplitConfig | None = None,
        feature_selection: FeatureSelection | None = None,
        seed: int | None = None,
        eval_metric: str = "",
        included_model_families: Sequence[str] = (),
        excluded_model_families: Sequence[str] = (),
        positive_class: str = "",
        model_name: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
        experiment: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> Job:
        """Queue a training and return its job at once.

        The arguments are the fields of `TrainRequest`, which says what each means and defaults to.

        Raises:
            RequestError: A field cannot hold its value.
        """
        request = message(
            TrainRequest,
            dataset_id=dataset_id,
            target_column=target_column,
            feature_columns=feature_columns,
            problem_type=problem_type,
            time_limit=time_limit,
            deadline_seconds=deadline_seconds,
            quality=quality,
            key_column=key_column,
            ignore_columns=ignore_columns,
            weight_column=weight_column,
            group_column=group_column,
            time_column=time_column,
            split_column=split_column,
            split=split,
            feature_selection=feature_selection,
            seed=seed,
            eval_metric=eval_metric,
            included_model_families=included_model_families,
            excluded_model_families=excluded_model_families,
            positive_class=positive_class,
            model_name=model_name,
            description=description,
            tags=tags,
            experiment=experiment,
            request_id=request_id or str(uuid4()),
            validate_only=validate_only,
        )
        return self._calls.unary(self._stub.Train, request)

    def leaderboard(self, job_id: str) -> Leaderboard:
        """Return the candidates that a job has trained so far, best first."""
        return self._calls.unary(self._stub.GetLeaderboard, GetLeaderboardRequest(job_id=job_id))

    def presets(self) -> ListPresetsResponse:
        """Return what `quality` may be, best first."""
        return self._calls.unary(self._stub.ListPresets, ListPresetsRequest())
