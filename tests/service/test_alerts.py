"""The alert rules and the Grafana dashboard: valid, tried out, explained, and of metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.board import Board
from service.http.metrics import Metrics
from tests.corpus import settings
from tests.service.promtool import DEPLOY, promtool

RULES = DEPLOY / "prometheus" / "alerts.yml"
RULE_TESTS = DEPLOY / "prometheus" / "alerts_test.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
MANUAL = Path(__file__).parents[2] / "docs" / "operations.md"

ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)
ASIDE = r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|on|ignoring)\s*\([^)]*\)'
KEYWORDS = {"and", "or", "unless"}
OF_PROMETHEUS = {"up"}


def expressions_of_the_rules() -> Iterator[str]:
    text = RULES.read_text(encoding="utf-8")
    for block in re.findall(r"^ +expr: (.*?)(?=^ +(?:for|labels):)", text, re.MULTILINE | re.DOTALL):
        yield block.removeprefix("|").strip()


def expressions_of_the_dashboard() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def names(expression: str) -> set[str]:
    """Return the metrics that an expression names: what is no function, no keyword and no label."""
    bare = re.sub(ASIDE, " ", expression)
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - KEYWORDS - {"by", "on", "ignoring"}


def labels(expression: str) -> Iterator[tuple[str, str]]:
    """Yield each metric with each label that is asked of it."""
    for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression):
        yield from ((name, label) for label in re.findall(r"(\w+)\s*[=!]", inside))


def exported() -> set[str]:
    """Return the names of all series, those without a value at the moment among them."""
    found = set()
    text = Metrics(Board(settings())).text().decode()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {f"{name}{suffix}" for suffix in suffixes}
    return found


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_what_watches_has_no_more_rights_than_it_needs_and_finds_its_files(name: str) -> None:
    service = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text(encoding="utf-8"))["services"][
        name
    ]
    assert service["profiles"] == ["observability"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    mounted = [volume.split(":") for volume in service["volumes"] if volume.startswith("./")]
    assert mounted
    for source, _, mode in mounted:
        assert mode == "ro"
        assert (DEPLOY.parent / source).exists()


@pytest.mark.parametrize("source", [expressions_of_the_rules, expressions_of_the_dashboard])
def test_every_expression_names_only_metrics_that_are_exported(source: Any) -> None:
    expressions = list(source())
    assert len(expressions) >= len(ALERTS) > 10
    known = exported() | OF_PROMETHEUS
    for expression in expressions:
        assert names(expression), expression
        assert names(expression) <= known, expression


def test_a_name_that_is_not_exported_would_be_found() -> None:
    wrong = 'sum by (job) (rate(perceptron_sample_total{result="x"}[5m])) / up > ignoring (a) 1.5 * b_total'
    assert names(wrong) == {"perceptron_sample_total", "up", "b_total"}


def test_every_label_that_is_asked_for_is_one_of_its_metric() -> None:
    given = {
        "perceptron_samples_total": {"result"},
        "perceptron_rejections_total": {"reason"},
        "perceptron_metric": {"name", "window"},
        "perceptron_role": {"role"},
    }
    for expression in [*expressions_of_the_rules(), *expressions_of_the_dashboard()]:
        for name, label in labels(expression):
            assert label in {"job", "instance", "model"} | given.get(name, set()), expression


def test_the_rules_are_valid() -> None:
    promtool("check", "rules", str(RULES))
    promtool("check", "config", "--syntax-only", str(DEPLOY / "prometheus" / "prometheus.yml"))


def test_each_alert_comes_when_it_should_and_not_when_it_should_not() -> None:
    tried = RULE_TESTS.read_text(encoding="utf-8")
    outcomes = re.findall(r"alertname: (\w+)\n +exp_alerts:( \[\])?", tried)
    assert sorted(outcomes) == sorted((name, quiet) for name in ALERTS for quiet in ("", " []"))
    promtool("test", "rules", str(RULE_TESTS))


def test_the_manual_says_of_each_alert_what_to_do() -> None:
    manual = MANUAL.read_text(encoding="utf-8").split("## Alerts\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in manual.splitlines() if "| Perc" in row]
    text = RULES.read_text(encoding="utf-8")
    severities = re.findall(r"severity: (\w+)", text)
    assert [row[:2] for row in rows] == [list(pair) for pair in zip(ALERTS, severities, strict=True)]
    assert all(len(row) == 4 and all(row) for row in rows)
    assert text.count("runbook_url: docs/operations.md#alerts") == text.count("summary: ") == len(ALERTS)


def test_every_panel_says_what_it_shows_and_none_lies_on_another() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)
