"""What the documents say is so."""

import re
from pathlib import Path

import pytest
import yaml
from quart import Quart

from inkwell.cli import main
from inkwell.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text()
SERVED = ("/api/", "/.well-known/", "/metrics", "/healthz", "/readyz")  # other paths are pages and their files
FOR_OPERATORS = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs" / "how-to").glob("*.md")])
NO_SETTINGS = {"TAG_OF"}  # another name in capitals
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```|^    .*?$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def headings(page: Path) -> set[str]:
    """As repository browsers name them in links."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for path, _, heading in (link.partition("#") for link in links if "://" not in link):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not heading or heading in headings(target), (path, heading)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_exists(page: Path) -> None:
    named = re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= TARGETS


@pytest.mark.parametrize("page", FOR_OPERATORS, ids=lambda page: page.name)
def test_every_setting_exists(page: Path) -> None:
    named = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", prose(page))
    assert set(named) <= {name.upper() for name in Settings.model_fields} | NO_SETTINGS


def test_the_readme_begins_with_the_two_commands() -> None:
    assert re.search(r"^    make run\b", README, re.MULTILINE)
    assert re.search(r"^    make test\b", README, re.MULTILINE)
    assert README.index("make run") < README.index("curl")


def test_the_page_of_the_api_names_every_call(app: Quart) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(SERVED)]
    served = {
        f"{method} {re.sub(r'<[^>]*>', 'ID', rule.rule)}"
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    text = (ROOT / "docs" / "api.md").read_text()
    assert set(re.findall(r"^\| `([A-Z]+ /\S+)` \|", text, re.MULTILINE)) == served


def test_every_folder_of_the_layout_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    layout = text.partition("## Where things are")[2].partition("\n## ")[0]
    folders = re.findall(r"^    (\S+/) ", layout, re.MULTILINE)
    assert len(folders) >= 9
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", (ROOT / "docs" / "README.md").read_text()))
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "how-to").glob("*.md")]
    assert linked == {page.relative_to(ROOT / "docs").as_posix() for page in pages} - {"README.md"}


def test_every_folder_of_tests_is_told_what_it_is_for() -> None:
    told = re.findall(r"^    tests/(\w+)/ ", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    assert sorted(told) == sorted(folders)


def test_the_page_of_the_architecture_knows_every_module_of_the_room_without_features() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    section = text.partition("## Inside of `inkwell`\n")[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+)`", section)
    modules = [*(ROOT / "src" / "inkwell").glob("*.py"), *(ROOT / "src" / "inkwell").glob("*/__init__.py")]
    found = {path.parent.name if path.name == "__init__.py" else path.stem for path in modules}
    assert sorted(named) == sorted(found - {"inkwell", "__main__"})


def test_every_decision_has_a_number_of_its_own_and_says_why() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert len({page.name[:4] for page in pages}) == len(pages)
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. "), page.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page.name


def test_the_hooks_before_a_commit_fetch_nothing_and_exist() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    for hook in repositories[0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_the_program_exists(page: Path) -> None:
    named = re.findall(r"(?:\.venv/bin/|`)inkwell ([a-z-]+)", page.read_text())
    assert set(named) <= main.commands.keys()
