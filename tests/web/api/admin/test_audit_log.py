"""The audit log over the API: changes of the members, filters, pages, and the creators of a key."""

from typing import Any

from foundation.ids import uuid7
from tenants.agencies.rights import Role
from tests.web.api_client import ApiClient, error_code


def acts(api: ApiClient, query: str = "", **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/audit?limit=200{query}", **more)["items"]
    return found


def test_planning_approval_and_cancellation_are_listed_with_values(api: ApiClient) -> None:
    post = api.approved("bonjour")
    delivery = post["deliveries"][0]["id"]
    tag = api.ask("GET", f"/deliveries/{delivery}").headers["etag"]
    assert api.ask("POST", f"/deliveries/{delivery}/cancel", if_match=tag).is_success
    found = [one for one in acts(api) if one["act"] == "api.called"]
    assert [one["details"]["did"] for one in found[:3]] == [
        "delivery.cancel",
        "post.approve",
        "post.write",
    ]
    cancelled, approved, written = found[:3]
    (change,) = [one for one in cancelled["changes"] if one["item"] == "deliveries"]
    assert (change["before"]["state"], change["after"]["state"]) == ("scheduled", "cancelled")
    assert {one["item"] for one in approved["changes"]} >= {"approvals", "deliveries"}
    assert {one["change"] for one in written["changes"]} == {"insert"}
    assert (approved["actor"], written["actor"]) == (
        f"member:{api.members[Role.OWNER]}",
        f"member:{api.members[Role.MANAGER]}",
    )
    assert "bonjour" not in str(found)


def test_filters_and_pages_of_the_audit_log(api: ApiClient) -> None:
    for number in range(3):
        api.write(f"post {number}")
    owner = api.members[Role.OWNER]
    assert acts(api, f"&member={owner}") == [
        one for one in acts(api) if one["actor"] == f"member:{owner}"
    ]
    assert acts(api, f"&creator={api.creators['zoe']}&area=posts") == []
    assert len(acts(api, f"&creator={api.creators['mia']}&area=posts")) == 3
    first = api.get("/audit?limit=2")
    second = api.get(f"/audit?limit=2&cursor={first['next']}")
    both = [one["id"] for one in (*first["items"], *second["items"])]
    assert both == [one["id"] for one in acts(api)][:4]
    assert api.ask("GET", f"/audit?cursor={first['next']}&area=posts").status_code == 422


def test_key_for_one_creator_sees_only_its_actions(api: ApiClient) -> None:
    api.write("of mia")
    narrow = api.key(creators=["zoe"])
    assert acts(api, key=narrow) == []
    answer = api.ask("GET", f"/audit?creator={api.creators['mia']}", key=narrow)
    assert (answer.status_code, error_code(answer)) == (404, "creator.unknown")
    assert api.ask("GET", f"/audit?creator={uuid7()}").status_code == 404
