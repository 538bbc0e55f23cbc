"""The Reddit connector: titles, picture uploads, error codes, and proof from lists of posts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    RefreshGrant,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.destination import Destination, DestinationReport, MarkReport
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.reddit.account import (
    AI_ALLOWED_PREDICATE,
    NSFW_MARK,
    OVER18_PREDICATE,
    OVER18_SURFACE,
    REGISTERED_PREDICATE,
    PostingAccount,
    parse_account,
    rules_digest,
    user_agent_header,
)
from connectors.platforms.reddit.lookup import MAX_PAGES
from connectors.platforms.reddit.publisher import MAX_TEXT, MAX_TITLE, PUBLISH, Reddit
from connectors.platforms.reddit.submission import (
    UPLOAD_LEASE_STEP,
    UPLOAD_PUT_STEP,
    UPLOAD_SECRETS,
)
from connectors.shared.http_responses import is_app_wide_limit
from connectors.transport import references, required_marks
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import Medium, Subject, Text, Unit

PLATFORM = Reddit()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATE = {"date": "Sun, 22 Nov 2026 12:00:00 GMT"}
PICTURES = (
    Medium("a" * 64, "image/png", 100, alt="a lake"),
    Medium("b" * 64, "image/jpeg", 100, alt="a hill"),
)
FLAIR = "12345678-1234-1234-1234-123456789012"
STORE = "//reddit-uploaded-media.s3-accelerate.amazonaws.com"
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="reddit",
    surface=OVER18_SURFACE,
    channel_id=uuid7(),
    account="mia@lakes",
    audience="public",
    texts=(Text("title", "A lake"), Text("body", "at dawn")),
    native_key="key-1",
)
COPY = PlatformCopy("t3_abc123", UNIT.account)
SOUGHT = LookupQuery("key-1", "at dawn", NOW, UNIT.account, asked_at=NOW, title="A lake")


def said(
    step: str,
    status: int,
    body: Any = None,
    sealed: dict[str, Sealed] | None = None,
    **headers: str,
) -> Response:
    return Response(step, status, DATE | headers, body, sealed or {})


def told(**more: Any) -> Response:
    """Return a response to a submission."""
    return said(PUBLISH, 200, {"json": {"errors": [], **more}})


def code(*error: str, **more: Any) -> Response:
    """Return an error in a successful response."""
    return told(**({"errors": [list(error)]} | more))


def lease(number: int) -> Response:
    """Return an upload lease for a picture."""
    names = ("acl", "key", "content-type")
    values = ("public-read", f"rte_images/asset{number}", PICTURES[number].mime)
    fields = [{"name": name, "value": value} for name, value in zip(names, values, strict=True)]
    fields += [{"name": "policy"}, {"name": "X-Amz-Signature"}]
    body = {"args": {"action": STORE, "fields": fields}, "asset": {"asset_id": f"asset{number}"}}
    secrets = {"args.fields.policy": Sealed(b"p"), "args.fields.x-amz-signature": Sealed(b"s")}
    return said(f"{UPLOAD_LEASE_STEP}{PICTURES[number].sha256[:24]}", 200, body, secrets)


def sent(number: int, status: int = 201) -> Response:
    return said(
        f"{UPLOAD_PUT_STEP}{PICTURES[number].sha256[:24]}", status, {} if status == 201 else None
    )


def post(**more: Any) -> dict[str, Any]:
    """Return a post as lists contain it."""
    usual = {
        "name": "t3_abc123",
        "subreddit": "Lakes",
        "title": "A lake",
        "selftext": "at dawn",
        "is_self": True,
        "created_utc": NOW.timestamp(),
        "permalink": "/r/lakes/comments/abc123/a_lake/",
        "author": "mia",
        "over_18": False,
        "removed_by_category": None,
    }
    return usual | more


def listing(*posts: dict[str, Any], after: str | None = None, step: str = "look") -> Response:
    children = [{"kind": "t3", "data": one} for one in posts]
    return said(step, 200, {"kind": "Listing", "data": {"after": after, "children": children}})


def step_of(turn: object) -> Any:
    assert isinstance(turn, Send)
    return turn.step


def test_account_contains_user_subreddit_and_flair() -> None:
    for account in ("mia@lakes", f"mia-b@lakes#{FLAIR}", "mia@u_mia"):
        assert parse_account(account).account == account
    assert user_agent_header("mia@lakes")["user-agent"].endswith("(by /u/mia)")
    posted = step_of(
        PLATFORM.next_step(replace(UNIT, account=PostingAccount("mia", "lakes", FLAIR).account), ())
    )
    assert (posted.json["sr"], posted.json["flair_id"]) == ("lakes", FLAIR)


@pytest.mark.parametrize(
    ("texts", "title", "body"),
    [
        ((Text("title", "A lake"), Text("body", " at dawn ")), "A lake", " at dawn "),
        ((Text("body", "A lake\n\nat dawn\nin May"),), "A lake", "at dawn\nin May"),
        ((Text("body", "\nA lake\n"),), "A lake", ""),
        ((Text("title", "A lake"),), "A lake", ""),
    ],
)
def test_title_is_explicit_or_the_first_line(
    texts: tuple[Text, ...], title: str, body: str
) -> None:
    posted = step_of(PLATFORM.next_step(replace(UNIT, texts=texts), ())).json
    assert (posted["title"], posted.get("text"), posted["resubmit"], posted["nsfw"]) == (
        title,
        body,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ((), "reddit.no_title"),
        ((Text("body", " \n "),), "reddit.no_title"),
        ((Text("body", "x" * (MAX_TITLE + 1)),), "reddit.title_too_long"),
        ((Text("title", "x"), Text("body", "y" * (MAX_TEXT + 1))), "connectors.text_too_long"),
    ],
)
def test_unit_over_the_limits_is_rejected(texts: tuple[Text, ...], why: str) -> None:
    unit = replace(UNIT, texts=texts)
    refused = PLATFORM.next_step(unit, ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == why
    counts, most = PLATFORM.count_text(unit)
    assert (counts > most) is ("too_long" in why)


def test_two_pictures_are_uploaded_before_the_gallery() -> None:
    unit, answers = replace(UNIT, media=PICTURES, flags=(NSFW_MARK,)), ()
    steps, came = [], iter((lease(0), sent(0), lease(1), sent(1)))
    known: tuple[StepResult, ...] = answers
    while (step := step_of(PLATFORM.next_step(unit, known))).name != PUBLISH:
        steps.append(step)
        known = (*known, next(came))
    assert [one.kind for one in steps] == [StepKind.STAGE] * 4
    opened, put = steps[:2]
    assert (opened.path, opened.encoding, opened.secret_fields) == (
        "/api/media/asset.json?raw_json=1",
        "form",
        UPLOAD_SECRETS,
    )
    assert (put.address, put.token, list(put.json)) == (
        STORE,
        "none",
        ["acl", "key", "content-type", "policy", "X-Amz-Signature"],
    )
    assert isinstance(put.json["policy"], Sealed)
    assert (step.path, step.encoding) == ("/api/submit_gallery_post.json?raw_json=1", "json")
    assert [one["media_id"] for one in step.json["items"]] == ["asset0", "asset1"]
    assert (
        required_marks.first_missing_mark(
            step, required_marks.marks_due(step, "reddit", (NSFW_MARK,))
        )
        == ""
    )
    assert (
        references.stray_reference(
            step, "reddit", references.uploaded_references(step, "reddit", known)
        )
        == ""
    )


def test_single_picture_is_posted_by_its_store_url() -> None:
    unit, known = replace(UNIT, media=PICTURES[:1]), (lease(0), sent(0))
    step = step_of(PLATFORM.next_step(unit, known))
    where = f"https:{STORE}/rte_images/asset0"
    assert (step.json["kind"], step.json["url"]) == ("image", where)
    assert references.uploaded_references(step, "reddit", known) == (where,)
    assert references.stray_reference(step, "reddit", ()) == "egress.remote_reference"
    assert references.uploaded_references(step, "reddit", (sent(0),)) == ()


def test_invalid_lease_or_refused_upload_stops_the_post() -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    for body in (
        {},
        {"args": {"action": STORE}},
        {"args": {"action": "evil", "fields": []}, "asset": {"asset_id": "a"}},
    ):
        answer = said(f"{UPLOAD_LEASE_STEP}{PICTURES[0].sha256[:24]}", 200, body)
        assert isinstance(PLATFORM.next_step(unit, (answer,)), Rejected)
    for status in (400, 403):
        again = PLATFORM.next_step(unit, (lease(0), sent(0, status)))
        assert isinstance(again, Retry)
        assert again.uploads_gone
    assert isinstance(PLATFORM.next_step(unit, (lease(0), sent(0, 503))), Retry)
    assert isinstance(
        PLATFORM.next_step(unit, (lease(0), StepAnswerLost(UPLOAD_PUT_STEP, "ReadTimeout"))), Retry
    )


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (told(data={"id": "abc123", "name": "t3_abc123", "url": "https://x"}), Published),
        (told(data={"id": "t3_abc123"}), Published),
        (told(data={"id": "../1"}), Uncertain),
        (told(data={}), Uncertain),
        (said(PUBLISH, 200, {}), Uncertain),
        (said(PUBLISH, 200, None), Uncertain),
        (code("RATELIMIT", "take a break for 11 minutes", "ratelimit", ratelimit=660.5), Retry),
        (code("RATELIMIT", "take a break", "ratelimit", data={"id": "abc123"}), Published),
        (code("ALREADY_SUB", "that link was submitted", "url"), Uncertain),
        (code("SUBREDDIT_NOTALLOWED", "not allowed", "sr"), Rejected),
        (code("SUBMIT_VALIDATION_FLAIR_REQUIRED", "flair", "flair"), Rejected),
        (code("TOO_LONG", "too long", "title"), Rejected),
        (
            said(
                PUBLISH,
                400,
                {"reason": "TITLE_REQUIRED_STRING", "explanation": "…", "fields": ["title"]},
            ),
            Rejected,
        ),
        (said(PUBLISH, 401, {"message": "Unauthorized", "error": 401}), Reauthorize),
        (said(PUBLISH, 403, {"reason": "private", "message": "Forbidden", "error": 403}), Rejected),
        (said(PUBLISH, 429, {"error": 429}), Retry),
        (said(PUBLISH, 503), Uncertain),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain),
        (StepNotSent(PUBLISH, "ConnectError"), Retry),
    ],
)
def test_publish_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.next_step(UNIT, (answer,)), meant)


def test_rate_limit_gives_its_wait_and_error_code_is_sanitized() -> None:
    wait = PLATFORM.next_step(UNIT, (code("RATELIMIT", "", "", ratelimit=660.5),))
    assert isinstance(wait, Retry)
    assert wait.after == timedelta(seconds=660.5)
    for wrong in (None, -1, 10**9, "soon"):
        assert isinstance(PLATFORM.next_step(UNIT, (code("RATELIMIT", ratelimit=wrong),)), Retry)
    refused = PLATFORM.next_step(UNIT, (code("<b>no_\nway</b>"),))
    assert isinstance(refused, Rejected)
    assert refused.reason.params == {"code": "BNO_WAYB"}


def test_single_picture_post_is_processed_later() -> None:
    unit = replace(UNIT, media=PICTURES[:1])
    later = told(data={"user_submitted_page": "…", "websocket_url": "wss://x"})
    assert isinstance(PLATFORM.next_step(unit, (later,)), Processing)
    assert isinstance(PLATFORM.next_step(UNIT, (later,)), Uncertain)


def test_unexplained_refusal_checks_the_account() -> None:
    no = said(PUBLISH, 403, {"message": "Forbidden", "error": 403})
    asked = step_of(PLATFORM.next_step(UNIT, (no,)))
    assert (asked.kind, asked.path) == (StepKind.CONTROL, "/api/v1/me?raw_json=1")
    for me, meant in (
        (said("me", 403, {"error": 403}), Disconnected),
        (said("me", 200, {"name": "mia", "is_suspended": True}), Disconnected),
        (said("me", 401, {"error": 401}), Reauthorize),
        (said("me", 200, {"name": "mia"}), Rejected),
        (said("me", 503), Rejected),
    ):
        assert isinstance(PLATFORM.next_step(UNIT, (no, me)), meant)


def test_rate_limit_applies_to_the_application() -> None:
    answer = said(PUBLISH, 429, {}, **{"x-ratelimit-used": "100", "x-ratelimit-reset": "37"})
    wait = PLATFORM.next_step(UNIT, (answer,))
    assert isinstance(wait, Retry)
    assert (wait.scope, wait.after) == ("app", timedelta(seconds=37))
    assert is_app_wide_limit(answer)


@pytest.mark.parametrize(
    ("shown", "there"),
    [
        (post(), True),
        (post(title=" A  lake"), True),
        (post(selftext="at  dawn\n"), True),
        (post(subreddit="hills"), False),
        (post(title="A hill"), False),
        (post(selftext="", is_self=False), True),
        (post(created_utc=NOW.timestamp() - 3600), False),
    ],
)
def test_lookup_compares_subreddit_title_text_and_time(shown: dict[str, Any], there: bool) -> None:
    seen = PLATFORM.look_up(SOUGHT, (listing(shown),))
    assert isinstance(seen, Found if there else Absent)


def test_unreadable_or_partial_list_is_unknown() -> None:
    assert isinstance(PLATFORM.look_up(replace(SOUGHT, title="", text=" "), ()), Unknown)
    assert isinstance(
        PLATFORM.look_up(replace(SOUGHT, known=frozenset({"t3_abc123"})), (listing(post()),)),
        Absent,
    )
    for broken in (
        said("look", 200, {}),
        said("look", 200, {"data": {"children": [{"data": None}]}}),
        said("look", 503),
    ):
        assert isinstance(PLATFORM.look_up(SOUGHT, (broken,)), Unknown)
    other = post(name="t3_zzz", title="Another")
    more = step_of(PLATFORM.look_up(SOUGHT, (listing(other, after="t3_zzz"),)))
    assert "after=t3_zzz" in more.path
    assert isinstance(
        PLATFORM.look_up(SOUGHT, (listing(other, after="t3_zzz"),) * MAX_PAGES), Unknown
    )


def test_list_without_adult_posts_proves_nothing_about_them() -> None:
    """Some applications receive no adult posts; without this rule every such post would be
    published again."""
    adult, other = replace(SOUGHT, flags=(NSFW_MARK,)), post(name="t3_zzz", title="Another")
    assert isinstance(PLATFORM.look_up(adult, (listing(other),)), Unknown)
    assert isinstance(PLATFORM.look_up(adult, (listing({**other, "over_18": True}),)), Absent)


def test_deletion_is_confirmed_by_a_lookup() -> None:
    asked = step_of(PLATFORM.remove(COPY, ()))
    said_there = {"id": "t3_abc123", "api_type": "json"}
    assert (asked.path, asked.json, asked.encoding) == ("/api/del/?raw_json=1", said_there, "form")
    done = said("delete", 200, {})
    assert step_of(PLATFORM.remove(COPY, (done,))).path.startswith("/api/info/?")
    for shown, meant in (
        (listing(post()), Retry),
        (listing(post(author="[deleted]")), Published),
        (listing(), Published),
        (said("look", 200, {}), Retry),
        (said("look", 503), Retry),
    ):
        assert isinstance(PLATFORM.remove(COPY, (done, shown)), meant)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (listing(post(over_18=True)), MarkReport()),
        (listing(post()), MarkReport((NSFW_MARK,))),
        (listing(post(removed_by_category="automod_filtered")), MarkReport((), there=False)),
        (listing(), MarkReport((), there=False)),
    ],
)
def test_marks_are_read_back(shown: StepResult, expected: MarkReport) -> None:
    assert PLATFORM.read_marks(COPY, (), ()) == MarkReport()
    assert isinstance(PLATFORM.read_marks(COPY, (NSFW_MARK,), ()), Send)
    assert PLATFORM.read_marks(COPY, (NSFW_MARK,), (shown,)) == expected


def test_unreadable_marks_are_not_missing() -> None:
    assert isinstance(PLATFORM.read_marks(COPY, (NSFW_MARK,), (said("look", 503),)), Retry)
    assert isinstance(PLATFORM.read_marks(COPY, (NSFW_MARK,), (said("look", 200, {}),)), Rejected)


def test_metrics_are_score_and_comments() -> None:
    assert PLATFORM.read_metrics(COPY, (listing(post(score=-3, num_comments=7)),)) == {
        "likes": 0,
        "comments": 7,
    }
    assert PLATFORM.read_metrics(COPY, (listing(),)) is None


def test_destination_check_reads_settings_and_rules() -> None:
    about, rules = said("about", 200, {"data": {"over18": True}}), said("rules", 200, {"rules": []})
    register = {"ai": True, "rules": rules_digest(rules), "read_at": "2026-08-25T12:00:00+00:00"}
    place = Destination(UNIT.account, register=register)
    assert PLATFORM.inspect_destination(place, (about, rules)) == DestinationReport(
        (OVER18_PREDICATE, REGISTERED_PREDICATE, AI_ALLOWED_PREDICATE)
    )
    old = replace(place, register=register | {"read_at": "2026-08-24T11:59:00+00:00"})
    assert PLATFORM.inspect_destination(old, (about, rules)) == DestinationReport(
        (OVER18_PREDICATE, AI_ALLOWED_PREDICATE), (REGISTERED_PREDICATE,)
    )
    changed = said("rules", 200, {"rules": [{"short_name": "No hats", "description": ""}]})
    assert PLATFORM.inspect_destination(place, (about, changed)) == DestinationReport(
        (OVER18_PREDICATE, AI_ALLOWED_PREDICATE), (REGISTERED_PREDICATE,)
    )
    assert PLATFORM.inspect_destination(
        Destination(UNIT.account), (about, rules)
    ) == DestinationReport((OVER18_PREDICATE,), (REGISTERED_PREDICATE, AI_ALLOWED_PREDICATE))
    assert isinstance(PLATFORM.inspect_destination(place, (said("about", 503),)), Retry)


def test_unexplained_refresh_refusal_requires_reconnection() -> None:
    grant = RefreshGrant(UNIT.account, Sealed(b"r"))
    asked = step_of(PLATFORM.refresh(grant, ()))
    assert asked.headers == user_agent_header(UNIT.account)
    assert isinstance(
        PLATFORM.refresh(grant, (said("token", 400, {"message": "Bad Request", "error": 400}),)),
        Reauthorize,
    )
    assert isinstance(
        PLATFORM.refresh(grant, (said("token", 200, {"error": "invalid_grant"}),)), Reauthorize
    )
    assert isinstance(PLATFORM.refresh(grant, (said("token", 503),)), Uncertain)
