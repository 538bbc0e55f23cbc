"""Prometheus, Grafana and Caddy: the metrics, services and paths that they name exist."""

import json
import re

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import CollectorRegistry

from foundation.ops import telemetry
from tests.deploy.compose import ROOT, compose
from tests.deploy.test_compose import METRICS
from tests.workers.runtime.test_metrics import away_figures
from workers.runtime.metrics import ListenerCollector

DEPLOY = ROOT / "deploy"
BOARD = json.loads((DEPLOY / "grafana/dashboards/greenroom.json").read_text("utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text("utf-8"))
EXPRESSIONS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
EXPRESSIONS += [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]


def known_figures() -> dict[str, set[str]]:
    """Return every metric that our processes count, with its labels."""
    counted = [one for one in vars(telemetry).values() if isinstance(one, MetricWrapperBase)]
    return {name: labels for one in counted for name, labels in samples_of(one).items()}


def samples_of(figure: MetricWrapperBase) -> dict[str, set[str]]:
    endings = {
        "counter": ["_total"],
        "histogram": ["_bucket", "_sum", "_count"],
        "info": ["_info"],
    }[figure._type]
    more = {"_bucket": {"le"}, "_info": {"process", "version"}}
    return {
        f"{figure._name}{ending}": {*figure._labelnames, *more.get(ending, ())}
        for ending in endings
    }


def asked_figures() -> dict[str, set[str]]:
    registry = CollectorRegistry()
    registry.register(ListenerCollector())
    registry.register(away_figures())
    return {family.name: {"queue", "state", "platform"} for family in registry.collect()}


def test_every_process_is_scraped_at_its_metrics_port() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    [job] = config["scrape_configs"]
    wanted = {name: one for name, one in compose().ours.items() if one["restart"] != "no"}
    # Every replica of a service has an address of its own.
    [discovery] = job["dns_sd_configs"]
    assert (set(discovery["names"]), discovery["type"], discovery["port"]) == (
        set(wanted),
        "A",
        METRICS,
    )
    assert job["relabel_configs"] == [
        {"source_labels": ["__meta_dns_name"], "target_label": "process"}
    ]
    for name, service in wanted.items():
        assert service["environment"]["GREENROOM_WORKERS__METRICS_PORT"] == str(METRICS), name
        assert "watch" in service["networks"], name
    assert config["rule_files"] == ["/etc/prometheus/rules.yml"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_charted_metric_exists(expression: str) -> None:
    known = known_figures() | asked_figures() | {"up": {"job", "process"}}
    names = set(re.findall(r"\b(greenroom_[a-z_]+|up)\b", expression.replace('"greenroom', "")))
    assert names, expression
    assert names <= set(known), names - set(known)
    labels = set(re.findall(r"[{,]\s*([a-z]+)\s*(?:=~|!=|=)", expression))
    labels |= {
        label.strip()
        for group in re.findall(r"by \(([^)]*)\)", expression)
        for label in group.split(",")
    }
    assert labels <= set().union(*(known[name] for name in names)), expression


def test_dashboard_shows_the_required_metrics() -> None:
    drawn = " ".join(EXPRESSIONS)
    for figure in (
        "greenroom_deliveries_total",
        "greenroom_delivery_lateness_seconds",
        "greenroom_outbox_oldest_due_seconds",
        'state="dead"',
        "greenroom_chat_first_answer_seconds",
        "up{",
    ):
        assert figure in drawn
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    source = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    )
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {
        source["datasources"][0]["uid"]
    }
    folder = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/dashboards/greenroom.yml").read_text("utf-8")
    )
    mounted = compose().services["grafana"]["volumes"]
    assert any(one.split(":")[1] == folder["providers"][0]["options"]["path"] for one in mounted)


def test_proxy_routes_to_web_processes_and_hides_probes() -> None:
    text = (DEPLOY / "caddy/Caddyfile").read_text("utf-8")
    services = compose().services
    ports = {"dashboard": "GREENROOM_DASHBOARD__PORT", "web": "GREENROOM_WEB__PORT"}
    ports |= {"listen": "GREENROOM_WORKERS__HOOKS_PORT"}
    led = dict(re.findall(r"reverse_proxy (\w+):(\d+)", text))
    assert led == {
        name: services[name]["environment"][variable] for name, variable in ports.items()
    }
    assert re.search(r"handle /hooks/\* \{\s*reverse_proxy listen", text)
    assert set(re.findall(r"\{\$(\w+)\}", text)) <= set(services["caddy"]["environment"])
    for path in ("/healthz", "/readyz", "/metrics", "/house"):
        assert path in text
    assert text.count("{") == text.count("}")


def test_metrics_of_this_process_are_registered() -> None:
    assert REGISTRY.get_sample_value("greenroom_given_back_total") is not None
