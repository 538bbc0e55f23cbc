"""Comment moderation on Bluesky: hiding replies to our posts, blocking and reporting."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.comments import MODERATE_ACTION, CommentTarget, ModerationAction
from connectors.contract.connector import Response, Send, StepAnswerLost, StepNotSent, StepResult
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
)
from connectors.platforms.bluesky.comments import BEFORE, BLOCK, GATE, LIKE, MODERATION_LOOKUP_STEP
from connectors.platforms.bluesky.publisher import Bluesky
from tests.connectors.platforms.bluesky.test_comments import (
    ANN,
    OTHERS,
    SAID,
    at,
    fake,
    people,
    posted,
    reading,
    reply,
    world,
)
from tests.connectors.platforms.bluesky.test_publisher import DID, URI
from tests.fakes.bluesky import comments
from tests.fakes.bluesky.server import FakeBluesky

__all__ = ["fake", "world"]  # fixtures

BLUESKY = Bluesky()
SPOT = CommentTarget(SAID, ANN, DID)


def looked(body: Any = None, status: int = 200) -> Response:
    return Response(
        MODERATION_LOOKUP_STEP,
        status,
        body=body or {"uri": SAID, "cid": "bafysaid", "value": {"text": "x", "reply": reply()}},
    )


def gate(**value: Any) -> Response:
    kept = {"$type": GATE, "post": URI, "createdAt": at(0), **value}
    return Response(BEFORE, 200, body={"uri": "at://x", "cid": "bafygate", "value": kept})


NO_GATE = Response(BEFORE, 400, body={"error": "RecordNotFound"})
NO_SAID = Response(
    MODERATION_LOOKUP_STEP,
    400,
    body={"error": "InvalidRequest", "message": "Could not locate record: at://x"},
)


def put(act: ModerationAction, *answers: StepResult) -> dict[str, Any]:
    turn = BLUESKY.moderate_comment(SPOT, act, answers)
    assert isinstance(turn, Send)
    assert (turn.step.name, turn.step.action) == (MODERATE_ACTION, MODERATE_ACTION)
    assert turn.step.json is not None
    return dict(turn.step.json)


def test_block_is_one_record_per_author() -> None:
    first, again = put("block"), put("block")
    assert first == again
    assert (first["collection"], first["record"]["subject"]) == (BLOCK, ANN)
    elsewhere = BLUESKY.moderate_comment(replace(SPOT, native_id=OTHERS), "block", ())
    assert isinstance(elsewhere, Send)
    assert elsewhere.step.json is not None
    assert elsewhere.step.json["rkey"] == first["rkey"]


def test_like_is_one_record_and_is_removed_by_its_key() -> None:
    first = put("like", looked())
    assert first == put("like", looked())
    assert (first["collection"], first["record"]["subject"]["uri"]) == (LIKE, SAID)
    assert first["record"]["subject"].keys() == {"uri", "cid"}
    back = put("unlike")
    assert {name: back[name] for name in ("collection", "rkey")} == {
        "collection": LIKE,
        "rkey": first["rkey"],
    }
    assert "record" not in back
    assert put("like", looked())["rkey"] != put("block")["rkey"]


def test_hiding_keeps_other_threadgate_settings() -> None:
    rules = [{"$type": "app.bsky.feed.threadgate#followerRule"}]
    made = put("hide", looked(), gate(allow=rules, hiddenReplies=[OTHERS]))
    assert (
        made["record"] | {"hiddenReplies": [OTHERS]}
        == gate(allow=rules, hiddenReplies=[OTHERS]).body["value"]
    )
    assert (made["record"]["hiddenReplies"], made["swapRecord"]) == ([OTHERS, SAID], "bafygate")
    assert put("hide", looked(), gate(hiddenReplies=[OTHERS, SAID]))["record"]["hiddenReplies"] == [
        OTHERS,
        SAID,
    ]
    shown = put("show", looked(), gate(allow=rules, hiddenReplies=[SAID, OTHERS]))
    assert (shown["record"]["hiddenReplies"], shown["record"]["allow"]) == ([OTHERS], rules)


def test_threadgate_is_created_if_missing() -> None:
    made = put("hide", looked(), NO_GATE)
    assert (made["rkey"], made["record"]["post"], made["swapRecord"]) == (
        URI.rpartition("/")[2],
        URI,
        None,
    )
    assert "allow" not in made["record"]
    assert BLUESKY.moderate_comment(SPOT, "show", (looked(), NO_GATE)) == Published(SAID)


def test_report_names_the_version_of_the_comment() -> None:
    subject = {"$type": "com.atproto.repo.strongRef", "uri": SAID, "cid": "bafysaid"}
    assert put("report", looked())["subject"] == subject


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        (
            (looked({"cid": "b", "value": {"reply": reply(OTHERS, OTHERS)}}),),
            "bluesky.not_our_thread",
        ),
        ((looked({"cid": "b", "value": {"text": "x"}}),), "bluesky.not_our_thread"),
        ((looked(), gate(note="a sentence of somebody's")), "bluesky.gate_unknown"),
    ],
)
def test_unhidable_comment_is_rejected_with_a_reason(
    answers: tuple[StepResult, ...], code: str
) -> None:
    end = BLUESKY.moderate_comment(SPOT, "hide", answers)
    assert isinstance(end, Rejected)
    assert end.reason.code == code


DONE = Response(MODERATE_ACTION, 200, body={"uri": "at://x", "cid": "bafy"})


@pytest.mark.parametrize(
    ("answers", "meant"),
    [
        ((NO_SAID,), Published),
        ((looked({"error": "RepoTakendown"}, 400),), Published),
        ((looked({"error": "Odd"}, 502),), Retry),
        ((looked({"value": {}}),), Retry),
        ((StepAnswerLost(MODERATION_LOOKUP_STEP, "timeout"),), Retry),
        ((looked(), Response(BEFORE, 502)), Retry),
        ((looked(), Response(BEFORE, 400, body={"error": "RepoTakendown"})), Disconnected),
        ((looked(), NO_GATE, DONE), Published),
        ((looked(), NO_GATE, Response(MODERATE_ACTION, 400, body={"error": "InvalidSwap"})), Retry),
        (
            (looked(), NO_GATE, Response(MODERATE_ACTION, 400, body={"error": "InvalidRequest"})),
            Rejected,
        ),
        ((looked(), NO_GATE, Response(MODERATE_ACTION, 200)), Retry),
        (
            (looked(), NO_GATE, Response(MODERATE_ACTION, 401, body={"error": "AuthMissing"})),
            Reauthorize,
        ),
        ((looked(), NO_GATE, Response(MODERATE_ACTION, 429)), Retry),
        ((looked(), NO_GATE, StepAnswerLost(MODERATE_ACTION, "timeout")), Retry),
        ((looked(), NO_GATE, StepNotSent(MODERATE_ACTION, "ConnectError")), Retry),
    ],
)
def test_moderation_response_maps_to_outcome(
    answers: tuple[StepResult, ...], meant: type[Outcome]
) -> None:
    assert isinstance(BLUESKY.moderate_comment(SPOT, "hide", answers), meant)


def test_unsupported_action_or_invalid_id_is_rejected() -> None:
    assert isinstance(BLUESKY.moderate_comment(SPOT, "delete", ()), Rejected)
    assert isinstance(BLUESKY.moderate_comment(replace(SPOT, native_id="7"), "block", ()), Rejected)


def done(world: ConnectorWorld, spot: CommentTarget, act: ModerationAction) -> Outcome:
    house, answers = SendingHarness(world, BLUESKY), tuple[StepResult, ...]()
    while isinstance(turn := BLUESKY.moderate_comment(spot, act, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn


@pytest.mark.parametrize("act", ["hide", "block"])
def test_repeated_action_after_a_lost_response_is_done_once(
    fake: FakeBluesky, world: ConnectorWorld, act: ModerationAction
) -> None:
    mine, ann = people(fake, world)
    said = comments.say(fake, ann, "boo", under=posted(world))
    spot = CommentTarget(said, ann.did, mine.did)
    world.inject_fault("reset_after", "moderation")
    assert isinstance(done(world, spot, act), Retry)
    assert [done(world, spot, act) for _ in range(2)] == [Published(said)] * 2
    assert reading(world, "")[0] == []
    assert len(mine.others) == 1


def test_mention_in_another_thread_cannot_be_hidden(
    fake: FakeBluesky, world: ConnectorWorld
) -> None:
    mine, ann = people(fake, world)
    named = comments.say(fake, ann, "@", name=mine.did)
    assert isinstance(done(world, CommentTarget(named, ann.did, mine.did), "hide"), Rejected)
    assert isinstance(done(world, CommentTarget(named, ann.did, mine.did), "report"), Published)
