"""Scheduled reports over the API: the same schedules and files as on the page, once for each key of
a request, and limited to the creators of the key."""

from datetime import date
from typing import Any
from uuid import UUID

from insights.reports import runs
from insights.reports.events import ReportDue
from tests.web.api_client import ApiClient, error_code

BODY = {"name": "Week", "kind": "weekly", "zone": "Europe/Paris", "audience": "client"}


def schedule(api: ApiClient, *, key: str = "", **more: object) -> dict[str, Any]:
    made = api.ask("POST", "/report-schedules", {**BODY, **more}, key=key)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def tag(api: ApiClient, path: str) -> str:
    return str(api.ask("GET", path).headers["etag"])


def test_schedule_is_created_changed_paused_and_ended(api: ApiClient) -> None:
    once = {"idempotency_key": "one", "if_match": ""}
    for _ in range(2):
        assert api.ask("POST", "/report-schedules", BODY, **once).status_code == 201
    (made,) = api.get("/report-schedules")["items"]
    path = f"/report-schedules/{made['id']}"
    assert made["next_at"] is not None
    assert api.ask("PUT", path, BODY).status_code == 428
    assert api.ask("PUT", path, BODY, if_match='"other"').status_code == 412
    wanted = {**BODY, "recipients": [{"address": "client@example.com"}], "hour": 9}
    changed = api.ask("PUT", path, wanted, if_match=tag(api, path))
    assert changed.status_code == 200, changed.text
    assert changed.json()["recipients"][0]["address"] == "client@example.com"
    paused = api.ask("POST", f"{path}/pause", if_match=changed.headers["etag"])
    assert (paused.json()["state"], paused.json()["next_at"]) == ("paused", None)
    resumed = api.ask("POST", f"{path}/resume", if_match=paused.headers["etag"])
    assert resumed.json()["state"] == "active"
    assert api.ask("DELETE", path, if_match=resumed.headers["etag"]).status_code == 200
    assert api.get("/report-schedules") == {"items": []}
    bad = api.ask("POST", "/report-schedules", {**BODY, "recipients": [{"address": "a b"}]})
    assert (bad.status_code, error_code(bad)) == (422, "reports.address")


def test_stored_report_is_read_as_facts_and_files(api: ApiClient) -> None:
    made = schedule(api, creators=[str(api.creators["mia"])])
    event = ReportDue(api.tenant_id, UUID(made["id"]), date(2026, 1, 5), date(2026, 1, 11))
    runs.create_report(event, tenant=api.tenant)
    (stored,) = api.get(f"/report-schedules/{made['id']}/reports")["items"]
    assert (stored["first_day"], stored["last_day"]) == ("2026-01-05", "2026-01-11")
    path = f"/reports/{stored['id']}"
    found = api.get(path)
    assert {one["metric"] for one in found["facts"]} >= {"posts_published", "views"}
    for form, start in (
        ("html", b"<!doc"),
        ("pdf", b"%PDF-"),
        ("csv", b"\xef\xbb\xbf"),
        ("xlsx", b"PK"),
    ):
        file = api.ask("GET", f"{path}/file?format={form}&language=fr")
        assert file.content.startswith(start), form
        assert file.content == api.ask("GET", f"{path}/file?format={form}&language=fr").content
    unsent = api.ask("POST", f"{path}/send", if_match=tag(api, path))
    assert (unsent.status_code, error_code(unsent)) == (409, "reports.no_recipients")


def test_key_sees_only_reports_about_its_creators(api: ApiClient) -> None:
    whole = schedule(api)
    mine = schedule(api, creators=[str(api.creators["zoe"])], name="Zoe")
    key = api.key(creators=("zoe",))
    assert [one["id"] for one in api.get("/report-schedules", key=key)["items"]] == [mine["id"]]
    hidden = api.ask("GET", f"/report-schedules/{whole['id']}", key=key)
    assert hidden.status_code == 404
    for creators in ([], [str(api.creators["mia"])]):
        wide = api.ask("POST", "/report-schedules", {**BODY, "creators": creators}, key=key)
        assert (wide.status_code, error_code(wide)) == (422, "reports.creator")
