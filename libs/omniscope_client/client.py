"""The client that a script opens."""

from types import TracebackType
from typing import Self

from omniscope_client.artifacts import Artifacts
from omniscope_client.automl import AutoML
from omniscope_client.calls import Calls
from omniscope_client.connection import find_endpoint
from omniscope_client.datasets import Datasets
from omniscope_client.deeplearning import DeepLearning
from omniscope_client.experiments import Experiments
from omniscope_client.jobs import Jobs
from omniscope_client.models import Models


class Client:
    """A connection to the suite; close it, or use it as a context manager.

    Every method answers with the API's own messages and raises `OmniscopeError`.

    Args:
        address: `host:port` or URL of the gateway. Default: `OMNISCOPE_ADDRESS`, else the local
            suite's, see `connection.find_endpoint`.
        token: Bearer token. Default: from `OMNISCOPE_TOKEN_FILE`, else the local suite's.

    Attributes:
        datasets: Tables to train on.
        automl: Training by AutoGluon.
        deeplearning: Training of networks.
        jobs: Jobs of every service.
        models: Trained models.
        artifacts: What jobs made that is no model.
        experiments: Experiments, runs and their metrics.
        calls: Makes the calls of other services, by their stubs over its channel.
    """

    def __init__(self, address: str | None = None, token: str | None = None) -> None:
        self.calls = Calls(find_endpoint(address, token))
        self.datasets = Datasets(self.calls)
        self.automl = AutoML(self.calls)
        self.deeplearning = DeepLearning(self.calls)
        self.jobs = Jobs(self.calls)
        self.models = Models(self.calls)
        self.artifacts = Artifacts(self.calls)
        self.experiments = Experiments(self.calls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; open streams end. Idempotent."""
        self.calls.channel.close()
