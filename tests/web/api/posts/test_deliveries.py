"""Accounts and deliveries over the API: pause and minimum interval, intended repeats, edits of live
posts."""

import pytest

from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import expect_success

WORDS = "Good morning from the quay, the boats come in at six and the coffee is on"


def test_account_is_paused_and_keeps_its_minimum_interval(api: ApiClient) -> None:
    post, path = api.approved(), f"/channels/{api.channels['mia']}"
    first = api.ask("GET", path)
    paced = api.ask(
        "PATCH", path, {"apart_minutes": 30, "holds_repeats": True}, if_match=first.headers["etag"]
    )
    assert (expect_success(paced)["min_gap_seconds"], paced.json()["holds_repeats"]) == (1800, True)
    stale = api.ask("POST", f"{path}/pause", if_match=first.headers["etag"])
    assert stale.status_code == 412
    paused = [
        api.ask("POST", f"{path}/pause", if_match=paced.headers["etag"], idempotency_key="rest")
        for _ in range(2)
    ]
    assert (expect_success(paused[0])["state"], paused[1].content) == ("paused", paused[0].content)
    coming = api.get(f"/deliveries/{post['deliveries'][0]['id']}")["next"]
    assert (coming["code"], coming["why"]["code"]) == ("calendar.next.waits", "channel.is_paused")
    resumed = api.ask("POST", f"{path}/resume", if_match=paused[0].headers["etag"])
    assert expect_success(resumed)["state"] == "active"
    assert api.ask("POST", f"{path}/test", if_match=resumed.headers["etag"]).status_code == 202
    with api.scope() as scope:
        asked = scope.run(
            "SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind = 'channel.test'",
            t=api.tenant_id,
        )
        assert asked.scalars().all() == [api.channels["mia"]]
    assert (
        api.ask(
            "PATCH", path, {"apart_minutes": 100_000}, if_match=resumed.headers["etag"]
        ).status_code
        == 422
    )
    for key, status in ((api.key(creators=["zoe"]), 404), (api.key(scopes=["posts:read"]), 403)):
        assert (
            api.ask("POST", f"{path}/pause", key=key, if_match=resumed.headers["etag"]).status_code
            == status
        )


def test_allowed_repeat_is_no_longer_reported(api: ApiClient) -> None:
    first, second = api.approved(WORDS), api.approved(WORDS)
    place = second["deliveries"][0]
    path = f"/deliveries/{place['id']}"
    (found,) = api.get(f"{path}/repeats")["items"]
    assert (found["post_id"], found["refused"]) == (first["id"], False)
    meant = api.ask("POST", f"{path}/anyway", {"seen": [first["id"]]}, version=place["version"])
    assert meant.status_code == 200, meant.text
    assert api.get(f"{path}/repeats")["items"] == []
    narrow = api.ask(
        "POST",
        f"{path}/anyway",
        {"seen": []},
        key=api.key(creators=["zoe"]),
        version=place["version"],
    )
    assert (narrow.status_code, error_code(narrow)) == (404, "delivery.unknown")


def test_edit_of_live_post_is_retried_abandoned_or_confirmed(api: ApiClient) -> None:
    post = api.approved()
    path = f"/deliveries/{post['deliveries'][0]['id']}"

    def act(what: str, body: object = None) -> tuple[int, str]:
        answer = api.ask(
            "POST",
            f"{path}/{what}",
            body,
            key=api.secrets["owner"],
            version=api.get(path)["version"],
        )
        return answer.status_code, "" if answer.is_success else error_code(answer)

    for what, body in (("words-again", None), ("words-leave", None), ("words-say", {"came": True})):
        assert act(what, body) == (409, "edit.nothing_open")
    with api.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'published', native_id = 'p1' WHERE tenant_id = :t",
            t=api.tenant_id,
        )
    expect_success(api.ask("POST", f"/posts/{post['id']}/reword", {"body": "better"}, version=1))
    _stand(api, "unsure")
    assert act("words-leave") == (409, "edit.say_which_first")
    assert act("words-again") == (202, "")
    assert api.get(path)["edits"][-1]["state"] == "due"
    _stand(api, "unsure")
    assert act("words-say", {"came": True}) == (202, "")
    _stand(api, "refused")
    assert act("words-leave") == (200, "")
    assert api.get(f"/posts/{post['id']}")["body"] == post["body"]


def _stand(api: ApiClient, state: str) -> None:
    """Set the state of the edits, as the workers would."""
    with api.scope() as scope:
        scope.run("UPDATE edits SET state = :s WHERE tenant_id = :t", s=state, t=api.tenant_id)


@pytest.mark.parametrize(
    ("why", "states"),
    [
        ("delivery.on_its_way", ("publishing", "processing")),
        ("delivery.maybe_online", ("uncertain",)),
        ("delivery.is_online", ("published", "partly", "broken_off")),
        ("delivery.nothing_left", ("cancelled", "removing", "removed", "rehearsed")),
    ],
)
def test_published_delivery_is_not_cancelled_and_next_step_is_named(
    api: ApiClient, why: str, states: tuple[str, ...]
) -> None:
    (place,) = api.approved()["deliveries"]
    for state in states:
        with api.scope() as scope:
            scope.run(
                "UPDATE deliveries SET state = :s WHERE tenant_id = :t", s=state, t=api.tenant_id
            )
        answer = api.ask("POST", f"/deliveries/{place['id']}/cancel", version=place["version"])
        assert (answer.status_code, error_code(answer)) == (409, why), state
