"""Real tables, in every format that they are shipped in, have the shape that their notice says."""

import pandas as pd
import pytest

from omniscope.registry.v1 import dataset_service_pb2 as messages
from tests.grpc.registry.datasets.conftest import DATA


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: this is about files."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


@pytest.mark.parametrize(
    ("file", "source_format", "shape", "types", "target", "classes"),
    [
        (
            "tissue7.csv",
            "csv",
            (185, 502),
            {"float64": 500, "string": 2},
            "tissue",
            {"kidney": 39, "cerebellum": 38, "colon": 34, "hippocampus": 31, "liver": 22,
             "endometrium": 15, "placenta": 6},
        ),
        (
            "penguins.csv",
            "csv",
            (344, 7),
            {"float64": 2, "float32": 2, "string": 3},
            "species",
            {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68},
        ),
        (
            "penguins.parquet",
            "parquet",
            (344, 7),
            {"float32": 4, "string": 3},
            "species",
            {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68},
        ),
        (
            "ad_proteins.csv",
            "csv",
            (333, 131),
            {"float64": 126, "int64": 3, "string": 2},
            "diagnosis",
            {"Control": 242, "Impaired": 91},
        ),
        (
            "all_bcrabl.parquet",
            "parquet",
            (79, 3002),
            {"float32": 3000, "string": 2},
            "mol_biol",
            {"NEG": 42, "BCR/ABL": 37},
        ),
        (
            "pbmc68k.h5ad",
            "h5ad",
            (700, 767),
            {"float32": 765, "string": 2},
            "cell_type",
            {"Dendritic": 240, "CD14+ Monocyte": 129, "CD19+ B": 95, "CD4+/CD25 T Reg": 68,
             "CD8+ Cytotoxic T": 54, "CD8+/CD45RA+ Naive Cytotoxic": 43, "CD56+ NK": 31,
             "CD4+/CD45RO+ Memory": 19, "CD34+": 13, "CD4+/CD45RA+/CD25- Naive T": 8},
        ),
    ],
)  # fmt: skip
async def test_a_shipped_table_has_its_rows_columns_types_and_classes(
    stub, upload, file, source_format, shape, types, target, classes
):
    dataset = await upload(file, format=source_format)

    assert (dataset.row_count, dataset.column_count) == shape
    assert dict(dataset.column_types) == types
    page = await stub.ListDatasetColumns(
        messages.ListDatasetColumnsRequest(dataset_id="table", names=[target])
    )
    assert {top.value: top.count for top in page.columns[0].top_values} == classes


async def test_both_kinds_of_parquet_writer_are_read_alike(upload, tmp_path):
    """Pandas' own writer adds an index, metadata for every column, statistics, dictionaries."""
    frame = pd.read_csv(DATA / "tissue7.csv").set_index("sample_id")
    frame.to_parquet(tmp_path / "pandas.parquet")
    frame.reset_index().to_parquet(
        tmp_path / "bare.parquet", index=False, use_dictionary=False, write_statistics=False
    )

    one = await upload((tmp_path / "pandas.parquet").read_bytes(), "one", format="parquet")
    other = await upload((tmp_path / "bare.parquet").read_bytes(), "other", format="parquet")

    assert (one.row_count, one.column_count) == (other.row_count, other.column_count) == (185, 502)
    assert one.column_types == other.column_types
    assert one.likely_key_columns == other.likely_key_columns == ["sample_id"]
