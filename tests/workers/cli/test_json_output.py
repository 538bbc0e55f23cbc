"""Keys of --json output and run/state.json: programs read them, so renamed fields keep them."""

import json
from dataclasses import fields

from connectors.registry.loader import load_builtin_connectors
from demo.tour.judge import TourCheckResult
from workers.cli.platforms import capability_table
from workers.installation.state_file import InstallationStatus, ProcessStatus


def test_installation_status_keys_are_stable() -> None:
    process = ProcessStatus(name="web", state="ready", ready=True)
    state = InstallationStatus(phase="up", processes=[process]).model_dump(mode="json")
    assert set(state) == {"phase", "pid", "addresses", "ports", "processes"}
    assert set(state["processes"][0]) == {
        *("name", "state", "ready", "pid", "born", "restarts", "since", "last_exit", "metrics")
    }  # fmt: skip


def test_connector_table_keys_are_stable() -> None:
    rows = json.loads(
        capability_table.render_json(capability_table.capability_rows(load_builtin_connectors()))
    )
    assert {tuple(row) for row in rows} == {
        (
            *(
                "platform",
                "connecting",
                "cost",
                "review",
                "places",
                "text",
                "media",
                "types",
                "weight",
                "threads",
            ),
            *(
                "deletes",
                "edits",
                "chat",
                "comments",
                "sells",
                "lost_answer",
                "tells",
                "brought_by",
            ),
        )
    }


def test_tour_result_keys_are_stable() -> None:
    assert [one.name for one in fields(TourCheckResult)] == [
        *("step", "language", "width", "seconds", "witness", "told")
    ]  # fmt: skip
