"""The key that development makes for itself."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from inkwell.settings import ConfigurationError, load_settings

pytestmark = pytest.mark.usefixtures("environment")


def test_the_key_made_for_development_is_kept(tmp_path: Path) -> None:
    first = load_settings(data_dir=tmp_path / "new" / "data").secret_keys
    second = load_settings(data_dir=tmp_path / "new" / "data").secret_keys
    assert first == second
    assert len(first) == 1
    assert len(first[0]) >= 32


def test_every_data_folder_has_a_key_of_its_own(tmp_path: Path) -> None:
    keys = {load_settings(data_dir=tmp_path / name).secret_keys for name in "ab"}
    assert len(keys) == 2


def test_only_the_owner_reads_the_kept_key(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path / "data").secret_keys
    files = list((tmp_path / "data").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_all_who_make_the_key_at_once_keep_the_same(tmp_path: Path) -> None:
    together = Barrier(16)

    def load(_: int) -> tuple[bytes, ...]:
        settings = load_settings(data_dir=tmp_path / "data")
        together.wait()
        return settings.secret_keys

    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(load, range(16)))
    assert len(keys) == 1
    assert len(list((tmp_path / "data").iterdir())) == 1


def test_a_key_of_ones_own_leaves_no_file(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path / "data", jwt_secret_key="f3a91c07d2e84b6592ab6c0d1e7f3458").secret_keys
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = load_settings(data_dir=tmp_path / "file")
    with pytest.raises(ConfigurationError, match=r"^DATA_DIR: .*file cannot be used"):
        assert settings.secret_keys


def test_a_kept_key_that_was_emptied_is_not_used(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert load_settings(data_dir=data_dir).secret_keys
    (data_dir / "jwt-secret-key").write_text("")
    with pytest.raises(ConfigurationError, match=r"^DATA_DIR: "):
        assert load_settings(data_dir=data_dir).secret_keys
