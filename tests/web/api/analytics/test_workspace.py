"""Goals, annotations, saved views, share links and forecasts over the API."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.predictions import storage
from insights.predictions.evidence import NotEnoughData
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import ModelCard, StoredPrediction
from insights.rollups import daily_rollups
from subscribers.ledger import entries
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api_client import ZONE, ApiClient, error_code

GOALS, NOTES, VIEWS = "/analytics/goals", "/analytics/annotations", "/analytics/views"
LINKS = "/analytics/share-links"


def test_goal_shows_the_progress_of_the_ledger_and_gets_a_new_target(api: ApiClient) -> None:
    with api.scope() as scope:
        creator = api.creators["mia"]
        sale = Money(1200, "EUR")
        entries.record_sale(
            scope,
            uuid7(),
            sale,
            rail="rail:sandbox:x",
            at=scope.now,
            creator_id=creator,
            fan_id=None,
        )
        daily_rollups.rebuild_day(scope, creator, local_day(scope.now, ZONE))
    body = {"creator_id": str(creator), "metric": "gross", "target": 4800, "currency": "EUR"}
    made = api.ask("POST", GOALS, body, idempotency_key="one")
    goal = made.json()
    assert (made.status_code, goal["value"], goal["percent"]) == (201, 1200, 25)
    assert api.ask("POST", GOALS, body, idempotency_key="one").json() == goal
    changed = api.ask("POST", GOALS, {**body, "target": 1200})
    assert (changed.json()["id"], changed.json()["status"]) == (goal["id"], "reached")
    assert api.get(GOALS)["items"] == [changed.json()]
    path = f"{GOALS}/{goal['id']}"
    assert api.ask("DELETE", path, if_match=made.headers["etag"]).status_code == 412
    assert api.ask("DELETE", path, if_match=changed.headers["etag"]).is_success
    assert api.get(GOALS)["items"] == []
    refused = api.ask("POST", GOALS, {**body, "currency": "??"})
    assert error_code(refused) == "goal.currency_unknown"


def test_key_without_money_read_learns_no_progress_of_a_goal(api: ApiClient) -> None:
    key = api.key(scopes=[ApiKeyScope.REPORTS_WRITE])
    body = {"creator_id": str(api.creators["mia"]), "metric": "net", "target": 1, "currency": "EUR"}
    made = api.ask("POST", GOALS, body, key=key)
    gone = api.ask("DELETE", f"{GOALS}/{made.json()['id']}", key=key, if_match=made.headers["etag"])
    assert (made.status_code, gone.status_code) == (201, 200)
    for answer in (made.json(), gone.json()):
        assert answer["target"] == 1
        assert answer["value"] is answer["percent"] is answer["status"] is None


def test_views_of_other_members_are_hidden_until_they_are_shared(api: ApiClient) -> None:
    body = {"name": "Sales", "parameters": {"view": "sales"}}
    mine = api.ask("POST", VIEWS, body).json()
    owner = api.secrets["owner"]
    assert api.get(VIEWS, key=owner)["items"] == []
    assert api.ask("GET", f"{VIEWS}/{mine['id']}", key=owner).status_code == 404
    shared = api.ask("POST", VIEWS, {**body, "is_shared": True})
    assert shared.json()["id"] == mine["id"], "a view of that name is replaced"
    assert [one["id"] for one in api.get(VIEWS, key=owner)["items"]] == [mine["id"]]
    refused = api.ask("POST", VIEWS, {**body, "parameters": {"view": "<script>"}})
    assert error_code(refused) == "saved_view.parameters_wrong"


def test_a_key_of_some_creators_changes_nothing_about_others(api: ApiClient) -> None:
    mia = str(api.creators["mia"])
    goal = api.ask("POST", GOALS, {"creator_id": mia, "metric": "orders", "target": 5}).json()
    note = {"creator_id": mia, "day": "2026-03-02", "text": "New price"}
    own = api.ask("POST", NOTES, note)
    every = api.ask("POST", NOTES, {**note, "creator_id": None})
    link = api.ask("POST", LINKS, share_body(mia)).json()
    key = api.key(creators=("zoe",))
    for path in (
        f"{GOALS}/{goal['id']}",
        f"{NOTES}/{own.json()['id']}",
        f"{LINKS}/{link['id']}",
    ):
        assert api.ask("GET", path, key=key).status_code == 404, path
    assert api.ask("POST", LINKS, share_body(mia), key=key).status_code == 404
    assert api.get(LINKS, key=key)["items"] == []
    path = f"{NOTES}/{every.json()['id']}"
    period = "first=2026-03-01&last=2026-03-03"
    assert [one["id"] for one in api.get(f"{NOTES}?{period}", key=key)["items"]] == [
        every.json()["id"]
    ]
    answer = api.ask("DELETE", path, key=key, if_match=every.headers["etag"])
    assert (answer.status_code, error_code(answer)) == (403, "annotation.shared_by_all")
    assert api.ask("DELETE", path, if_match=every.headers["etag"]).is_success


def share_body(creator: str) -> dict[str, Any]:
    """Return a new share link of the sales of a creator."""
    days = {"first": "2026-01-01", "last": "2026-01-28"}
    return {"name": "Mia", "views": ["sales"], "creators": [creator], **days}


def test_address_of_a_share_link_is_shown_once_and_ends_with_its_revocation(
    api: ApiClient,
) -> None:
    body = share_body(str(api.creators["mia"]))
    made = api.ask("POST", LINKS, body, idempotency_key="one").json()
    page = urlsplit(made["url"]).path
    assert api.client.get(page).status_code == 200
    again = api.ask("POST", LINKS, body, idempotency_key="one").json()
    assert again == {**made, "url": None}
    path = f"{LINKS}/{made['id']}"
    found = api.ask("GET", path)
    assert "url" not in found.json()
    assert found.json()["opened_at"] is not None
    revoked = api.ask("POST", f"{path}/revoke", if_match=found.headers["etag"])
    assert revoked.json()["status"] == "revoked"
    assert api.client.get(page).status_code == 404


@pytest.mark.parametrize(
    ("change", "code"), [({"days": 8}, "share.bad_lifetime"), ({"name": " "}, "share.bad_name")]
)
def test_invalid_share_link_is_refused(api: ApiClient, change: dict[str, Any], code: str) -> None:
    answer = api.ask("POST", LINKS, {**share_body(str(api.creators["mia"])), **change})
    assert error_code(answer) == code


def test_forecasts_have_their_quality_or_the_data_that_they_lack(api: ApiClient) -> None:
    mia = api.creators["mia"]
    last = date(2026, 3, 1)
    with api.scope() as scope:
        card = ModelCard(
            "median", "seasonal_naive", 0.8, 1.0, "mase", 0.81, last, last, "rolling_origin", 9, 1
        )
        result = {
            "points": [[100, 50, 150]],
            "totals": {"30": [3000, 2000, 4000], "7": [700, 500, 900]},
            "past": [1],
            "days": 60,
        }
        served = StoredPrediction(
            mia,
            PredictionTask.FORECAST,
            "net:EUR",
            PredictionState.SERVED,
            card,
            None,
            result,
            scope.now,
        )
        lacking = NotEnoughData(12, 28, "days")
        waits = storage.waiting_prediction(
            mia, PredictionTask.FORECAST, "views", lacking, scope.now
        )
        storage.store_predictions(scope, [mia], [PredictionTask.FORECAST], [served, waits])
    money, views = api.get("/analytics/forecasts")["items"]
    assert (money["metric"], money["currency"], money["own_error"]) == ("net", "EUR", 0.8)
    assert [one["days"] for one in money["totals"]] == [7, 30]
    assert money["days"] == [
        {"day": str(last + timedelta(days=1)), "value": 100, "low": 50, "high": 150}
    ]
    assert (views["state"], views["lacking"]["have"], views["totals"]) == ("waiting", 12, [])
    page = api.get("/analytics/forecasts?limit=1")
    rest = api.get(f"/analytics/forecasts?limit=1&cursor={page['next']}")
    assert (page["items"], rest["items"], rest["next"]) == ([money], [views], None)
    for task in ("forecast", "repeat", "leads", "churn"):
        assert bool(api.get(f"/analytics/forecasts?task={task}")["items"]) is (task == "forecast")
    for task in ("ranks", "packs", "sentiment", "x"):
        assert api.ask("GET", f"/analytics/forecasts?task={task}").status_code == 422
    assert api.get("/analytics/forecasts", key=api.key(creators=("zoe",)))["items"] == []
