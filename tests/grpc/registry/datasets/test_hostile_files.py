"""Files made to harm: each is refused by name, before or inside the child that reads it.

The bytes of other files, the registry's process and its memory are what they aim at.
"""

import gzip
import io
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from omniscope_service.errors import InvalidArgument, ResourceExhausted
from tests.unit.omniscope_ml.h5ad_files import small_matrix, write_h5ad

SECRET = b"the bytes of somebody else's file "


@pytest.fixture
def database_url(tmp_path):
    """One kind of database is enough: none of these uploads gets there."""
    return f"sqlite+aiosqlite:///{tmp_path / 'registry.db'}"


@pytest.fixture
def attempt(upload, refused, artifacts, uploads_folder):
    """Uploads a file that must be refused, and returns the error once nothing is left of it."""

    async def send(content, source_format):
        error = await refused(upload(content, format=source_format))
        assert await artifacts.list("datasets") == []
        assert list(uploads_folder.iterdir()) == []
        return error

    return send


def _parquet(table, **options):
    buffer = io.BytesIO()
    pa_parquet.write_table(table, buffer, **options)
    return buffer.getvalue()


# Text


@pytest.mark.parametrize(
    ("content", "reason", "words"),
    [
        pytest.param(b"a,b\n1,2\n1,2,3\n", "DATASET_MALFORMED", "row 3 has 3 values", id="ragged"),
        pytest.param(
            b"a,b\n1,\0\n", "DATASET_FORMAT_MISMATCH", "zero byte at offset 6", id="zero byte"
        ),
        pytest.param(
            b'a,b\nx,y\nz,"' + b"9" * 2**20 + b'q"\n',
            "DATASET_MALFORMED",
            "'b' has a cell of 1048577 bytes in data row 2",
            id="a huge cell",
        ),
        pytest.param(
            b'a,b\n1,"2\n' + b"3,4\n" * 300_000,
            "DATASET_MALFORMED",
            "in data row 1; at most 1048576 are allowed (is a quote left open?)",
            id="a quote left open",
        ),
        pytest.param(
            "a,b\n1,x\n2,grün\n".encode("latin-1"),
            "DATASET_FORMAT_MISMATCH",
            "'b' has text that is not UTF-8 in data row 2",
            id="wrong encoding",
        ),
        pytest.param(
            b"a,b\n1,2\n2,-inf\n",
            "DATASET_MALFORMED",
            "'b' is infinite in data row 2",
            id="infinite",
        ),
        pytest.param(
            ",".join(f"c{i}" for i in range(200_001)).encode() + b"\n1\n",
            "DATASET_TOO_WIDE",
            "200001 columns; at most 200000",
            id="too many columns",
        ),
    ],
)
async def test_bad_text_is_refused_with_its_place(attempt, content, reason, words):
    error = await attempt(content, "csv")

    assert isinstance(error, InvalidArgument)
    assert error.reason == reason
    assert words in error.message


async def test_formulas_are_text_and_a_byte_order_mark_is_none_of_it(upload):
    dataset = await upload(b'\xef\xbb\xbfid,note\n1,=2+5\n2,@SUM(A1)\n3,"-cmd|calc"\n')

    assert dict(dataset.column_types) == {"int64": 1, "string": 1}


# Parquet and Arrow


async def test_a_parquet_file_that_is_cut_short_is_refused(attempt):
    whole = _parquet(pa.table({"a": list(range(1000))}))

    for cut in (whole[:-8], whole[: len(whole) // 2], whole[: len(whole) // 2] + whole[-8:]):
        error = await attempt(cut, "parquet")
        assert error.reason in {"DATASET_FORMAT_MISMATCH", "DATASET_MALFORMED"}


async def test_a_parquet_file_whose_footer_is_noise_is_refused(attempt):
    noise = np.random.default_rng(0).bytes(64)

    error = await attempt(b"PAR1" + noise + (64).to_bytes(4, "little") + b"PAR1", "parquet")

    assert error.reason == "DATASET_MALFORMED"


async def test_a_parquet_file_that_unpacks_to_a_hundred_gigabytes_is_refused(attempt):
    """One megabyte of text that a hundred thousand rows point to."""
    text = pa.array(["x" * 2**20])
    rows = np.zeros(100_000, dtype=np.int32)
    bomb = _parquet(pa.table({"a": pa.DictionaryArray.from_arrays(rows, text)}))
    assert len(bomb) < 100_000

    error = await attempt(bomb, "parquet")

    assert isinstance(error, ResourceExhausted)
    assert error.reason == "DATASET_TOO_LARGE"


async def test_a_parquet_file_of_more_rows_than_are_taken_is_refused_by_its_footer(attempt):
    column = pa.nulls(50_000_001)

    error = await attempt(_parquet(pa.table({"a": column})), "parquet")

    assert error.reason == "DATASET_TOO_LARGE"
    assert "50000001 rows" in error.message


async def test_metadata_of_parquet_is_not_believed(upload, attempt):
    table = pa.table({"a": [1, 2]}).replace_schema_metadata(
        {b"pandas": pickle.dumps(print), b"ARROW:extension:name": b"arrow.py_extension_type"}
    )

    assert (await upload(_parquet(table), format="parquet")).row_count == 2


async def test_an_arrow_file_that_unpacks_to_gigabytes_is_refused(attempt):
    rows = 200_000_000
    batch = pa.record_batch([pa.array(np.zeros(rows, dtype=np.int8))], ["a"])
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)

    error = await attempt(sink.getvalue().to_pybytes(), "arrow")

    assert error.reason == "DATASET_TOO_LARGE"


async def test_a_gzip_bomb_is_refused(attempt):
    error = await attempt(gzip.compress(b"a\n" + bytes(65 * 2**20)), "csv.gz")

    assert error.reason == "DATASET_TOO_LARGE"


# HDF5


@pytest.fixture
def h5ad(tmp_path):
    """An h5ad file, and what opens it for changes."""
    return write_h5ad(tmp_path / "hostile.h5ad", small_matrix())


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(SECRET * 10)
    return path


async def _is_unsafe(attempt, path, *words):
    error = await attempt(path.read_bytes(), "h5ad")
    assert isinstance(error, InvalidArgument)
    assert error.reason == "DATASET_UNSAFE"
    for word in words:
        assert word in error.message


async def test_external_storage_is_refused_and_its_file_is_not_read(attempt, h5ad, secret):
    with h5py.File(h5ad, "a") as file:
        del file["X"]
        file.create_dataset("X", shape=(6, 5), dtype="u1", external=[(str(secret), 0, 30)])

    await _is_unsafe(attempt, h5ad, "'/X' keeps its values in another file")


async def test_an_external_link_is_refused(attempt, h5ad, tmp_path):
    write_h5ad(tmp_path / "other.h5ad", small_matrix())
    with h5py.File(h5ad, "a") as file:
        del file["X"]
        file["X"] = h5py.ExternalLink(str(tmp_path / "other.h5ad"), "/X")

    await _is_unsafe(attempt, h5ad, "'/X' is a link into another file")


async def test_an_external_link_deep_in_parts_that_are_not_taken_is_refused(attempt, h5ad):
    with h5py.File(h5ad, "a") as file:
        file["uns/deep/down"] = h5py.ExternalLink("/etc/passwd", "/")

    await _is_unsafe(attempt, h5ad, "'/uns/deep/down'")


async def test_a_soft_link_out_of_the_tree_is_refused(attempt, h5ad):
    with h5py.File(h5ad, "a") as file:
        file["uns/link"] = h5py.SoftLink("/nowhere")

    await _is_unsafe(attempt, h5ad, "'/uns/link'", "not in the file")


async def test_a_virtual_dataset_is_refused(attempt, h5ad, tmp_path):
    write_h5ad(tmp_path / "other.h5ad", np.ones((6, 5)))
    layout = h5py.VirtualLayout(shape=(6, 5), dtype="f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5ad"), "X", shape=(6, 5))
    with h5py.File(h5ad, "a") as file:
        del file["X"]
        file.create_virtual_dataset("X", layout)

    await _is_unsafe(attempt, h5ad, "'/X' is a virtual dataset")


async def test_two_kilobytes_that_declare_terabytes_are_refused(attempt, tmp_path):
    path = tmp_path / "bomb.h5ad"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", shape=(2**20, 2**20), chunks=(64, 64), dtype="f8")
    assert path.stat().st_size < 3_000

    error = await attempt(path.read_bytes(), "h5ad")

    assert isinstance(error, ResourceExhausted)
    assert error.reason == "DATASET_TOO_LARGE"
    assert "'/X' declares 8796093022208 bytes but stores 0" in error.message


async def test_a_single_huge_chunk_is_refused(attempt, h5ad):
    with h5py.File(h5ad, "a") as file:
        file.create_dataset("uns/a", shape=(1,), maxshape=(None,), chunks=(2**28,), dtype="f4")

    assert (await attempt(h5ad.read_bytes(), "h5ad")).reason == "DATASET_TOO_LARGE"


async def test_an_unknown_filter_is_refused(attempt, h5ad):
    with h5py.File(h5ad, "a") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((5,))
        created.set_filter(32_015, h5py.h5z.FLAG_OPTIONAL)  # zstd, which comes as a plugin.
        space = h5py.h5s.create_simple((5,))
        h5py.h5d.create(file.id, b"packed", h5py.h5t.NATIVE_INT32, space, created)

    await _is_unsafe(attempt, h5ad, "filter 32015", "gzip, shuffle, fletcher32, lzf")


async def test_objects_are_refused(attempt, h5ad):
    with h5py.File(h5ad, "a") as file:
        file["uns/pickled"] = np.void(pickle.dumps(print))

    await _is_unsafe(attempt, h5ad, "'/uns/pickled' holds objects")


async def test_a_group_that_contains_itself_does_no_harm(upload, h5ad):
    with h5py.File(h5ad, "a") as file:
        file["uns/loop"] = file["/"]

    assert (await upload(h5ad.read_bytes(), format="h5ad")).row_count == 6


async def test_an_h5ad_file_that_is_cut_short_is_refused(attempt, h5ad):
    whole = h5ad.read_bytes()

    for part in (whole[:600], whole[: len(whole) // 2], whole[:-100]):
        assert (await attempt(part, "h5ad")).reason == "DATASET_MALFORMED"


# Archives and pickles


def _zip_that_climbs():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../escaped.csv", "a\n1\n")
    return buffer.getvalue()


def _tar_with(kind, target):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("table.csv")
        member.type, member.linkname = kind, target
        archive.addfile(member)
    return buffer.getvalue()


@pytest.mark.parametrize("source_format", ["csv", pytest.param("h5ad", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_zip_that_climbs(), id="a zip that climbs out"),
        pytest.param(_tar_with(tarfile.SYMTYPE, "/etc/passwd"), id="a symbolic link"),
        pytest.param(_tar_with(tarfile.LNKTYPE, "/etc/passwd"), id="a hard link"),
        pytest.param(_tar_with(tarfile.CHRTYPE, ""), id="a device"),
        pytest.param(pickle.dumps({"a": print}), id="a pickle"),
        pytest.param(pickle.dumps({"a": 1}, protocol=2), id="an old pickle"),
    ],
)
async def test_archives_and_pickles_are_no_datasets(attempt, content, source_format):
    error = await attempt(content, source_format)

    assert error.reason == "DATASET_FORMAT_MISMATCH"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.CHRTYPE])
async def test_a_packed_archive_is_no_packed_text(attempt, kind):
    error = await attempt(gzip.compress(_tar_with(kind, "/etc/passwd")), "tsv.gz")

    assert error.reason == "DATASET_FORMAT_MISMATCH"
    assert "zero byte" in error.message
