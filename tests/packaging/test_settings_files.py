"""`.env.example` says what the settings are, and pages of docs/ what else the code decides."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from inkwell.settings import ConfigurationError, Settings, load_settings

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()


def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_example_and_the_pages_of_reference_are_what_the_code_says() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "reference-pages"), "--check"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_the_example_as_it_stands_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)
    plain = load_settings()
    for text in (EXAMPLE, re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE)):
        (tmp_path / ".env").write_text(text)
        assert load_settings() == plain


def test_the_example_holds_no_secret() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if SecretStr.__name__ in str(field.annotation)]
    assert {"database_url", "jwt_secret_key", "jwt_private_key", "admin_password"} <= set(secrets)
    for name in secrets:
        assert f"\n#{name.upper()}=\n" in EXAMPLE


def test_a_name_that_is_no_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Therefore compose, which needs POSTGRES_PASSWORD, has a file of its own."""
    without_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=something\n")
    with pytest.raises(ConfigurationError, match=r"POSTGRES_PASSWORD: is no setting of Inkwell; see \.env\.example"):
        load_settings()
