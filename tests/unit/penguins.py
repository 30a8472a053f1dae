"""A small table that trainings are tried on, and how it becomes a dataset."""

from pathlib import Path

import numpy as np
import pandas as pd

from omniscope_ml.datasets.ingest import DATA_FILE, ingest

FEATURES = ("gene1", "gene2", "count", "island")


def penguins(rows: int = 150) -> pd.DataFrame:
    """Rows of three species with missing values, a text column and a sample id."""
    rng = np.random.default_rng(0)
    code = np.arange(rows) % 3
    frame = pd.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(rows)],
            "gene1": code + rng.normal(scale=0.3, size=rows),
            "gene2": rng.normal(size=rows) - code,
            "count": rng.integers(0, 5, rows) + 3 * (code == 2),
            "island": rng.choice(["Biscoe", "Dream"], rows),
            "weight": rng.uniform(0.5, 2.0, rows),
            "species": np.array(["Adelie", "Chinstrap", "Gentoo"])[code],
            "sick": (code + rng.normal(scale=0.3, size=rows) > 0.5),
            "mass": 3.0 * code + rng.normal(scale=0.2, size=rows),
        }
    )
    frame.loc[5, "gene1"] = np.nan
    frame.loc[7, "island"] = None
    return frame


def store_frame(frame: pd.DataFrame, folder: Path) -> Path:
    """Store a frame as a dataset in a folder and return its file."""
    frame.to_parquet(folder / "upload")
    ingest(folder / "upload", "parquet", folder)
    return folder / DATA_FILE
