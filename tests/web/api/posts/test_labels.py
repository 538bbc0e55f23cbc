"""Labels over the API: created once, assigned, filtered by, removed."""

from tests.web.api_client import ApiClient


def test_labels_are_assigned_and_removed_without_new_approval(api: ApiClient) -> None:
    name = {"name": "Spring", "colour": "green"}
    first = api.ask("POST", "/labels", name, idempotency_key="spring")
    again = api.ask("POST", "/labels", name, idempotency_key="spring")
    assert (first.status_code, again.json()) == (201, first.json()), (
        "created once per idempotency key"
    )
    taken = api.ask("POST", "/labels", {"name": "SPRING"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "post_label.taken")
    spring = first.json()
    post, other = api.approved(labels=[spring["id"]]), api.write()
    assert (post["labels"], post["approved"], other["labels"]) == ([spring], True, [])
    wanted = f"?label={spring['id']}"
    assert [one["id"] for one in api.get(f"/posts{wanted}")["items"]] == [post["id"]]
    assert [one["post_id"] for one in api.get(f"/deliveries{wanted}")["items"]] == [post["id"]]
    for said in ([], [spring["id"]]):
        changed = api.ask("PATCH", f"/posts/{post['id']}", {"labels": said}, version=1).json()
        assert (
            [one["id"] for one in changed["labels"]],
            changed["version"],
            changed["approved"],
        ) == (said, 1, True)
    path, tag = f"/labels/{spring['id']}", first.headers["etag"]
    renamed = api.ask("PATCH", path, {**name, "name": "Easter"}, if_match=tag)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Easter")
    assert api.ask("DELETE", path, if_match=tag).status_code == 412
    assert api.ask("DELETE", path, if_match=renamed.headers["etag"]).status_code == 200
    assert (api.get("/labels")["items"], api.get(f"/posts/{post['id']}")["labels"]) == ([], [])
    nobodys = [
        api.ask("GET", f"/posts{wanted}"),
        api.ask("PATCH", f"/posts/{post['id']}", {"labels": [spring["id"]]}, version=1),
        api.ask("POST", "/posts", api.draft(labels=[spring["id"]])),
        api.ask("DELETE", path, if_match=tag),
    ]
    assert {(one.status_code, one.json()["error"]["code"]) for one in nobodys} == {
        (404, "post_label.unknown")
    }
    reader = api.key(scopes=["posts:read"])
    assert api.ask("POST", "/labels", name, key=reader).status_code == 403


def test_label_is_assigned_to_all_posts_or_none(api: ApiClient) -> None:
    spring = api.ask("POST", "/labels", {"name": "Spring"}).json()
    posts = [api.write(f"post {number}")["id"] for number in range(3)]

    def having() -> list[str]:
        return sorted(one["id"] for one in api.get(f"/posts?label={spring['id']}")["items"])

    gift = {"label": spring["id"], "posts": posts[:2]}
    first = api.ask("POST", "/labels/give", gift, idempotency_key="gift")
    again = api.ask("POST", "/labels/give", gift, idempotency_key="gift")
    assert (first.status_code, first.json()) == (200, {"label": spring, "changed": 2})
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert (
        api.ask("POST", "/labels/give", {**gift, "posts": [*posts, posts[0]]}).json()["changed"]
        == 1
    ), "posts with the label keep it"
    assert having() == sorted(posts)
    assert {api.get(f"/posts/{one}")["version"] for one in posts} == {1}
    theirs = api.write(creator="zoe")["id"]
    narrow = api.key(creators=["mia"])
    for way in ("give", "take"):
        refused = api.ask("POST", f"/labels/{way}", {**gift, "posts": [*posts, theirs]}, key=narrow)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "post.unknown")
        assert having() == sorted(posts), "all or none"
        assert api.ask("POST", f"/labels/{way}", {**gift, "posts": []}).status_code == 422
        assert (
            api.ask("POST", f"/labels/{way}", gift, key=api.key(scopes=["posts:read"])).status_code
            == 403
        )
    for changed in (2, 0):
        assert api.ask("POST", "/labels/take", gift).json()["changed"] == changed
    assert having() == posts[2:]
