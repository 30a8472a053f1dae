"""Training of networks."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from omniscope.common.v1.feature_selection_pb2 import FeatureSelection
from omniscope.common.v1.job_pb2 import Job
from omniscope.common.v1.resources_pb2 import Resources
from omniscope.common.v1.split_pb2 import SplitConfig
from omniscope.deeplearning.v1.deep_learning_service_pb2 import (
    ListArchitecturesRequest,
    ListArchitecturesResponse,
    TrainRequest,
)
from omniscope.deeplearning.v1.deep_learning_service_pb2_grpc import DeepLearningServiceStub
from omniscope.deeplearning.v1.training_pb2 import InputLayout, Preprocessing, TrainingOptions
from omniscope_client.calls import Calls
from omniscope_client.errors import RequestError
from omniscope_client.messages import message

DEFAULT_ARCHITECTURE = "mlp"


class DeepLearning:
    """Starts trainings of networks and lists what they may be."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = DeepLearningServiceStub(calls.channel)

    def train(
        self,
        dataset_id: str,
        target_column: str,
        *,
        architecture: str = DEFAULT_ARCHITECTURE,
        parameters: Mapping[str, float | bool] | None = None,
        feature_columns: Sequence[str] = (),
        problem_type: str = "",
        input_layout: InputLayout | None = None,
        preprocessing: Preprocessing | None = None,
        training: TrainingOptions | None = None,
        resources: Resources | None = None,
        key_column: str = "",
        ignore_columns: Sequence[str] = (),
        weight_column: str = "",
        group_column: str = "",
        time_column: str = "",
        split_column: str = "",
        split: SplitConfig | None = None,
        feature_selection: FeatureSelection | None = None,
        seed: int | None = None,
        positive_class: str = "",
        deadline_seconds: int | None = None,
        model_name: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
        experiment: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> Job:
        """Queue a training and return its job at once.

        `architecture` is one of `architectures()`, `parameters` is what is chosen about it, by
        name. The other arguments are the fields of `TrainRequest`, which says what each means and
        defaults to.

        Raises:
            RequestError: The architecture is unknown or has no such parameter, or a field cannot
                hold its value.
        """
        request = message(
            TrainRequest,
            dataset_id=dataset_id,
            target_column=target_column,
            feature_columns=feature_columns,
            problem_type=problem_type,
            input_layout=input_layout,
            preprocessing=preprocessing,
            training=training,
            resources=resources,
            key_column=key_column,
            ignore_columns=ignore_columns,
            weight_column=weight_column,
            group_column=group_column,
            time_column=time_column,
            split_column=split_column,
            split=split,
            feature_selection=feature_selection,
            seed=seed,
            positive_class=positive_class,
            deadline_seconds=deadline_seconds,
            model_name=model_name,
            description=description,
            tags=tags,
            experiment=experiment,
            request_id=request_id or str(uuid4()),
            validate_only=validate_only,
        )
        choose_architecture(request, architecture, parameters or {})
        return self._calls.unary(self._stub.Train, request)

    def architectures(self) -> ListArchitecturesResponse:
        """Return what `architecture` may be, with parameters, defaults and ranges."""
        return self._calls.unary(self._stub.ListArchitectures, ListArchitecturesRequest())


def choose_architecture(
    request: TrainRequest, architecture: str, parameters: Mapping[str, float | bool]
) -> None:
    """Write a network and what is chosen about it into a request.

    Raises:
        RequestError: The architecture is unknown, or has no such parameter or value.
    """
    known = [field.name for field in TrainRequest.DESCRIPTOR.oneofs_by_name["architecture"].fields]
    if architecture not in known:
        raise RequestError(
            f"architecture is {architecture!r}; there are {', '.join(known)}.",
            field="architecture",
        )
    network = getattr(request, architecture)
    network.SetInParent()
    fields = network.DESCRIPTOR.fields_by_name
    for name in parameters:
        if name not in fields:
            raise RequestError(
                f"{architecture} has no parameter {name!r}; it has {', '.join(fields)}.",
                field=f"{architecture}.{name}",
            )
    network.MergeFrom(message(type(network), architecture, **parameters))
