"""The core rules of every connector, verified on the fake platform; each returns its breaches."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise, product, takewhile
from typing import Any

from connectors.conformance.address_rules import addresses_are_resolved
from connectors.conformance.comment_rules import (
    comments_are_answered_once,
    comments_are_moderated,
    comments_are_received,
)
from connectors.conformance.crosspost_rules import crossposts_are_made_once
from connectors.conformance.edit_rules import edits_are_applied
from connectors.conformance.first_comment_rules import first_comments_are_posted_once
from connectors.conformance.harness import PublishReport, SendingHarness, may_ask_member
from connectors.conformance.metric_rules import (
    earnings_are_reported,
    followers_are_counted,
    last_day,
    movements_are_listed,
)
from connectors.conformance.option_rules import options_reach_the_wire
from connectors.conformance.presence_rules import deleted_posts_are_noticed
from connectors.conformance.price_rules import prices_are_enforced, purchases_are_seen
from connectors.conformance.refusal_rules import unexplained_refusals_keep_the_account
from connectors.conformance.role_rules import roles_are_given_once
from connectors.conformance.textless_post_rules import textless_posts_are_found
from connectors.conformance.token_rules import tokens_are_renewed
from connectors.conformance.webhook_rules import app_webhooks_are_verified, webhooks_are_read
from connectors.conformance.world import ConnectorWorld
from connectors.contract.balance import SupportsBalance
from connectors.contract.capabilities import MIN_LISTING_LAG_SECONDS
from connectors.contract.comments import SupportsComments
from connectors.contract.connector import (
    Connector,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    SupportsReplacement,
    WireStep,
)
from connectors.contract.earnings import SupportsEarnings
from connectors.contract.invites import SupportsInvites
from connectors.contract.metrics import SupportsFollowerCount
from connectors.contract.outcomes import (
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.shared.http_responses import proves_refusal
from connectors.transport.transport import EgressForbidden
from foundation.ids import uuid7
from gate.contract import replacement_picture
from gate.contract.units import Subject, Text, Unit

Rule = Callable[[ConnectorWorld, Connector], list[str]]
REPLACEMENT_SUBJECT = Subject(replacement_picture.REPLACEMENT_STEP, uuid7())

TRANSIENT_FAULTS: Mapping[str, tuple[tuple[str, str, Mapping[str, Any]], ...]] = {
    "good day": (),
    "hang": (("hang", "posts", {}),),
    "reset before": (("reset_before", "posts", {}),),
    "accepted, then hang": (("accept_then_hang", "posts", {}),),
    "accepted, then reset": (("reset_after", "posts", {}),),
    "503": (("status:503", "posts", {}),),
    "503 after accepting": (("status:503_after", "posts", {}),),
    "502 after accepting": (("status:502_after", "posts", {}),),
    "408": (("status:408_after", "posts", {}),),
    "409 after accepting": (("status:409_after", "posts", {}),),
    "425 after accepting": (("status:425_after", "posts", {}),),
    "499 after accepting": (("status:499_after", "posts", {}),),
    "522 after accepting": (("status:522_after", "posts", {}),),
    "unknown status after accepting": (("status:460_after", "posts", {}),),
    "redirect": (("status:302_after", "posts", {}),),
    "429 with Retry-After": (("status:429", "posts", {"retry_after": 90}),),
    "429 without": (("status:429", "posts", {}),),
    "drip": (("drip", "posts", {}),),
    "broken JSON": (("garbage", "posts", {}),),
    "twice in a row": (("reset_before", "posts", {}), ("reset_after", "posts", {})),
    "look-up down": (("reset_after", "posts", {}), ("status:503", "lookups", {"times": 4})),
    "look-up lost": (("accept_then_hang", "posts", {}), ("hang", "lookups", {"times": 2})),
    "look-up refused": (("reset_after", "posts", {}), ("status:404", "lookups", {"times": 1})),
    "look-up lags": (
        ("reset_after", "posts", {}),
        ("lag", "lookups", {"lookup_lag": MIN_LISTING_LAG_SECONDS - 1.0}),
    ),
}
"""Temporary faults, each by the name of its test. The unit must be published exactly once and
reported as published."""

NOTHING_ACCEPTED = frozenset({"good day", "429 with Retry-After", "429 without"})
"""Names of the faults after which the delivery is never uncertain."""


NOTHING_ARRIVED = frozenset({"hang", "reset before", "503", "twice in a row"})
"""Names of the faults whose first request published nothing, which only a safe repeat or a proof of
absence resolves."""


def publishes_exactly_once(world: ConnectorWorld, connector: Connector, day: str) -> list[str]:
    """Check that no post is duplicated, lost or misreported after a temporary fault."""
    for mode, on, more in TRANSIENT_FAULTS[day]:
        if mode == "lag" and not world.lags:
            continue
        world.inject_fault(mode, on, **({"seconds": 3.0} | dict(more)))
    unit = world.unit()
    story = SendingHarness(world, connector).publish(unit)
    doubtful = day not in NOTHING_ACCEPTED and not world.can_look
    return _find_report_breaches(
        world,
        unit,
        story,
        in_doubt=doubtful
        or (day in NOTHING_ARRIVED and may_ask_member(world, connector, world.unit())),
    )


def never_repeats_behind_a_lag(
    world: ConnectorWorld, connector: Connector, lag: timedelta
) -> list[str]:
    """Check that an accepted post whose answer was lost is never sent twice, however long it is
    missing from the lists of the platform."""
    world.inject_fault("reset_after", "posts")
    world.inject_fault("lag", "lookups", lookup_lag=lag.total_seconds())
    unit = world.unit()
    story = SendingHarness(world, connector).publish(unit)
    return _find_report_breaches(
        world,
        unit,
        story,
        in_doubt=not world.can_look or may_ask_member(world, connector, world.unit()),
    )


def _find_report_breaches(
    world: ConnectorWorld, unit: Unit, story: PublishReport, *, in_doubt: bool
) -> list[str]:
    ids = [
        native_id for native_id, text in world.fake.accepted_posts() if text == unit.text_of("body")
    ]
    breaches = [f"sent {len(ids)} times"] if len(ids) > 1 else []
    match story.outcome:
        case Published(native_id=native_id) if native_id not in ids:
            breaches.append("misreported: published, but it is missing")
        case Published():
            pass
        case Uncertain() if in_doubt:
            pass
        case Rejected() | Reauthorize() if ids:
            breaches.append("misreported: rejected, but it is live")
        case other:
            breaches.append(f"lost: {type(other).__name__}")
    return breaches


ERROR_BODIES: tuple[Any, ...] = (None, "<html>", {}, {"error": "asked_for"}, {"code": 50001})


def unproven_answers_are_looked_up(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that, after the platform accepted a post, an answer with any status that does not prove
    the contrary never ends as refused, and is repeated only where a key makes that safe."""
    unit = world.unit()
    story = SendingHarness(world, connector).publish(unit)
    sent = next(step for step in reversed(story.steps) if step.kind is StepKind.PUBLISH)
    before = list(takewhile(lambda answer: answer.step != sent.name, story.told))
    repeatable = connector.capabilities.resend_is_look
    allowed = (Uncertain, Processing, Published, *((Retry,) if repeatable else ()))
    breaches = []
    for status, body in product(range(100, 600), ERROR_BODIES):
        answer = Response(sent.name, status, {}, body)
        if (answer.is_success and isinstance(body, dict)) or proves_refusal(answer):
            continue
        outcome = connector.next_step(unit, (*before, answer))
        if not isinstance(outcome, allowed):
            breaches.append(f"{status} with {body!r} is reported as {type(outcome).__name__}")
    return breaches


def refusals_are_final(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a refused post is reported, is not published and costs one request."""
    breaches = []
    for mode, expected in (
        ("refuse", Rejected),
        ("status:422", Rejected),
        ("status:401", (Reauthorize, Retry)),
    ):
        unit = world.unit()
        before = _list_publish_requests(world)
        world.inject_fault(mode, "posts")
        outcome = SendingHarness(world, connector).publish(unit).first_response
        if not isinstance(outcome, expected):
            breaches.append(f"{mode} is reported as {type(outcome).__name__}")
        if isinstance(outcome, Rejected) and len(_list_publish_requests(world)) - len(before) != 1:
            breaches.append(f"{mode}: retried after a rejection")
    return breaches


def _list_publish_requests(world: ConnectorWorld) -> list[Mapping[str, Any]]:
    return [entry for entry in world.fake.requests() if entry["kind"] in {"posts", "messages"}]


def retry_after_is_respected(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that no request is sent before the time in Retry-After."""
    world.inject_fault("status:429", "posts", retry_after=90, times=2)
    SendingHarness(world, connector).publish(world.unit())
    entries = _list_publish_requests(world)
    gaps = [
        _parse_time(after) - _parse_time(before)
        for before, after in pairwise(entries)
        if before["status"] == 429
    ]
    return [f"retried after {gap}" for gap in gaps if gap < timedelta(seconds=89)]


def _parse_time(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["at"])


def staging_is_never_uncertain(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that uploads before the publish step are retried and never lead to an uncertain
    delivery."""
    breaches = []
    for mode in ("accept_then_hang", "reset_before", "status:503_after", "garbage", "status:429"):
        world.inject_fault(mode, "files", seconds=3.0)
        unit = world.unit(media=2)
        story = SendingHarness(world, connector).publish(unit)
        breaches += _find_report_breaches(world, unit, story, in_doubt=False)
        if any(isinstance(outcome, Uncertain) for outcome in story.outcomes):
            breaches.append(f"{mode} of an upload leaves the delivery uncertain")
    return breaches


def media_are_staged(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that each medium is sent by its digest, never as a URL.

    It is either uploaded before the publish step, which then refers to it, or sent as part of that
    step.
    """
    unit = world.unit(media=2)
    try:
        story = SendingHarness(world, connector).publish(unit)
    except EgressForbidden as refused:  # the transport detects it too
        return [f"a medium was not staged: {refused}"]
    staged = {step.file.sha256 for step in story.steps if step.file is not None}
    staged |= {
        file.sha256
        for step in story.steps
        for file in (*step.files.values(), *step.fetched.values())
    }
    last = [step for step in story.steps if step.kind is StepKind.PUBLISH]
    breaches = [] if len(last) == 1 else [f"{len(last)} steps publish it"]
    if staged != {medium.sha256 for medium in unit.media}:
        breaches.append("a medium was not staged")
    told = [step.wire_digest() for step in story.steps if step.kind is StepKind.STAGE]
    if len(set(told)) != len(told):
        breaches.append(
            "requests for different files have the same digest, by which responses are stored"
        )
    wire = json.dumps([step.json for step in last])
    carried = {
        step.file.sha256 for step in last if step.file is not None
    }  # the last part of an upload may publish the post
    names = [world.name_of(medium) for medium in unit.media if medium.sha256 not in carried]
    named = not connector.capabilities.stages or all(name in wire for name in names)
    if (not world.addressed and ("http:" in wire or "https:" in wire)) or not named:
        breaches.append("the publish step does not name the staged files")
    return breaches + _find_report_breaches(world, unit, story, in_doubt=False)


def stepper_is_pure(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that the connector is deterministic, and that the native key is sent unchanged on
    platforms that accept one."""
    unit = world.unit()
    first = connector.next_step(unit, ())
    second = connector.next_step(unit, ())
    if not isinstance(first, Send) or not isinstance(second, Send):
        return ["a plain text is not sent"]
    breaches = (
        []
        if first.step.wire_digest() == second.step.wire_digest()
        else ["the step differs when built again"]
    )
    if connector.capabilities.look == "none" or not world.keyed:
        return breaches
    house = SendingHarness(world, connector)
    sent, other = (
        house.publish(each).steps[-1] for each in (unit, replace(unit, native_key=world.key()))
    )
    if world.key_on_wire(unit.native_key) not in sent.path + json.dumps(
        [sent.json, dict(sent.headers)]
    ):
        breaches.append("the native key is not sent")
    if other.wire_digest() == sent.wire_digest():
        breaches.append("the wire digest does not cover the native key")
    return breaches


def text_is_unchanged(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that texts are sent byte for byte, and that units over a limit are rejected without a
    request."""
    text = "  Élan… 🎞️\n\tend  "
    most = connector.capabilities.size_limits(world.surface)[0]
    breaches = []
    for wanted in (text, "x" * most):
        SendingHarness(world, connector).publish(world.unit(wanted))
        if world.fake.accepted_posts()[-1][1] != world.keeps(wanted):
            breaches.append("the text was changed")
    if not isinstance(connector.next_step(world.unit("x" * (most + 1)), ()), Rejected):
        breaches.append("a text that is too long is sent")
    bare = replace(world.unit(), media=())
    if (
        connector.capabilities.required_content(world.surface)
        and not world.viewer
        and isinstance(connector.next_step(bare, ()), Send)
    ):
        breaches.append("a post without media is sent where media is required")
    return breaches


def marks_are_sent(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that the requests contain all content flags."""
    unit = world.unit(media=world.flagged_media, flags=world.flags)
    try:
        steps = SendingHarness(world, connector).publish(unit).steps
    except EgressForbidden as refused:  # the transport detects it too
        return [f"flags are missing: {refused}"]
    content = [
        step.json
        for step in steps
        if step.kind in (StepKind.STAGE, StepKind.PUBLISH) and step.json is not None
    ]
    if steps[-1].kind is not StepKind.PUBLISH or not content:
        return ["nothing is sent"]
    return [] if any(map(world.told, content)) else ["flags are missing in the request"]


def removal_is_proven(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that the outcome `Published` of a removal means that the copy is deleted.

    Removal must be idempotent and be retried after a fault.
    """
    unit = world.unit()
    house = SendingHarness(world, connector)
    outcome = house.publish(unit).outcome
    if not isinstance(outcome, Published):
        return ["the post was not published"]
    if not connector.capabilities.can_remove(
        chat=world.viewer
    ):  # it must be rejected at once, without a request
        refused = connector.remove(PlatformCopy(outcome.native_id, unit.account, unit.viewer), ())
        return [] if isinstance(refused, Rejected) else ["an unsupported removal is not rejected"]
    breaches = []
    for mode in ("status:503", "hang"):
        world.inject_fault(mode, "deletes", seconds=3.0)
        if not isinstance(house.remove(unit, outcome.native_id), Retry):
            breaches.append(f"{mode} of a removal is not retried")
    if outcome.native_id not in world.fake.live_post_ids():
        breaches.append("removed although the request was not accepted")
    for _ in range(2):
        removed = _remove_post(house, unit, outcome.native_id)
        if not isinstance(removed, Published) or outcome.native_id in world.fake.live_post_ids():
            breaches.append(f"removal not confirmed: {type(removed).__name__}")
    return breaches


def _remove_post(house: SendingHarness, unit: Unit, native_id: str) -> Outcome:
    """Remove a copy and repeat the request up to three times after a Retry, since an answer may be
    lost on a slow machine."""
    outcome = house.remove(unit, native_id)
    for _ in range(3):
        if not isinstance(outcome, Retry):
            break
        outcome = house.remove(unit, native_id)
    return outcome


def replacement_is_never_uncertain(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a replacement is idempotent and retried after a fault, on platforms that support
    it."""
    able = isinstance(connector, SupportsReplacement)
    if able != connector.capabilities.replaces:
        return ["it declares replacements that it cannot make, or the reverse"]
    breaches = []
    for media in (0, 1, 2) if able else ():
        unit = world.unit(media=media)
        house = SendingHarness(world, connector)
        outcome = house.publish(unit).outcome
        if not isinstance(outcome, Published):
            return ["the post was not published"]
        shows = (replacement_picture.replacement_medium(),) if media else ()
        by = replace(
            unit,
            texts=(Text("body", f"removed {media}"),),
            media=shows,
            subject=REPLACEMENT_SUBJECT,
        )
        for mode in ("status:503", "reset_before", "reset_after", "accept_then_hang"):
            world.inject_fault(mode, "edits", seconds=3.0)
            if not isinstance(house.replace(unit, outcome.native_id, by), Retry):
                breaches.append(f"{mode} of a replacement is not retried")
        for _ in range(2):
            if not isinstance(house.replace(unit, outcome.native_id, by), Published):
                breaches.append("not replaced")
        if world.shown(outcome.native_id) != {(by.text_of("body"), bool(shows))}:
            breaches.append(f"the content is {world.shown(outcome.native_id)}")
    return breaches


def older_duplicates_are_ignored(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that an older post with the same text is not mistaken for this one."""
    house = SendingHarness(world, connector)
    older = world.unit()
    first = house.publish(older).outcome
    world.clock.advance(world.twins_after.total_seconds())
    world.inject_fault("reset_before", "posts")
    twin = replace(world.unit(), texts=older.texts)
    second = house.publish(twin).outcome
    decided = world.can_look and not may_ask_member(world, connector, world.unit())
    if not isinstance(first, Published) or (decided and not isinstance(second, Published)):
        return [f"lost: {type(second).__name__}"]
    same = isinstance(second, Published) and second.native_id == first.native_id
    return ["misreported: an older post was mistaken for this one"] if same else []


def clock_skew_is_tolerated(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a post is found although our clock is 30 hours ahead of the platform's."""
    world.inject_fault("reset_after", "posts")
    unit = world.unit()
    story = SendingHarness(replace(world, ahead=timedelta(hours=30)), connector).publish(unit)
    return _find_report_breaches(world, unit, story, in_doubt=not world.can_look)


def refused_connection_is_retried(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that a refused connection is a Retry, because nothing was accepted."""
    away = replace(world, account=replace(world.account, base_url="http://127.0.0.1:9"))
    outcome = SendingHarness(away, connector).publish(world.unit()).outcomes[0]
    return [] if isinstance(outcome, Retry) else [f"reported as {type(outcome).__name__}"]


def control_steps_carry_no_content(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check the kind and action of look-ups, removals and reads, and that they have no content. The
    transport would block them otherwise."""
    copy = PlatformCopy("p1", world.account.account, world.viewer)
    sought = LookupQuery("key", "a text of ours", world.now(), world.account.account, world.viewer)
    turns: list[tuple[object, StepKind, str]] = [
        (connector.look_up(sought, ()), StepKind.CONTROL, "look"),
        (connector.remove(copy, ()), StepKind.RESTRICT, "delete"),
        (connector.read_metrics(copy, ()), StepKind.CONTROL, "metrics"),
    ]
    if isinstance(connector, SupportsComments):
        heard = connector.list_comments(world.account.account, world.destination, "", ())
        turns.append((heard, StepKind.CONTROL, "updates"))
    if isinstance(connector, SupportsFollowerCount):
        counted = connector.count_followers(world.account.account, world.destination, ())
        turns.append((counted, StepKind.CONTROL, "metrics"))
    if isinstance(connector, SupportsInvites):
        account = world.account.account
        turns.append((connector.list_invites(account, ()), StepKind.CONTROL, "metrics"))
        turns.append((connector.find_join_time(account, "7", ()), StepKind.CONTROL, "metrics"))
    if isinstance(connector, SupportsEarnings):
        turns.append(
            (
                connector.read_earnings(world.account.account, last_day(world), ()),
                StepKind.CONTROL,
                "metrics",
            )
        )
    if isinstance(connector, SupportsBalance):
        turns.append((connector.list_movements(0, ()), StepKind.CONTROL, "look"))
    return [
        f"{action}: {turn.step.kind}/{turn.step.action}"
        for turn, kind, action in turns
        if isinstance(turn, Send)
        and (turn.step.kind, turn.step.action, turn.step.file) != (kind, action, None)
    ] + [
        f"{turn.step.name} carries the text"
        for turn, _, _ in turns
        if isinstance(turn, Send) and _has_unit_text(turn.step)
    ]


def _has_unit_text(step: WireStep) -> bool:
    return "a text of ours" in step.path + json.dumps(step.json)


def metrics_are_read(world: ConnectorWorld, connector: Connector) -> list[str]:
    """Check that metrics are read by name, and that an invalid response yields none."""
    unit = world.unit()
    house = SendingHarness(world, connector)
    outcome: Outcome = house.publish(unit).outcome
    if not isinstance(outcome, Published):
        return ["the post was not published"]
    copy = PlatformCopy(outcome.native_id, unit.account, unit.viewer)
    turn = connector.read_metrics(copy, ())
    if not isinstance(turn, Send):
        return [] if world.viewer or not world.counts else ["no metrics are read"]
    numbers = _read_metrics(house, connector, copy)
    world.inject_fault("garbage", "metrics")
    unreadable = _read_metrics(house, connector, copy)
    breaches = (
        [] if isinstance(numbers, Mapping) and world.counts in numbers else [f"no {world.counts}"]
    )
    return breaches + ([] if unreadable is None else ["metrics from a malformed response"])


def _read_metrics(house: SendingHarness, connector: Connector, copy: PlatformCopy) -> object:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := connector.read_metrics(copy, answers), Send):
        answers = (*answers, house.send(turn.step))
    return turn


CORE_RULES: tuple[Rule, ...] = (
    refusals_are_final,
    unproven_answers_are_looked_up,
    unexplained_refusals_keep_the_account,
    retry_after_is_respected,
    staging_is_never_uncertain,
    media_are_staged,
    stepper_is_pure,
    text_is_unchanged,
    marks_are_sent,
    removal_is_proven,
    replacement_is_never_uncertain,
    edits_are_applied,
    older_duplicates_are_ignored,
    clock_skew_is_tolerated,
    textless_posts_are_found,
    refused_connection_is_retried,
    control_steps_carry_no_content,
    metrics_are_read,
    deleted_posts_are_noticed,
    followers_are_counted,
    earnings_are_reported,
    movements_are_listed,
    purchases_are_seen,
    comments_are_received,
    comments_are_answered_once,
    comments_are_moderated,
    first_comments_are_posted_once,
    crossposts_are_made_once,
    roles_are_given_once,
    prices_are_enforced,
    options_reach_the_wire,
    addresses_are_resolved,
    tokens_are_renewed,
    webhooks_are_read,
    app_webhooks_are_verified,
)

ALL_RULES: Mapping[str, Rule] = {
    **{rule.__name__: rule for rule in CORE_RULES},
    **{f"once, {day}": partial(publishes_exactly_once, day=day) for day in TRANSIENT_FAULTS},
}
"""All rules by name, for a parametrized test: the core rules, and exactly-once publishing for each
fault."""
