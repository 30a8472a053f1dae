import json
from pathlib import Path

import pytest

from omniscope_client.connection import find_endpoint, find_home
from omniscope_client.errors import OmniscopeError

VARIABLES = ("OMNISCOPE_ADDRESS", "OMNISCOPE_TOKEN_FILE", "OMNISCOPE_HOME")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / ".omniscope"
    home.mkdir()
    (home / "token").write_text("secret\n")
    (home / "state.json").write_text(json.dumps({"gateway": {"address": "127.0.0.1:4711"}}))
    return home


def test_a_local_suite_is_found_from_a_folder_below(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    endpoint = find_endpoint()

    assert (endpoint.address, endpoint.token, endpoint.secure) == (
        "127.0.0.1:4711",
        "secret",
        False,
    )


def test_the_environment_wins_over_the_local_suite(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other-token").write_text("other")
    monkeypatch.setenv("OMNISCOPE_ADDRESS", "localhost:1234")
    monkeypatch.setenv("OMNISCOPE_TOKEN_FILE", str(tmp_path / "other-token"))

    endpoint = find_endpoint()

    assert (endpoint.address, endpoint.token) == ("localhost:1234", "other")


def test_a_named_home_wins_over_the_nearest_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISCOPE_HOME", str(tmp_path / "named"))

    assert find_home() == tmp_path / "named"


@pytest.mark.parametrize(
    ("given", "address", "secure"),
    [
        ("localhost:8080", "localhost:8080", False),
        ("127.0.0.1:8080", "127.0.0.1:8080", False),
        ("http://localhost:8080", "localhost:8080", False),
        ("http://ml.example.org:8080", "ml.example.org:8080", False),
        ("https://ml.example.org", "ml.example.org:443", True),
        ("ml.example.org:8443", "ml.example.org:8443", True),
        ("[::1]:8080", "[::1]:8080", False),
    ],
)
def test_plain_text_leaves_the_machine_only_when_asked_for(
    given: str, address: str, secure: bool
) -> None:
    endpoint = find_endpoint(given, "token")

    assert (endpoint.address, endpoint.secure) == (address, secure)


@pytest.mark.parametrize("given", ["ftp://localhost:1", "localhost:port", "localhost:99999", ":1"])
def test_an_address_that_is_none_is_named(given: str) -> None:
    with pytest.raises(OmniscopeError, match="OMNISCOPE_ADDRESS") as raised:
        find_endpoint(given, "token")

    assert given in raised.value.message
    assert raised.value.reason == "ADDRESS_INVALID"


def test_without_a_suite_the_error_says_how_to_get_one() -> None:
    with pytest.raises(OmniscopeError, match="omniscope up") as raised:
        find_endpoint()

    assert raised.value.reason == "SUITE_NOT_FOUND"


def test_a_suite_that_is_down_is_told_from_none(home: Path) -> None:
    (home / "state.json").unlink()

    with pytest.raises(OmniscopeError, match="is not running"):
        find_endpoint()


def test_an_address_without_a_token_asks_for_the_token() -> None:
    with pytest.raises(OmniscopeError, match="OMNISCOPE_TOKEN_FILE"):
        find_endpoint("localhost:1")


@pytest.mark.parametrize("content", ["", "two words", "line\nline", "ümlaut"])
def test_a_file_without_a_token_in_it_is_refused(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text(content)
    monkeypatch.setenv("OMNISCOPE_TOKEN_FILE", str(tmp_path / "file"))

    with pytest.raises(OmniscopeError, match="does not hold a token"):
        find_endpoint("localhost:1")


def test_a_token_is_not_shown_with_its_endpoint() -> None:
    assert "secret" not in repr(find_endpoint("localhost:1", "secret"))
