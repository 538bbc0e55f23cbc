"""The evergreen queue over the API: rhythm, posts added and removed, rewordings, pause."""

import httpx

from schedules.recurrence import evergreen_planner, evergreen_pools
from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import expect_success


def pool(api: ApiClient, creator: str = "mia") -> httpx.Response:
    return api.ask("GET", f"/pools/{api.creators[creator]}")


def settled(api: ApiClient, creator: str = "mia") -> httpx.Response:
    """Set up a pool on the creator's account with a slot at noon UTC each day."""
    account = str(api.channels[creator])
    for weekday in range(7):
        slot = {"channel_id": account, "weekday": weekday, "clock": "12:00", "zone": "UTC"}
        expect_success(api.ask("POST", "/slots", slot))
    whole = {"channels": [account], "min_age_days": 45, "every_days": 2}
    tag = pool(api, creator).headers["etag"]
    return api.ask("PATCH", f"/pools/{api.creators[creator]}", whole, if_match=tag)


def test_evergreen_posts_are_added_scheduled_paused_and_removed(api: ApiClient) -> None:
    path, none_yet = f"/pools/{api.creators['mia']}", pool(api)
    assert none_yet.json() == {
        "creator_id": str(api.creators["mia"]),
        "rhythm": None,
        "paused": False,
        "items": [],
        "coming": [],
    }
    post = expect_success(
        api.ask(
            "POST", "/posts", {"creator_id": str(api.creators["mia"]), "body": "Never left so far"}
        )
    )
    for act, body in (("add", {"post_id": post["id"]}), ("pause", None), ("resume", None)):
        early = api.ask("POST", f"{path}/{act}", body, if_match=none_yet.headers["etag"])
        assert (early.status_code, error_code(early)) == (409, "pool.none_yet")
    begun = settled(api)
    assert begun.json()["rhythm"]["min_age_days"] == 45
    stale = api.ask(
        "POST", f"{path}/add", {"post_id": post["id"]}, if_match=none_yet.headers["etag"]
    )
    assert stale.status_code == 412
    inside = api.ask("POST", f"{path}/add", {"post_id": post["id"]}, if_match=begun.headers["etag"])
    (entry,) = expect_success(inside)["items"]
    assert entry["posts"] == [post["id"]]
    fill(api)
    planned = pool(api)
    assert [one["post_id"] for one in planned.json()["coming"]] == [post["id"]]
    assert planned.headers["etag"] == inside.headers["etag"], "scheduling does not change the pool"
    name = {"idempotency_key": "pause"}
    paused = [
        api.ask("POST", f"{path}/pause", if_match=planned.headers["etag"], **name) for _ in range(2)
    ]
    assert (expect_success(paused[0])["paused"], paused[0].json()["coming"]) == (True, [])
    assert (paused[1].content, paused[1].headers["idempotent-replayed"]) == (
        paused[0].content,
        "true",
    )
    resumed = api.ask("POST", f"{path}/resume", if_match=paused[0].headers["etag"])
    out = api.ask(
        "POST", f"{path}/take-out", {"entry_id": entry["id"]}, if_match=resumed.headers["etag"]
    )
    assert expect_success(out)["items"] == []


def fill(api: ApiClient) -> None:
    """Fill the free slots as a worker does."""
    with api.scope() as scope:
        found = evergreen_pools.pool_of_creator(scope, api.creators["mia"])
        assert found is not None
        assert evergreen_planner.fill_free_slots(scope, found.id, connectors={}) == 1


def test_rewording_needs_approval_and_identical_text_is_refused(api: ApiClient) -> None:
    path, post = (
        f"/pools/{api.creators['mia']}",
        api.approved("Good morning from the quay, all of you!"),
    )
    begun = settled(api)
    inside = api.ask("POST", f"{path}/add", {"post_id": post["id"]}, if_match=begun.headers["etag"])
    entry, tag = expect_success(inside)["items"][0]["id"], inside.headers["etag"]
    same = api.ask(
        "POST", f"{path}/wording", {"entry_id": entry, "body": post["body"]}, if_match=tag
    )
    assert (same.status_code, error_code(same)) == (422, "pool.same_words")
    other = api.ask(
        "POST",
        f"{path}/wording",
        {"entry_id": entry, "body": "Boats, gulls and coffee"},
        if_match=tag,
    )
    (first, second) = expect_success(other)["items"][0]["posts"]
    assert first == post["id"]
    assert api.get(f"/posts/{second}")["approved"] is False


def test_pool_accepts_only_posts_and_accounts_of_its_creator(api: ApiClient) -> None:
    path, theirs = f"/pools/{api.creators['mia']}", api.approved(creator="zoe")
    tag = settled(api).headers["etag"]
    foreign = api.ask("POST", f"{path}/add", {"post_id": theirs["id"]}, if_match=tag)
    assert (foreign.status_code, error_code(foreign)) == (404, "post.unknown")
    account = api.ask("PATCH", path, {"channels": [str(api.channels["zoe"])]}, if_match=tag)
    assert (account.status_code, error_code(account)) == (404, "channel.unknown")
    for wrong in ({"min_age_days": 1}, {"until": "2020-01-01"}):
        refused = api.ask(
            "PATCH", path, {"channels": [str(api.channels["mia"])], **wrong}, if_match=tag
        )
        assert refused.status_code == 422, refused.text
    of_zoe = settled(api, "zoe")
    added = api.ask(
        "POST",
        f"/pools/{api.creators['zoe']}/add",
        {"post_id": theirs["id"]},
        if_match=of_zoe.headers["etag"],
    )
    entry = expect_success(added)["items"][0]["id"]
    out = api.ask("POST", f"{path}/take-out", {"entry_id": entry}, if_match=tag)
    assert (out.status_code, error_code(out)) == (404, "pool.no_entry")
    narrow = api.key(creators=["zoe"])
    assert api.ask("GET", path, key=narrow).status_code == 404
    reader = api.ask("POST", f"{path}/pause", key=api.key(scopes=["posts:read"]), if_match=tag)
    assert (reader.status_code, error_code(reader)) == (403, "api.other_scope")
