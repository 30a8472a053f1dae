import subprocess
import sys


def test_serving_imports_nothing_heavy_that_it_does_not_need():
    machine_learning = ("pandas", "pyarrow", "mlflow", "numpy", "sklearn", "torch")
    of_others = ("aiohttp", "alembic", "asyncpg", "sqlalchemy.orm")
    heavy = (*machine_learning, *of_others)
    program = (
        "import sys, omniscope_registry.__main__\n"
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )

    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()

    assert imported == []
