import subprocess
import sys


def test_serving_imports_no_machine_learning():
    heavy = ("pandas", "pyarrow", "mlflow", "numpy", "sklearn", "torch")
    program = (
        "import sys, omniscope_registry.__main__\n"
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )

    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert imported == []
