from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from omniscope_ml.datasets import profile_sparse
from omniscope_ml.datasets.arrow_file import Dataset, open_dataset
from omniscope_ml.datasets.ingest import DATA_FILE, ingest
from omniscope_ml.errors import DataError
from tests.unit.omniscope_ml.h5ad_files import small_matrix, write_h5ad


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "upload"


def opened(source: Path) -> tuple[dict[str, Any], Dataset]:
    description = ingest(source, "h5ad", source.parent)
    return description, open_dataset(source.parent / DATA_FILE)


def refusal(source: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        ingest(source, "h5ad", source.parent)
    return caught.value


@pytest.mark.parametrize("form", [csr_array, csc_array])
@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_sparse_x_stays_sparse(source: Path, form: Any, compression: str | None) -> None:
    matrix = small_matrix()
    write_h5ad(source, form(matrix), compression=compression)

    description, dataset = opened(source)

    assert (description["row_count"], description["column_count"]) == (6, 6)
    assert description["column_types"] == {"string": 1, "float32": 5}
    values = dataset.sparse_matrix()
    assert isinstance(values, csr_array)
    assert (values.nnz, values.dtype) == (4, np.float32)
    assert np.array_equal(values.toarray(), matrix.toarray())


def test_sparse_columns_open_as_views_of_the_file(source: Path) -> None:
    write_h5ad(source, small_matrix())

    _, dataset = opened(source)

    values = dataset.sparse_matrix()
    for part in (values.data, values.indices, values.indptr):
        assert not part.flags.owndata
        assert not part.flags.writeable


def test_sparse_columns_open_as_matrix_frame_and_single_columns(source: Path) -> None:
    matrix = small_matrix()
    write_h5ad(source, matrix, {"age": np.array([3.5, 1, 2, 3, 4, 5], dtype=np.float32)})

    _, dataset = opened(source)

    assert np.array_equal(dataset.matrix(["g1", "g3"]), matrix.toarray()[:, [1, 3]])
    assert dataset.matrix(["g1"]).dtype == np.float32
    mixed = dataset.matrix(["g1", "age"])
    assert mixed.dtype == np.float32
    assert mixed[0].tolist() == [1.5, 3.5]
    assert dataset.column("g3").to_pylist() == [0, 0, 3, 0, 0, 0]
    frame = dataset.frame()
    assert list(frame.columns) == ["obs_names", "age", "g0", "g1", "g2", "g3", "g4"]
    assert frame["g0"].tolist() == [0, 0, 0, 0, -4, 0]
    assert np.array_equal(dataset.sparse_matrix(["age", "g1"]).toarray()[0], [3.5, 1.5])


def test_the_first_rows_of_sparse_columns_open_alone(source: Path) -> None:
    matrix = small_matrix()
    write_h5ad(source, matrix, {"n": np.arange(6)})

    _, dataset = opened(source)

    head = dataset.head(3)
    assert head.num_rows == 3
    assert np.array_equal(head.sparse_matrix().toarray(), matrix.toarray()[:3])
    assert head.column("g1").to_pylist() == [1.5, 0, 2]
    assert head.frame()["n"].tolist() == [0, 1, 2]


def test_dense_x_becomes_ordinary_columns(source: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    write_h5ad(source, values, features=["TP53", "BRCA1", "EGFR"])

    description, dataset = opened(source)

    assert description["column_types"] == {"string": 1, "float32": 3}
    assert np.array_equal(dataset.matrix(["TP53", "BRCA1", "EGFR"]), values)


def test_obs_gives_the_key_and_the_labels(source: Path) -> None:
    obs = {
        "cell_type": {"codes": np.array([0, 1, -1, 0], np.int8), "categories": ["B", "T"]},
        "donor": ["x", "x", "y", "y"],
        "age": np.array([1.5, np.nan, 3, 4]),
        "batch": np.array([1, 2, 1, 2]),
        "smokes": np.array([True, False, True, False]),
        "visits": {
            "values": np.array([1, 2, 3, 4]),
            "mask": np.array([False, True, False, False]),
        },
    }
    write_h5ad(source, small_matrix(4, 5), obs, samples=["s1", "s2", "s3", "s4"])

    description, dataset = opened(source)

    assert description["likely_key_columns"] == ["obs_names"]
    assert dataset.column("obs_names").to_pylist() == ["s1", "s2", "s3", "s4"]
    assert dataset.column("cell_type").to_pylist() == ["B", "T", None, "B"]
    assert dataset.column("donor").to_pylist() == ["x", "x", "y", "y"]
    assert dataset.column("age").to_pylist() == [1.5, None, 3, 4]
    assert dataset.column("smokes").to_pylist() == [True, False, True, False]
    assert dataset.column("visits").to_pylist() == [1, None, 3, 4]
    assert dataset.type_of("batch") == "int64"


def test_layers_and_embeddings_are_left_out_and_named(source: Path) -> None:
    write_h5ad(source, small_matrix())
    with h5py.File(source, "a") as file:
        file["layers/counts"] = np.zeros((6, 5))
        file["obsm/X_pca"] = np.zeros((6, 2))
        file["var/highly_variable"] = np.ones(5, dtype=bool)
        file.create_group("uns")

    description, _ = opened(source)

    assert description["warnings"][-1] == (
        "not taken from the file: layers/counts, obsm/X_pca, var/highly_variable"
    )


@pytest.mark.parametrize("slab_values", [1, 100, 2**20])
def test_sparse_x_is_described_as_dense_x_is(
    source: Path, monkeypatch: pytest.MonkeyPatch, slab_values: int
) -> None:
    monkeypatch.setattr(profile_sparse, "_SLAB_VALUES", slab_values)
    rng = np.random.default_rng(0)
    values = np.where(rng.random((40, 30)) < 0.3, rng.normal(size=(40, 30)), 0)
    values[:, 3] = rng.integers(0, 4, size=40)
    values[:, 4], values[:, 5], values[:, 6] = 0, 2, values[:, 7]
    values[5, 8] = np.nan
    values[:, 9] = np.where(values[:, 9] == 0, 0, np.nan)
    values[:, 10] = -np.abs(values[:, 10]) - 1

    write_h5ad(source, values)
    dense = ingest(source, "h5ad", source.parent)["columns"]
    write_h5ad(source, csr_array(values))
    sparse = ingest(source, "h5ad", source.parent)["columns"]

    for one, other in zip(dense, sparse, strict=True):
        assert one.keys() - {"type"} == other.keys() - {"type"}
        for name in one.keys() - {"type", "min", "mean", "max", "standard_deviation"}:
            assert one[name] == other[name], name
        for name in one.keys() & {"min", "mean", "max", "standard_deviation"}:
            assert other[name] == pytest.approx(one[name]), name
    assert sparse[8]["duplicate_of"] == "g6"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([[0, 2**24 + 1], [1, 0]]), "float64"),
        (np.array([[0, 3], [1, 0]]), "float32"),
        (np.array([[0, 0.1], [1, 0]]), "float64"),
        (np.array([[0, 0.5], [1, 0]]), "float32"),
    ],
)
def test_sparse_values_are_narrowed_only_where_that_is_exact(
    source: Path, values: Any, kind: str
) -> None:
    write_h5ad(source, csr_array(values))

    _, dataset = opened(source)

    assert dataset.type_of("g1") == kind
    assert np.array_equal(dataset.matrix(["g0", "g1"]), values)


def _edited(source: Path, path: str, content: Any) -> None:
    with h5py.File(source, "a") as file:
        del file[path]
        file[path] = content


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("X/indices", np.array([0, 1, 3, 7]), "not from 0 to 4"),
        ("X/indices", np.array([0, 1, 3, -1]), "not from 0 to 4"),
        ("X/indices", np.array([0, 1]), "not from 0 to 4"),
        ("X/indptr", np.array([0, 1, 1, 3, 3, 9, 4]), "does not divide 4 values into 6 lines"),
        ("X/indptr", np.array([0, 4]), "does not divide 4 values into 6 lines"),
        ("X/indices", np.array([1, 3, 3, 0]), "more than one value for a cell"),
        ("X/data", np.array([1, 2, np.inf, 3]), "'g3' is infinite in data row 3"),
        ("obs/_index", np.array([b"a", b"b"]), "'X' has shape (6, 5), but obs and var have 2"),
    ],
)
def test_a_damaged_matrix_is_refused(source: Path, path: str, content: Any, words: str) -> None:
    write_h5ad(source, small_matrix())
    _edited(source, path, content)

    error = refusal(source)

    assert error.reason == "DATASET_MALFORMED"
    assert words in error.message


@pytest.mark.parametrize("part", ["X", "obs", "var"])
def test_hdf5_that_is_no_h5ad_is_refused(source: Path, part: str) -> None:
    write_h5ad(source, small_matrix())
    with h5py.File(source, "a") as file:
        del file[part]

    assert f"the file has no '{part}', so it is not h5ad" in refusal(source).message


def test_a_feature_that_is_there_twice_is_refused(source: Path) -> None:
    write_h5ad(source, small_matrix(), features=["a", "b", "a", "c", "d"])

    assert refusal(source).reason == "COLUMN_DUPLICATED"


@pytest.mark.parametrize("kind", [">f4", ">i4", "f2", "u1"])
@pytest.mark.parametrize("path", ["X", "X/data"])
def test_numbers_of_other_machines_and_sizes_are_read(source: Path, kind: str, path: str) -> None:
    values = np.array([[0, 2], [1, 0]])
    write_h5ad(source, csr_array(values), {"y": values[:, 1].astype(kind)})
    _edited(source, path, (values if path == "X" else np.array([2, 1])).astype(kind))

    _, dataset = opened(source)

    assert dataset.column("y").to_pylist() == [2, 0]
    assert np.array_equal(dataset.matrix(["g0", "g1"]), values)


def test_long_doubles_are_refused(source: Path) -> None:
    write_h5ad(source, np.ones((2, 2), dtype=np.longdouble))

    assert "'X' has type float128" in refusal(source).message


@pytest.mark.parametrize("codes", [np.array([0, 1, 2, 0, 0, 0]), np.zeros(6)])
def test_codes_without_a_category_are_refused(source: Path, codes: Any) -> None:
    write_h5ad(source, small_matrix(), {"kind": {"codes": codes, "categories": ["B", "T"]}})

    assert "'obs/kind' has codes that are not from -1 to 1" in refusal(source).message


def test_a_member_whose_name_is_no_text_is_refused(source: Path) -> None:
    write_h5ad(source, small_matrix())
    with h5py.File(source, "a") as file:
        file.id.links.create_soft(b"n\xf1me", b"/X")

    assert refusal(source).reason == "DATASET_UNSAFE"


def test_a_column_of_the_wrong_length_is_refused(source: Path) -> None:
    write_h5ad(source, small_matrix(), {"age": np.array([1, 2])})

    assert "'obs/age' has 2 values, 'obs/_index' has 6" in refusal(source).message
