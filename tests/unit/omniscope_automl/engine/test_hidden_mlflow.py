"""What a training does not pay for."""

import sys
from importlib.abc import MetaPathFinder

import pytest
from autogluon.common.utils.log_utils import warn_if_mlflow_autologging_is_enabled

from omniscope_automl.engine.hidden_mlflow import mlflow_hidden


class Asked(MetaPathFinder):
    """Counts how often MLflow was to be imported, and says that there is none."""

    count = 0

    def find_spec(self, name, path, target=None):
        if name == "mlflow":
            self.count += 1
            raise ModuleNotFoundError(name=name)
        return


@pytest.fixture
def asked(monkeypatch) -> Asked:
    finder = Asked()
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    return finder


def test_autogluon_imports_mlflow_to_warn_of_it(asked):
    warn_if_mlflow_autologging_is_enabled()

    assert asked.count == 1


def test_mlflow_is_not_imported_while_it_is_hidden(asked):
    with mlflow_hidden():
        warn_if_mlflow_autologging_is_enabled()

    assert asked.count == 0
    assert "mlflow" not in sys.modules


def test_an_mlflow_that_is_there_already_stays(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", sys)

    with mlflow_hidden():
        assert sys.modules["mlflow"] is sys
