"""A program that knows MLflow and a model package, and nothing of the suite."""

import subprocess
import sys
import sysconfig
from pathlib import Path


def plain_mlflow(package: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Predict the rows in a folder as a program does that knows MLflow and the package only."""
    # -S leaves out the project, which is installed by a .pth file, and -E what PYTHONPATH names;
    # the libraries are added back.
    program = f"""
import sys
sys.path.append({sysconfig.get_path("purelib")!r})
import mlflow, pandas
model = mlflow.pyfunc.load_model({str(package)!r})
model.predict(pandas.read_parquet("rows")).to_parquet("answer")
"""
    command = [sys.executable, "-S", "-E", "-c", program]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
