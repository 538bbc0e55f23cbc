"""Autonomy: raised only by a member with evidence, lowered by itself, and obeyed by each reply."""

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput, GreenroomError, Refused
from gate.contract.units import Rating
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.edit_distance import edit_percent
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.replies import autonomy, persona
from subscribers.replies.autonomy import (
    LEVELS,
    AutonomyEvidence,
    AutonomyLevel,
    ReplyFindings,
    waiting_reason,
)
from subscribers.safety import escalation
from tenants import audit
from tests.subscribers.builders import NOVA, Studio, build_model_reply

REVIEWS = """
INSERT INTO drafts (tenant_id, id, creator_id, conversation_id, channel_id, epoch, in_reply_to_seq,
  origin, kind, state, text, service, language, expires_at, attempt, lookups, approved_by, model,
  prompt_digest, tokens, original_text, edit_percent, buttons, media, created_at, updated_at)
SELECT tenant_id, gen_random_uuid(), creator_id, id, channel_id, 1, 0, 'bot', 'text', :state, '', '',
  'fr', :now, 0, 0, :by, 'fake/scripted', '', 0, '', CAST(:edited AS integer), '[]', '[]', :now, :now
FROM conversations, generate_series(1, :count) WHERE tenant_id = :tenant
"""


def level_of(studio: Studio) -> AutonomyLevel | None:
    with studio.scope() as scope:
        return autonomy.current_level(scope, studio.world.creator_id)


def begin_at(studio: Studio, level: AutonomyLevel) -> None:
    with studio.scope() as scope:
        persona.set_autonomy_level(scope, studio.world.creator_id, level)


def review(studio: Studio, count: int, *, edited: int | None = 0) -> None:
    """Add reviewed drafts; `edited` is the percentage changed, None a rejection."""
    with studio.scope() as scope:
        scope.run(
            REVIEWS,
            tenant=scope.tenant_id,
            now=scope.now,
            count=count,
            state="rejected" if edited is None else "sent",
            by=None if edited is None else "member:x",
            edited=edited,
        )


def change(studio: Studio, level: str) -> None:
    with studio.scope() as scope:
        autonomy.change_autonomy(scope, studio.world.creator_id, level)


def activate(studio: Studio, card: str) -> UUID:
    with studio.scope() as scope:
        made = persona.create_persona_version(
            scope, studio.world.creator_id, replace(NOVA, card=card)
        )
        persona.activate_persona(scope, made)
    return made


findings = st.builds(
    ReplyFindings,
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from([Rating.G, Rating.S, Rating.N, Rating.E, Rating.X]),
    st.booleans(),
)


@given(findings)
def test_higher_level_never_sends_less_and_unsafe_replies_always_wait(found: ReplyFindings) -> None:
    sent = [waiting_reason(level, found) is None for level in LEVELS]
    assert sent == sorted(sent)
    assert not any(sent[:2]), "a member approves each reply of the lower levels"
    if found.is_held or found.rating.rank > Rating.S.rank:
        assert not any(sent)
    if sent[2]:
        assert not found.has_offer
        assert found.confidence >= autonomy.MIN_CONFIDENCE


@given(
    st.builds(
        AutonomyEvidence,
        st.integers(0, 1200),
        st.integers(0, 1200),
        st.integers(0, 3),
        st.floats(0, 50),
        st.none() | st.integers(0, 100),
    ),
    st.sampled_from(LEVELS),
)
def test_levels_need_growing_evidence(found: AutonomyEvidence, level: AutonomyLevel) -> None:
    missing = autonomy.find_obstacles(level, found)
    if level in ("off", "copilot"):
        assert missing == ()
    elif not missing:
        assert found.missed_safety == 0
        assert found.reviewed >= (1000 if level == "autopilot" else 60)
        assert found.unchanged * 10 >= found.reviewed * 9
        assert autonomy.find_obstacles("supervised", found) == ()


@given(st.text(max_size=60), st.text(max_size=60))
def test_edit_percent_is_symmetric_and_bounded(before: str, after: str) -> None:
    percent = edit_percent(before, after)
    assert percent == edit_percent(after, before)
    assert (percent == 0) == (before == after)
    assert percent <= 15 or percent == 100
    assert edit_percent(before + "x" * 100, before + "x" * 99 + "y") in (0, 1)


steps = st.one_of(
    st.tuples(st.just("change"), st.sampled_from(LEVELS)),
    st.tuples(st.just("review"), st.sampled_from([60, 300, 1000])),
    st.tuples(st.just("reject"), st.sampled_from([1, 200])),
    st.tuples(st.just("miss"), st.just(0)),
    st.tuples(st.just("version"), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.sampled_from([1, 15])),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(steps, max_size=10))
def test_level_rises_only_by_a_member_with_evidence(
    studio: Studio, sequence: list[tuple[str, object]]
) -> None:
    creator_id = studio.world.creator_id
    studio.world.pass_time(15 * 86400)
    if not studio.rows("SELECT id FROM conversations WHERE tenant_id = :tenant"):
        studio.say("leo", "bonjour")
    begin_at(studio, "copilot")
    with studio.scope() as scope:
        scope.run(
            "DELETE FROM drafts WHERE tenant_id = :t AND approved_by = 'member:x'",
            t=scope.tenant_id,
        )
        scope.run(
            "DELETE FROM drafts WHERE tenant_id = :t AND state = 'rejected'", t=scope.tenant_id
        )
        seen = len(autonomy.load_autonomy(scope, creator_id, limit=1000).changes)
    before = level_of(studio)
    for act, value in sequence:
        with studio.scope() as scope:
            view = autonomy.load_autonomy(scope, creator_id)
        try:
            take_step(studio, act, value)
        except GreenroomError:
            assert level_of(studio) == before, "a refused change changes nothing"
        after = level_of(studio)
        assert before is not None
        assert after is not None
        if LEVELS.index(after) > LEVELS.index(before):
            assert act == "change"
            assert view.missing_for(after) == ()
        if act == "miss":
            assert after in ("off", "copilot")
        before = after
    with studio.scope() as scope:
        changes = autonomy.load_autonomy(scope, creator_id, limit=1000).changes
    made = list(reversed(changes[: len(changes) - seen]))
    assert all(one.after == two.before for one, two in pairwise(made))
    assert not made or made[-1].after == before
    assert all(one.before != one.after for one in made)


def take_step(studio: Studio, act: str, value: object) -> None:
    match act:
        case "change":
            change(studio, str(value))
        case "review":
            review(studio, int(str(value)))
        case "reject":
            review(studio, int(str(value)), edited=None)
        case "version":
            activate(studio, f"card {value}")
        case "wait":
            studio.world.pass_time(int(str(value)) * 86400)
        case "miss":
            talk = studio.thread("leo").id
            with studio.scope() as scope:
                scope.run("UPDATE conversations SET safety_hold = false WHERE id = :id", id=talk)
                escalation.report_missed_signal(scope, talk)


def test_raising_names_what_is_missing_and_rejected_drafts_count(studio: Studio) -> None:
    begin_at(studio, "copilot")
    studio.say("leo", "bonjour")
    review(studio, 59)
    with pytest.raises(Refused) as refused:
        change(studio, "supervised")
    assert refused.value.message.code == "autonomy.needs_reviews"
    assert refused.value.message.params == {"count": 59, "need": 60}
    review(studio, 7, edited=None)
    with pytest.raises(Refused) as refused:
        change(studio, "supervised")
    assert refused.value.message.params == {"percent": 89, "need": 90}
    review(studio, 10, edited=15)
    change(studio, "supervised")
    assert level_of(studio) == "supervised"
    with pytest.raises(Refused):
        change(studio, "autopilot")
    with pytest.raises(BadInput):
        change(studio, "4")


def test_supervised_sends_confident_text_and_keeps_offers(studio: Studio) -> None:
    begin_at(studio, "supervised")
    studio.writer.says = [build_model_reply("Sûre", confidence=0.8)]
    studio.say("leo", "bonjour")
    assert studio.texts("leo")[-1] == "Sûre"
    for said, reply in (
        ("et ?", build_model_reply("Moins sûre", confidence=0.79)),
        ("un pack ?", build_model_reply("Une offre", offer_id="o1")),
    ):
        studio.writer.says = [reply]
        studio.say("leo", said)
        waiting = [one.text for one in studio.thread("leo").waiting if one.state == "draft"]
        assert waiting == [reply["text"]]
        assert reply["text"] not in studio.texts("leo")


def test_off_leaves_the_answer_to_members_and_asks_no_model(studio: Studio) -> None:
    begin_at(studio, "off")
    studio.say("leo", "bonjour")
    assert studio.writer.asked == []
    assert studio.thread("leo").owner is OwnerState.PENDING_HUMAN


def test_new_version_lowers_the_level_until_enough_drafts_are_reviewed(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    review(studio, 1000)
    activate(studio, "another card")
    assert level_of(studio) == "copilot"
    with pytest.raises(Refused) as refused:
        change(studio, "autopilot")
    assert refused.value.message.code == "autonomy.needs_new_reviews"
    studio.world.pass_time(60)
    review(studio, 50)
    change(studio, "autopilot")
    assert level_of(studio) == "autopilot"
    with studio.scope() as scope:
        acts = [one.act for one in audit.list_recent_acts(scope)]
    assert {"autonomy.lowered", "autonomy.changed", "persona.activated"} <= set(acts)


def test_same_content_and_an_operators_brief_keep_the_level(studio: Studio) -> None:
    activate(studio, NOVA.card)
    assert level_of(studio) == "autopilot"
    with studio.scope() as scope:
        made = persona.create_persona_version(
            scope, studio.world.creator_id, replace(NOVA, card="from the brief")
        )
        persona.activate_persona(scope, made, keep_level=True)
    assert level_of(studio) == "autopilot"


def test_new_model_lowers_the_level_before_its_first_reply_is_sent(studio: Studio) -> None:
    studio.writer.says = [build_model_reply("Ancien modèle")]
    studio.say("leo", "bonjour")
    with studio.scope() as scope:
        scope.run("UPDATE drafts SET model = 'ollama/old' WHERE model = 'fake/scripted'")
    studio.writer.says = [build_model_reply("Nouveau modèle")]
    studio.say("leo", "et toi ?")
    assert "Nouveau modèle" not in studio.texts("leo")
    assert level_of(studio) == "copilot"


def test_refused_drafts_and_complaints_lower_the_level(studio: Studio) -> None:
    assert not autonomy.are_refusals_excessive(10, 2)
    assert autonomy.are_refusals_excessive(59, 3)
    assert not autonomy.are_refusals_excessive(60, 3)
    for fan in ("leo", "zoe", "max"):
        studio.say(fan, "bonjour")
        studio.say(fan, "remboursez-moi, c'est une arnaque")
    studio.writer.says = [build_model_reply("Bonjour")]
    studio.say("ida", "bonjour")
    assert level_of(studio) == "copilot"
    assert "Bonjour" not in studio.texts("ida")


def test_reported_signal_stops_the_bot_and_its_offers_in_the_chat(studio: Studio) -> None:
    begin_at(studio, "copilot")
    studio.writer.says = [build_model_reply("Proposée")]
    studio.say("leo", "je ne vais pas bien")
    begin_at(studio, "supervised")
    talk = studio.thread("leo")
    with studio.scope() as scope:
        escalation.report_missed_signal(scope, talk.id)
        escalation.report_missed_signal(scope, talk.id)
    assert level_of(studio) == "copilot"
    with studio.scope() as scope:
        assert conversation_rows.get_conversation(scope, talk.id).safety_hold
        assert autonomy.load_evidence(scope, studio.world.creator_id).missed_safety == 1
    assert studio.thread("leo").owner is OwnerState.PENDING_HUMAN
    assert all(one.state is not DraftState.DRAFT for one in studio.thread("leo").waiting)


def test_approval_measures_the_members_edit(studio: Studio) -> None:
    begin_at(studio, "copilot")
    studio.writer.says = [build_model_reply("Bonjour, tu vas bien ?")]
    studio.say("leo", "bonjour")
    waiting = studio.thread("leo").waiting[0]
    with studio.scope() as scope:
        outgoing_messages.approve_waiting_draft(scope, waiting.id, text="Bonjour, tu vas mieux ?")
    edited = studio.rows(
        "SELECT edit_percent FROM drafts WHERE tenant_id = :tenant AND id = :id", id=waiting.id
    )
    assert [row.edit_percent for row in edited] == [14]


def test_greeting_follows_the_notice_once(studio: Studio) -> None:
    with studio.scope() as scope:
        made = persona.create_persona_version(
            scope, studio.world.creator_id, replace(NOVA, greeting="Bienvenue {{user}} !")
        )
        persona.activate_persona(scope, made)
    studio.say("leo", "/start")
    texts = studio.texts("leo")
    assert "intelligence artificielle" in texts[0]
    assert texts[1].startswith("Bienvenue ")
    assert "{" not in texts[1]
    studio.say("leo", "/start")
    assert sum("Bienvenue" in text for text in studio.texts("leo")) == 1


@pytest.mark.parametrize(("style", "offered"), [("none", 0), ("on_request", 1), ("active", 2)])
def test_sales_style_decides_when_packs_are_offered(
    studio: Studio, style: persona.SalesStyle, offered: int
) -> None:
    with studio.scope() as scope:
        made = persona.create_persona_version(
            scope, studio.world.creator_id, replace(NOVA, sales_style=style)
        )
        persona.activate_persona(scope, made)
    for said in ("bonjour", "tu vends des photos ?"):
        studio.writer.says = [build_model_reply("Oui")]
        studio.say("leo", said)
    assert sum("OFFERS:\n" in job.system for job in studio.writer.asked) == offered
