"""`.env.example` and docs/settings.md say what the settings are; the code decides."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from inkwell.settings import ConfigurationError, Settings, load_settings

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
SETTINGS_PAGE = (ROOT / "docs" / "settings.md").read_text()

SCHEMAS: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
HEAD = "| variable | default | values | meaning |\n|---|---|---|---|\n"


def default(name: str) -> str:
    """As it is written in the environment; empty where there is none, or where it depends on the machine."""
    match SCHEMAS[name].get("default"):
        case None:
            return ""
        case bool(flag):
            return str(flag).lower()
        case list(parts):
            return ",".join(parts)
        case float(number):
            return f"{number:g}"
        case value:
            return str(value)


def values(name: str) -> str:
    """Which values are taken, where that is not any text."""
    schema = SCHEMAS[name]
    schema = next((part for part in schema.get("anyOf", []) if part["type"] != "null"), schema)
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if schema["type"] == "boolean":
        return "`true`, `false`"
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    return " ".join(f"{word} {schema[bound]:.0f}" for bound, word in words.items() if bound in schema)


def row(name: str) -> str:
    shown = f"`{default(name)}`" if default(name) else ""
    return f"| `{name.upper()}` | {shown} | {values(name)} | {SCHEMAS[name]['description']} |\n"


def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_example_names_every_setting_once_with_its_meaning_and_default() -> None:
    found = re.findall(r"^# (.+)\n#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    expected = [(SCHEMAS[name]["description"], name.upper(), default(name)) for name in Settings.model_fields]
    assert sorted(found) == sorted(expected)
    assert len(re.findall(r"^#?\w+=", EXAMPLE, re.MULTILINE)) == len(expected), (
        "a line that is no setting, or no comment"
    )


def test_the_example_as_it_stands_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)
    plain = load_settings()
    for text in (EXAMPLE, re.sub(r"^#([A-Z_]+=)", r"\1", EXAMPLE, flags=re.MULTILINE)):
        (tmp_path / ".env").write_text(text)
        assert load_settings() == plain


def test_the_example_holds_no_secret() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if SecretStr.__name__ in str(field.annotation)]
    assert {"database_url", "jwt_secret_key", "admin_password"} <= set(secrets)
    for name in secrets:
        assert f"\n#{name.upper()}=\n" in EXAMPLE


def test_a_name_that_is_no_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Therefore compose, which needs POSTGRES_PASSWORD, has a file of its own."""
    without_settings(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=something\n")
    with pytest.raises(ConfigurationError, match=r"POSTGRES_PASSWORD: is no setting of Inkwell; see \.env\.example"):
        load_settings()


def test_the_settings_page_is_what_the_code_says() -> None:
    table = HEAD + "".join(map(row, Settings.model_fields))
    assert table in SETTINGS_PAGE, f"put this table into docs/settings.md:\n\n{table}"
