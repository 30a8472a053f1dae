import dataclasses
import hashlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from omniscope_ml.errors import DataError
from omniscope_ml.kinds import load_package
from omniscope_ml.mlmodel import write_mlmodel
from omniscope_ml.model_card import write_model_card
from omniscope_ml.packaging import (
    MANIFEST_FILE,
    ArtifactManifest,
    Manifest,
    verify_package,
    write_manifest,
)
from omniscope_ml.schema import Feature

MANIFEST = Manifest(
    kind="automl.tabular",
    architecture="LightGBM",
    problem_type="binary",
    target_column='odd "name": {x}',
    label_type="string",
    classes=("no", "yes"),
    positive_class="yes",
    features=(Feature("gene: é", "float32"), Feature("flag", "bool"), Feature("sex", "string")),
    key_column="",
    engines={"autogluon.tabular": "1.6.3"},
    python="3.11.7",
    dataset={"dataset_id": "d", "digest": "0"},
    split={
        "strategy": "random",
        "test_fraction": 0.2,
        "seed": 0,
        "train_rows": 8,
        "test_rows": 2,
    },
    job_id="j",
    attempt=1,
    seed=0,
    stopped_early=False,
    created_at="2026-01-01T00:00:00+00:00",
)
RESULTS = {"metrics": [{"split": "test", "rows": 2, "values": {"accuracy": 0.5}}]}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "payload").mkdir()
    (tmp_path / "payload" / "model.pkl").write_bytes(b"model")
    write_mlmodel(tmp_path, MANIFEST)
    write_model_card(tmp_path, MANIFEST, RESULTS)
    write_manifest(tmp_path, MANIFEST)
    return tmp_path


def test_an_artifact_is_written_with_the_hash_and_size_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "summary.svg").write_bytes(b"<svg/>")
    (tmp_path / "values.json").write_bytes(b"[]")

    write_manifest(tmp_path, ArtifactManifest(kind="explanation", job_id="j", attempt=2))

    manifest = json.loads((tmp_path / MANIFEST_FILE).read_text())
    files = manifest.pop("files")
    assert manifest == {"kind": "explanation", "job_id": "j", "attempt": 2, "format_version": 1}
    assert files == {
        path: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        for path, data in (("plots/summary.svg", b"<svg/>"), ("values.json", b"[]"))
    }
    assert not (tmp_path / f"{MANIFEST_FILE}.part").exists()


def test_manifest_comes_back_as_it_was_written(package: Path) -> None:
    assert verify_package(package) == MANIFEST


def test_manifest_lists_every_other_file_with_hash_and_size(package: Path) -> None:
    files = json.loads((package / MANIFEST_FILE).read_text())["files"]

    assert {"MLmodel", "README.md", "payload/model.pkl", "requirements.txt"} <= files.keys()
    assert "code/omniscope_ml/pyfunc.py" in files
    assert MANIFEST_FILE not in files
    assert files["payload/model.pkl"]["size_bytes"] == 5
    assert len(files["payload/model.pkl"]["sha256"]) == 64


def test_changed_file_is_named(package: Path) -> None:
    (package / "payload" / "model.pkl").write_bytes(b"other")

    with pytest.raises(DataError, match=r"payload/model\.pkl is missing or not") as caught:
        load_package(package)

    assert caught.value.reason == "PACKAGE_CORRUPT"


def test_removed_file_is_named(package: Path) -> None:
    (package / "README.md").unlink()

    with pytest.raises(DataError, match=r"README\.md is missing"):
        verify_package(package)


def test_file_added_to_the_payload_is_named(package: Path) -> None:
    (package / "payload" / "evil.pkl").write_bytes(b"")

    with pytest.raises(DataError, match=r"payload/evil\.pkl is not in the manifest"):
        verify_package(package)


@pytest.mark.parametrize("name", ["notes.txt", "code/omniscope_ml/extra.py", "plots/x.svg"])
def test_file_added_anywhere_is_named(package: Path, name: str) -> None:
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_bytes(b"")

    with pytest.raises(DataError, match=f"{name} is not in the manifest"):
        verify_package(package)


@pytest.mark.parametrize("name", ["payload", "more"])
def test_link_to_a_folder_elsewhere_is_named(
    package: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(package / "payload", elsewhere, dirs_exist_ok=True)
    (elsewhere / "evil.pkl").write_bytes(b"")
    shutil.rmtree(package / name, ignore_errors=True)
    (package / name).symlink_to(elsewhere)

    with pytest.raises(DataError, match=f"{name} is not in the manifest"):
        verify_package(package)


def test_bytecode_of_the_code_that_mlflow_imports_is_no_damage(package: Path) -> None:
    cache = package / "code" / "omniscope_ml" / "__pycache__"
    cache.mkdir()
    (cache / "pyfunc.cpython-311.pyc").write_bytes(b"")

    assert verify_package(package) == MANIFEST


def public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.fixture
def signed(package: Path) -> bytes:
    """Sign the package as the registry does; return the public key."""
    key = Ed25519PrivateKey.generate()
    (package / "manifest.sig").write_bytes(key.sign((package / MANIFEST_FILE).read_bytes()))
    (package / "registry.pub").write_bytes(public_pem(key))
    return public_pem(key)


def test_package_that_the_registry_signed_is_genuine(package: Path, signed: bytes) -> None:
    assert verify_package(package, signed) == MANIFEST


def test_any_changed_byte_of_a_signed_package_is_refused(package: Path, signed: bytes) -> None:
    files = [path for path in package.rglob("*") if path.is_file() and path.stat().st_size]
    for path in files:
        if path.name == "registry.pub":
            continue  # it tells nobody anything: the key comes from elsewhere
        original = path.read_bytes()
        for place in {0, len(original) // 2, len(original) - 1}:
            changed = bytearray(original)
            changed[place] ^= 1
            path.write_bytes(changed)

            with pytest.raises(DataError) as caught:
                verify_package(package, signed)

            assert caught.value.reason in {"PACKAGE_CORRUPT", "PACKAGE_SIGNATURE_INVALID"}
        path.write_bytes(original)
    assert verify_package(package, signed) == MANIFEST


def test_resealed_package_of_somebody_else_is_not_genuine(package: Path, signed: bytes) -> None:
    (package / "payload" / "model.pkl").write_bytes(b"evil")
    (package / "manifest.sig").unlink()
    (package / "registry.pub").unlink()
    write_manifest(package, MANIFEST)
    other = Ed25519PrivateKey.generate()
    (package / "manifest.sig").write_bytes(other.sign((package / MANIFEST_FILE).read_bytes()))
    (package / "registry.pub").write_bytes(public_pem(other))

    with pytest.raises(DataError, match="did not sign") as caught:
        load_package(package, signed)

    assert caught.value.reason == "PACKAGE_SIGNATURE_INVALID"


def test_package_without_a_signature_is_not_genuine(package: Path, signed: bytes) -> None:
    (package / "manifest.sig").unlink()

    with pytest.raises(DataError, match=r"there is no manifest\.sig"):
        verify_package(package, signed)


@pytest.mark.parametrize(
    "key", [b"", b"no key", public_pem(generate_private_key(SECP256R1()))], ids=["", "text", "ec"]
)
def test_key_that_is_no_registrys_is_refused(package: Path, signed: bytes, key: bytes) -> None:
    with pytest.raises(DataError) as caught:
        verify_package(package, key)

    assert caught.value.reason == "PACKAGE_SIGNATURE_INVALID"


def test_payload_outside_the_package_is_refused(package: Path) -> None:
    write_manifest(package, dataclasses.replace(MANIFEST, payload="../elsewhere"))

    with pytest.raises(DataError, match=r"'\.\./elsewhere' is not a folder of the package"):
        verify_package(package)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {}, "features": [], "classes": []}'])
def test_broken_manifest_is_refused(package: Path, text: str) -> None:
    (package / MANIFEST_FILE).write_text(text)

    with pytest.raises(DataError, match="is not a manifest"):
        verify_package(package)


def test_folder_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no manifest\.json"):
        load_package(tmp_path)


def test_kind_of_a_later_version_is_refused(package: Path) -> None:
    (package / MANIFEST_FILE).unlink()
    write_manifest(package, dataclasses.replace(MANIFEST, kind="quantum.tabular"))

    with pytest.raises(DataError, match=r"'quantum\.tabular'.*automl\.tabular") as caught:
        load_package(package)

    assert caught.value.reason == "MODEL_KIND_UNKNOWN"


def test_mlmodel_is_what_mlflow_reads(package: Path) -> None:
    yaml = pytest.importorskip("yaml")

    described = yaml.safe_load((package / "MLmodel").read_text(encoding="utf-8"))

    assert described["flavors"]["python_function"]["loader_module"] == "omniscope_ml.pyfunc"
    inputs = json.loads(described["signature"]["inputs"])
    assert [(i["name"], i["type"]) for i in inputs] == [
        ("gene: é", "double"),
        ("flag", "any"),
        ("sex", "string"),
    ]
    outputs = json.loads(described["signature"]["outputs"])
    assert [o["name"] for o in outputs] == ["prediction", "probability_no", "probability_yes"]


def test_model_card_tells_data_metrics_and_limits(package: Path) -> None:
    card = (package / "README.md").read_text(encoding="utf-8")

    assert "| test accuracy | 0.5000 | 2 |" in card
    assert "Positive class: `yes`" in card
    assert "No limit was hit" in card
    assert "## Training" not in card  # networks have it


def test_data_error_keeps_its_reason_across_processes() -> None:
    error = pickle.loads(pickle.dumps(DataError("m", reason="R", field="f")))

    assert (error.message, error.reason, error.field) == ("m", "R", "f")
