"""Alerts over the API: a key sees what its member sees, and changes rules as the page does."""

from foundation.ids import uuid7
from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import add_alert

LIMIT = {
    "kind": "threshold",
    "metric": "net",
    "threshold": 25_000,
    "currency": "EUR",
    "days": 7,
    "quiet_from": "22:00",
    "quiet_until": "07:30",
}


def test_alert_is_listed_acknowledged_and_snoozed(api: ApiClient) -> None:
    alert = add_alert(api, "mia", str(uuid7()))
    (listed,) = api.get("/alerts")["items"]
    assert (listed["id"], listed["expected"], listed["seen"]) == (alert, 200, 100)
    assert listed["text"]["code"] == "alert.text.anomaly_below"
    assert "50%" in listed["text"]["text"]
    assert api.get("/alerts?state=closed")["items"] == []
    assert api.get(f"/alerts?creator={api.creators['zoe']}")["items"] == []
    tag = api.ask("GET", f"/alerts/{alert}").headers["etag"]
    done = api.ask("POST", f"/alerts/{alert}/acknowledge", if_match=tag)
    assert done.json()["acknowledged_at"] is not None
    assert api.ask("POST", f"/alerts/{alert}/snooze", {"days": 7}, if_match=tag).status_code == 412
    tag = done.headers["etag"]
    snoozed = api.ask("POST", f"/alerts/{alert}/snooze", {"days": 7}, if_match=tag)
    assert snoozed.json()["snoozed_until"] is not None
    assert api.ask("POST", f"/alerts/{alert}/snooze", {"days": 5}).status_code == 422
    with api.scope() as scope:
        scope.run("UPDATE alerts SET resolved_at = house_now(), resolution = 'over'")
    assert [one["id"] for one in api.get("/alerts?state=closed")["items"]] == [alert]
    tag = api.ask("GET", f"/alerts/{alert}").headers["etag"]
    again = api.ask("POST", f"/alerts/{alert}/acknowledge", if_match=tag)
    assert (again.status_code, error_code(again)) == (409, "alert.closed")


def test_rule_is_added_changed_tested_and_deleted(api: ApiClient) -> None:
    usual = api.get("/alert-rules")["items"]
    made = api.ask("POST", "/alert-rules", LIMIT)
    assert made.status_code == 201
    path = f"/alert-rules/{made.json()['id']}"
    assert api.get(path) == made.json()
    short = api.get(f"{path}/backtest")
    assert (short["alerts"], short["have_days"], short["need_days"]) == (None, 0, 6)
    tag = made.headers["etag"]
    assert api.ask("PUT", path, {**LIMIT, "days": 28}, if_match='"other"').status_code == 412
    changed = api.ask("PUT", path, {**LIMIT, "days": 28}, if_match=tag)
    assert changed.json()["days"] == 28
    wrong = api.ask("PUT", path, {**LIMIT, "currency": ""}, if_match=changed.headers["etag"])
    assert (wrong.status_code, error_code(wrong)) == (422, "alert.currency")
    assert api.ask("DELETE", path, if_match=changed.headers["etag"]).is_success
    assert api.get("/alert-rules")["items"] == usual


def test_key_of_one_creator_changes_no_rule_of_all(api: ApiClient) -> None:
    alert = add_alert(api, "mia", str(uuid7()))
    narrow = api.key(creators=["zoe"])
    assert api.get("/alerts", key=narrow)["items"] == []
    assert api.ask("GET", f"/alerts/{alert}", key=narrow).status_code == 404
    refused = api.ask("POST", "/alert-rules", LIMIT, key=narrow)
    assert (refused.status_code, error_code(refused)) == (403, "alert.agency_rule_only")
    zoe = {"kind": "anomaly", "metric": "views", "creator_id": str(api.creators["zoe"])}
    made = api.ask("POST", "/alert-rules", zoe, key=narrow)
    assert made.status_code == 201
    mia = {**zoe, "creator_id": str(api.creators["mia"])}
    assert api.ask("POST", "/alert-rules", mia, key=narrow).status_code == 404
    tag = made.headers["etag"]
    path = f"/alert-rules/{made.json()['id']}"
    for body, status in (({**zoe, "creator_id": None}, 403), (mia, 404)):
        assert api.ask("PUT", path, body, key=narrow, if_match=tag).status_code == status
    assert api.ask("DELETE", path, key=narrow, if_match=tag).is_success


def test_key_of_one_creator_changes_no_stored_rule_of_others(api: ApiClient) -> None:
    narrow = api.key(creators=["zoe"])
    zoe = {"kind": "anomaly", "metric": "views", "creator_id": str(api.creators["zoe"])}
    other = api.ask("POST", "/alert-rules", {**zoe, "creator_id": str(api.creators["mia"])})
    general = api.ask("POST", "/alert-rules", LIMIT)
    before = api.get("/alert-rules")["items"]
    usual = next(one["id"] for one in before if one["code"])
    for rule_id, tag, code in (
        (other.json()["id"], other.headers["etag"], "alert.rule_unknown"),
        (general.json()["id"], general.headers["etag"], "alert.agency_rule_only"),
        (usual, api.ask("GET", f"/alert-rules/{usual}").headers["etag"], "alert.agency_rule_only"),
    ):
        path = f"/alert-rules/{rule_id}"
        changed = api.ask("PUT", path, zoe, key=narrow, if_match=tag)
        assert error_code(changed) == code
        assert error_code(api.ask("DELETE", path, key=narrow, if_match=tag)) == code
    seen = [one["id"] for one in api.get("/alert-rules", key=narrow)["items"]]
    assert seen == [one["id"] for one in before if one["id"] != other.json()["id"]]
    assert api.get("/alert-rules")["items"] == before
