import subprocess
import sys

_HEAVY = {"mlflow", "numpy", "pandas", "pyarrow", "sklearn", "torch", "autogluon"}


def _imported_by(module):
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


def test_the_serving_process_imports_no_library_for_data_or_tracking():
    assert not _imported_by("omniscope_registry.app") & _HEAVY


def test_the_child_that_reads_uploads_brings_no_transport_and_no_database():
    assert not _imported_by("omniscope_registry.datasets.gate") & {"grpc", "sqlalchemy", "nats"}
