import re
from pathlib import Path

from omniscope_local.tokens import TOKEN_FILES, ensure_tokens


def test_every_token_is_made_once_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"

    user_file = ensure_tokens(home)
    first = {name: (home / name).read_text() for name in TOKEN_FILES}
    ensure_tokens(home)

    assert user_file == home / "token"
    assert {name: (home / name).read_text() for name in TOKEN_FILES} == first
    assert all(re.fullmatch("[0-9a-f]{64}", token) for token in first.values())
    assert len(set(first.values())) == len(TOKEN_FILES)
    assert {(home / name).stat().st_mode & 0o777 for name in TOKEN_FILES} == {0o600}
    assert home.stat().st_mode & 0o777 == 0o700


def test_nothing_but_the_tokens_is_left_in_the_home(tmp_path: Path) -> None:
    ensure_tokens(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TOKEN_FILES)
