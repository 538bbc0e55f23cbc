"""Webhooks over the API: for keys of the owner only, with a secret that is sent once and never
returned."""

import json

from tenants.agencies.rights import Role
from tenants.vault import sealed_intake
from tenants.webhooks import endpoints
from tenants.webhooks.endpoints import WEBHOOK_EVENTS
from tests.web.api_client import ApiClient, error_code
from tests.web.builders import MASTER
from tests.web.example_agency import add_failed_webhook_call, add_webhook, expect_success


def test_webhook_lifecycle_never_reveals_the_secret(
    api: ApiClient,
) -> None:
    owner = api.secrets["owner"]
    secret = "s3cret-" * 6
    added = [
        api.ask("POST", "/hooks", add_webhook(secret=secret), key=owner, idempotency_key="hook")
        for _ in range(2)
    ]
    assert (added[0].status_code, added[1].content) == (201, added[0].content)
    path = f"/hooks/{expect_success(added[0])['id']}"
    tried = api.ask("POST", f"{path}/try", key=owner, if_match=added[0].headers["etag"])
    assert [(one["event"], one["state"]) for one in expect_success(tried)["calls"]] == [
        ("hook.test", "waiting")
    ]
    dead = add_failed_webhook_call(api, expect_success(added[0])["id"])
    again = api.ask(
        "POST", f"{path}/again", {"call_id": dead}, key=owner, if_match=tried.headers["etag"]
    )
    assert {one["state"] for one in expect_success(again)["calls"]} == {"waiting"}
    twice = api.ask(
        "POST", f"{path}/again", {"call_id": dead}, key=owner, if_match=tried.headers["etag"]
    )
    assert (twice.status_code, error_code(twice)) == (409, "hook.not_dead")
    turned = api.ask(
        "POST", f"{path}/rotate", {"secret": "n" * 32}, key=owner, if_match=again.headers["etag"]
    )
    assert expect_success(turned)["two_secrets_until"] is not None
    paused = api.ask("POST", f"{path}/pause", key=owner, if_match=turned.headers["etag"])
    assert expect_success(paused)["state"] == "paused"
    unheard = api.ask("POST", f"{path}/try", key=owner, if_match=paused.headers["etag"])
    assert (unheard.status_code, error_code(unheard)) == (409, "hook.paused")
    resumed = api.ask("POST", f"{path}/resume", key=owner, if_match=paused.headers["etag"])
    assert [one["id"] for one in api.get("/hooks", key=owner)["items"]] == [
        expect_success(resumed)["id"]
    ]
    kept = json.dumps([one.json() for one in (*added, tried, turned)]) + remembered(api)
    assert secret not in kept
    assert "n" * 32 not in kept
    assert (
        api.ask("DELETE", path, key=owner, if_match=resumed.headers["etag"]).json()["state"]
        == "ended"
    )
    assert api.ask("GET", path, key=owner).status_code == 404


def remembered(api: ApiClient) -> str:
    """Return the stored API responses and webhook secrets of the agency as one text."""
    with api.scope() as scope:
        answers = scope.run(
            "SELECT body || request FROM api_answers WHERE tenant_id = :t", t=api.tenant_id
        )
        letters = scope.run(
            "SELECT encode(secret, 'escape') FROM hooks WHERE tenant_id = :t", t=api.tenant_id
        )
        return "".join([*answers.scalars(), *letters.scalars()])


def test_invalid_webhooks_are_refused_and_narrow_key_sees_its_creators(
    api: ApiClient,
) -> None:
    owner, mia, zoe = api.secrets["owner"], str(api.creators["mia"]), str(api.creators["zoe"])
    for wrong, why in (
        ({"url": "http://crm.example.com/x"}, "hook.address"),
        ({"url": "https://a@crm.example.com/x"}, "hook.address"),
        ({"events": ["nothing.happened"]}, "hook.events"),
        ({"secret": "short"}, "api.unfit"),
        ({"creators": [str(api.tenant_id)]}, "creator.unknown"),
    ):
        assert error_code(api.ask("POST", "/hooks", add_webhook(**wrong), key=owner)) == why
    manager = api.ask("GET", "/hooks")
    assert (manager.status_code, error_code(manager)) == (403, "role.forbidden.staff")
    narrow = api.key(Role.OWNER, creators=["mia"])
    every = api.ask("POST", "/hooks", add_webhook(), key=narrow)
    assert (every.status_code, error_code(every)) == (403, "api.narrowed")
    assert (
        error_code(api.ask("POST", "/hooks", add_webhook(creators=[zoe]), key=narrow))
        == "creator.unknown"
    )
    mine = expect_success(
        api.ask(
            "POST", "/hooks", add_webhook(creators=[mia], events=list(WEBHOOK_EVENTS)), key=narrow
        )
    )
    theirs = [
        expect_success(api.ask("POST", "/hooks", add_webhook(creators=each), key=owner))["id"]
        for each in ([zoe], [])
    ]
    assert [one["id"] for one in api.get("/hooks", key=narrow)["items"]] == [mine["id"]]
    for hidden in theirs:
        assert error_code(api.ask("GET", f"/hooks/{hidden}", key=narrow)) == "hook.unknown"
    tag = api.ask("GET", f"/hooks/{mine['id']}", key=owner).headers["etag"]
    foreign = add_failed_webhook_call(api, theirs[0])
    other = api.ask(
        "POST", f"/hooks/{mine['id']}/again", {"call_id": foreign}, key=narrow, if_match=tag
    )
    assert (other.status_code, error_code(other)) == (404, "hook.unknown")


def test_stored_secret_unseals_to_the_secret_that_was_sent(api: ApiClient) -> None:
    expect_success(
        api.ask("POST", "/hooks", add_webhook(secret="k" * 40), key=api.secrets["owner"])
    )
    with api.scope() as scope:
        (found,) = endpoints.list_webhooks(scope)
        letter = scope.run("SELECT secret FROM hooks WHERE id = :id", id=found.id).scalar_one()
    assert sealed_intake.unseal_form(MASTER, api.tenant_id, bytes(letter)) == {"secret": "k" * 40}
