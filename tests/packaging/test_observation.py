"""The page of metrics, the dashboard and the alert rules name figures that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric
from quart import Quart

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "inkwell.json").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
PROMETHEUS_OWN = {"up"}
OTHERS_LABELS = {"le", "pid", "job", "instance"}  # of histograms, of several workers, and added by Prometheus
WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset", "group_left", "group_right"}


@pytest.fixture
def families(app: Quart) -> list[Metric]:
    registry: CollectorRegistry = app.extensions["metrics"].registry
    return list(registry.collect())


@pytest.fixture
def labels(app: Quart) -> dict[str, set[str]]:
    """The labels of each family that has any."""
    collectors = app.extensions["metrics"].registry._collector_to_names
    return {collector._name: set(collector._labelnames) for collector in collectors}


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    for group in ALERTS["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def names(expression: str) -> set[str]:
    """The metrics in an expression: what is no function, no word of the language, no label and no string."""
    plain = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)', " ", expression)
    return set(re.findall(r"\b[a-z_:][\w:]*\b(?!\s*\()", plain)) - WORDS


def labels_in(expression: str) -> set[str]:
    selected = [re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", braces) for braces in re.findall(r"\{([^}]*)\}", expression)]
    grouped = [re.findall(r"\w+", names) for names in re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", expression)]
    return {label for found in (*selected, *grouped) for label in found}


def test_metrics_are_found_in_expressions() -> None:
    found = names('sum by (route) (rate(a_total{status=~"5.."}[5m])) / sum(b) > 0.1 and on (x) c_bucket offset 5m')
    assert found == {"a_total", "b", "c_bucket"}
    assert labels_in('sum by (route, le) (rate(a{status=~"5..", job="x"}[5m]))') == {"route", "le", "status", "job"}


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_asks_for_figures_and_labels_that_there_are(
    expression: str, families: list[Metric], labels: dict[str, set[str]]
) -> None:
    known = {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}
    assert names(expression)
    assert names(expression) <= known | PROMETHEUS_OWN
    assert labels_in(expression) <= set().union(*labels.values()) | OTHERS_LABELS


def test_the_page_tells_of_every_figure_as_the_code_does(families: list[Metric], labels: dict[str, set[str]]) -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    code = {(f.name + SUFFIXES[f.type][0].removesuffix("_bucket"), f.type, f.documentation) for f in families}
    assert {(name, kind, meaning) for name, kind, _, meaning in told} == code
    for name, _, cell, _ in told:
        assert set(re.findall(r"`(\w+)`", cell)) - {"pid"} == labels[name.removesuffix("_total")], name


def test_every_alert_says_what_to_look_at_and_the_panels_what_they_show() -> None:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "description"} <= rule["annotations"].keys()
    assert all(panel["title"] for panel in DASHBOARD["panels"])


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place: dict[str, Any] = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
