"""Weekly plans proposed from a brief: free times, valid texts, and one draft for each accepted
line."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day, parse_wall_time
from gate.surfaces.model_texts import shipped_text_judge
from generators.contract.engines import (
    EngineMissing,
    GeneratedText,
    OriginLabel,
    TextEngine,
    TextJob,
    UnusableAnswer,
)
from generators.engines.text.templates import TemplateEngine
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods, slots
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.suggestions.events import WeekTextsDue
from schedules.suggestions.shared.engine import fail_suggestions, generate_suggestions
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.shared.results import (
    ForecastResult,
    HourResult,
    MeasuredResults,
    ResultLesson,
    store_results,
)
from schedules.suggestions.shared.stored_briefs import dump_brief, load_brief
from schedules.suggestions.states import WeekLineState
from schedules.suggestions.weekly_plans import prompts, proposals
from schedules.suggestions.weekly_plans.brief import WeekBrief
from schedules.suggestions.weekly_plans.kind import WeekTextsKind
from schedules.suggestions.weekly_plans.proposals import WeekLineChange, WeekLineView, WeekProposal
from schedules.suggestions.weekly_plans.time_layout import (
    BETWEEN,
    FreeHour,
    OccupiedTimes,
    choose_hours,
    spread_over_days,
)
from studio.recipes import specs
from studio.recipes.queries import list_recipes
from tests.foundation.ops.test_wall_time import ZONES
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency

JUDGE = shipped_text_judge("model.suggestion", datetime(2026, 12, 1, tzinfo=UTC))

START = date(2026, 11, 23)


@dataclass
class Model:
    """A text engine that returns a fixed text; with `fault` it fails."""

    fault: str = ""
    says: str = "Des nouvelles fraîches du jardin, écrites exprès pour vous ce matin."
    asked: list[TextJob] = field(default_factory=list)
    name: str = "model"
    model: str = "small"
    languages: frozenset[str] = frozenset({"fr"})
    converses: bool = False

    def write(self, job: TextJob) -> GeneratedText:
        self.asked.append(job)
        if self.fault:
            raise UnusableAnswer("engine.answer_invalid", engine=self.fault)
        return GeneratedText(
            self.says, self.name, self.model, OriginLabel.DEMO, job.seed, job.digest(), 1, 1
        )


def brief(lea: SandboxAgency, **more: Any) -> WeekBrief:
    values: dict[str, Any] = {
        "goal": "Faire connaître la boutique",
        "tone": "gai",
        "language": "fr",
        "channels": (lea.channels["main"],),
        "first": local_day(lea.now(), ZONE) + timedelta(days=1),
        "weekdays": tuple(range(7)),
        "count": 3,
        "topics": ("Le port au matin", "La nouvelle série"),
        "link": "https://example.test/boutique",
        **more,
    }
    return WeekBrief(lea.creator_id, **values)


def asked(lea: SandboxAgency, **more: Any) -> WeekProposal:
    lea.act(proposals.request_week, brief(lea, **more), key=uuid7())
    return shown(lea)


def shown(lea: SandboxAgency) -> WeekProposal:
    with lea.scope() as scope:
        return proposals.list_week_proposals(scope, lea.creator_id)[0]


def write(lea: SandboxAgency, proposal: WeekProposal, engine: TextEngine) -> WeekProposal:
    event = WeekTextsDue(lea.tenant_id, proposal.id)
    generate_suggestions(
        event, kind=WeekTextsKind(), tenant=lea.services.tenant, open_engine=lambda: engine
    )
    return shown(lea)


def drafts(lea: SandboxAgency) -> list[tuple[str, str, str]]:
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT p.body, d.state, d.wall_time FROM posts p JOIN deliveries d ON d.tenant_id = "
            "p.tenant_id"
            " AND d.post_id = p.id WHERE p.tenant_id = :t AND p.origin = 'week' ORDER BY "
            "d.wall_time",
            t=lea.tenant_id,
        )
        return [tuple(row) for row in rows]


@given(st.integers(1, 7), st.integers(1, 21))
def test_posts_are_spread_evenly_and_in_order_over_days(days: int, count: int) -> None:
    known = [START + timedelta(days=number) for number in range(days)]
    found = spread_over_days(known, count)
    assert found == sorted(found)
    assert len(found) == count
    each = [found.count(day) for day in known]
    assert max(each) - min(each) <= 1


WEEK_BEFORE = datetime(2026, 11, 22, tzinfo=UTC)
INSTANTS = st.lists(
    st.integers(0, 10 * 24 * 60).map(lambda minutes: WEEK_BEFORE + timedelta(minutes=minutes)),
    max_size=12,
)
CLOCKS = st.lists(st.times(timezones=st.none()), min_size=1, max_size=5)


@given(st.sampled_from(ZONES), CLOCKS, INSTANTS, st.integers(1, 21))
def test_proposed_times_are_free_and_apart(
    zone: str, clocks: list[time], instants: list[datetime], count: int
) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    days = spread_over_days([START + timedelta(days=number) for number in range(7)], count)
    rows = [[FreeHour(WallTime(day, clock, zone), "plain") for clock in clocks] for day in days]
    found = [
        one.at.instant()
        for one in choose_hours(rows, OccupiedTimes(sorted(instants), (), BETWEEN, now))
    ]
    assert found == sorted(found)
    assert all(at > now for at in found)
    assert all(after - before >= BETWEEN for before, after in pairwise(found))
    assert all(abs(at - taken) >= BETWEEN for at in found for taken in instants)


@pytest.fixture
def measured(lea: SandboxAgency) -> Iterator[MeasuredResults]:
    """Store results of the creator: two proven hours, a hashtag and a forecast."""
    main = lea.channels["main"]
    results = MeasuredResults(
        60,
        24,
        0,
        (ResultLesson("tag", "#mer", 18, 14, 34),),
        hours=(
            HourResult(main, "Main", False, 7, 23, 8, 41, 60),
            HourResult(main, "Main", True, 21, 30, 10, 60, 60),
        ),
        forecasts=(ForecastResult("views", 7, 900, 700, 1200),),
    )
    lea.act(store_results, lea.creator_id, results)
    yield results
    lea.act(store_results, lea.creator_id, MeasuredResults(0, 24, 20))


def test_proven_hours_come_before_usual_ones_and_are_stored_with_the_plan(
    lea: SandboxAgency, measured: MeasuredResults
) -> None:
    found = asked(lea, count=7)
    assert found.brief.results == measured
    clocks = {one.at.day.weekday() >= 5: one.at.clock for one in found.lines}
    assert clocks == {False: time(7), True: time(21)}
    assert {one.hour_from for one in found.lines} == {"best"}


def test_generated_text_contains_no_figure_that_the_brief_does_not(
    lea: SandboxAgency, measured: MeasuredResults
) -> None:
    model = Model(says="Le port au matin a déjà plu à 4321 personnes, venez le voir.")
    found = write(lea, asked(lea), model)
    assert {one.words_by for one in found.lines} == {"brief"}
    said = model.asked[0].turns[0].text
    assert "#mer" in said
    assert "34" not in said
    model.says = "Les 2 séries du port sont prêtes ce matin, venez donc les voir."
    found = write(lea, asked(lea, topics=("Les 2 séries du port",)), model)
    assert {one.words_by for one in found.lines} == {"model"}


def test_generated_text_may_repeat_the_creator_and_liked_hashtags(lea: SandboxAgency) -> None:
    liked = MeasuredResults(60, 24, 0, (ResultLesson("tag", "#été2026", 18, 14, 34),))
    asked_for = replace(brief(lea), results=liked)

    def write_text(says: str) -> str | None:
        return prompts.write_line_text(
            Model(says=says), asked_for, "Nova 99", "Le port", seed=1, judge=JUDGE
        )

    assert write_text("Nova 99 vous attend au port ce matin, un air d'été2026.") is not None
    assert write_text("Nova 98 vous attend au port ce matin, un air d'été2026.") is None


@pytest.mark.parametrize("words", ["Une fille de 15 ans", "EXPLICIT-MARKER-A", "Les enfants"])
def test_refused_text_of_a_week_is_neither_asked_for_nor_used(
    lea: SandboxAgency, words: str
) -> None:
    model = Model()
    assert {one.words_by for one in write(lea, asked(lea, topics=(words,)), model).lines} == {
        "brief"
    }
    assert model.asked == []
    model.says = f"{words} vous attendent au port ce matin, venez donc les voir."
    assert {one.words_by for one in write(lea, asked(lea), model).lines} == {"brief"}
    other = Model()
    write(lea, asked(lea, tone=words), other)
    assert all(words not in job.system for job in other.asked)
    assert other.asked


def test_slots_are_preferred_and_taken_or_quiet_times_skipped(lea: SandboxAgency) -> None:
    first = local_day(lea.now(), ZONE) + timedelta(days=1)
    main = lea.channels["main"]
    for weekday in range(7):
        lea.act(slots.add_slot, main, weekday=weekday, clock=time(16, 45), zone=ZONE)
    taken = lea.delivery("there first", after=3600)
    lea.act(reschedule_delivery, taken, at=WallTime(first, time(16, 45), ZONE))
    closed = first + timedelta(days=1)
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="rest",
        first=closed,
        last=closed,
        zone=ZONE,
    )
    lines = asked(lea, count=7).lines
    by_day = {one.at.day: one for one in lines}
    assert closed not in by_day
    assert by_day[first].hour_from == "plain"
    others = [one for day, one in by_day.items() if day != first]
    assert len(others) == 5
    assert {(one.hour_from, one.at.clock) for one in others} == {("slot", time(16, 45))}


def test_without_model_lines_use_text_of_brief(lea: SandboxAgency) -> None:
    found = write(lea, asked(lea), TemplateEngine())
    assert found.written
    assert [(one.body, one.words_by) for one in found.lines[:2]] == [
        ("Le port au matin\n\nhttps://example.test/boutique", "brief"),
        ("La nouvelle série\n\nhttps://example.test/boutique", "brief"),
    ]
    assert drafts(lea) == []


def test_generated_text_is_marked_and_has_no_forbidden_word(lea: SandboxAgency) -> None:
    model = Model()
    found = write(lea, asked(lea, forbidden=("promo",)), model)
    assert {one.words_by for one in found.lines} == {"model"}
    assert found.lines[0].body == f"{model.says}\n\nhttps://example.test/boutique"
    assert "gai" in model.asked[0].system
    post_id = lea.act(proposals.accept_week_line, found.lines[0].id, version=found.lines[0].version)
    with lea.scope() as scope:
        assert deliveries.get_post(scope, post_id).text_ai == "generated"
    for engine in (
        Model(says="Une grande PROMÔ rien que pour vous, venez vite."),
        Model(fault="broken"),
        Model(languages=frozenset({"en"})),
    ):
        later = write(lea, asked(lea, forbidden=("promo",)), engine)
        assert {one.words_by for one in later.lines} == {"brief"}


def test_missing_engine_keeps_week_for_retry(lea: SandboxAgency) -> None:
    found = asked(lea)

    def missing() -> TextEngine:
        raise EngineMissing("engine.file_missing", file="x.gguf")

    event = WeekTextsDue(lea.tenant_id, found.id)
    with pytest.raises(EngineMissing):
        generate_suggestions(event, kind=WeekTextsKind(), tenant=lea.tenant, open_engine=missing)
    fail_suggestions(event, kind=WeekTextsKind(), tenant=lea.tenant)
    assert shown(lea) == found
    assert write(lea, found, Model()).lines[0].words_by == "model"


def test_each_line_is_billed_separately(lea: SandboxAgency) -> None:
    class Counting(Model):
        def write(self, job: TextJob) -> GeneratedText:
            assert job.tally is not None
            job.tally.record_request(self.name, self.model, 10, 10)
            if len(self.asked) == 1:
                lea.act(proposals.drop_week_line, lines[1].id, version=lines[1].version)
            job.tally.record_answer(10, 10)
            return super().write(job)

    found = asked(lea)
    lines = found.lines
    write(lea, found, Counting())
    with lea.scope() as scope:
        states = scope.run(
            "SELECT subject_id, state FROM text_requests WHERE tenant_id = :t", t=lea.tenant_id
        ).all()
    assert {tuple(row) for row in states} == {
        (lines[0].id, "kept"),
        (lines[1].id, "answered"),
        (lines[2].id, "kept"),
    }


def test_worker_writes_proposed_week(lea: SandboxAgency) -> None:
    asked(lea)
    lea.run()
    assert shown(lea).written


def test_line_changed_during_generation_is_not_overwritten(lea: SandboxAgency) -> None:
    found = asked(lea)
    mine, gone, taken = found.lines

    class Slow(Model):
        def write(self, job: TextJob) -> GeneratedText:
            if not self.asked:
                lea.act(
                    proposals.update_week_line,
                    mine.id,
                    WeekLineChange("à moi", mine.at, None),
                    version=mine.version,
                )
                lea.act(proposals.drop_week_line, gone.id, version=gone.version)
                lea.act(proposals.accept_week_line, taken.id, version=taken.version)
            return super().write(job)

    after = write(lea, found, Slow())
    assert [(one.words_by, one.state) for one in after.lines] == [
        ("person", WeekLineState.PROPOSED),
        ("brief", WeekLineState.DROPPED),
        ("brief", WeekLineState.ACCEPTED),
    ]


def test_accepted_line_is_a_draft(lea: SandboxAgency) -> None:
    lea.connect("second")
    both = tuple(lea.channels.values())
    line = asked(lea, channels=both).lines[0]
    lea.act(proposals.accept_week_line, line.id, version=line.version)
    assert drafts(lea) == [(line.body, str(DeliveryState.DRAFT), str(line.at))] * 2
    lea.live(days=8)
    assert lea.texts() == lea.texts("second") == []


def recipe(lea: SandboxAgency) -> UUID:
    spec = specs.parse_recipe({"name": "quay", "prompt": "a quay", "width": 64, "height": 64})
    found: UUID = lea.act(specs.save_recipe, lea.creator_id, spec)
    return found


def test_recipe_is_ordered_once_with_its_line(lea: SandboxAgency) -> None:
    one = recipe(lea)
    line = asked(lea, recipes=(one,)).lines[0]
    assert line.recipe_id == one
    for _ in range(2):
        lea.act(proposals.accept_week_line, line.id, version=line.version)
    with lea.scope() as scope:
        found = scope.run("SELECT key, total FROM jobs WHERE tenant_id = :t", t=lea.tenant_id).all()
        assert list_recipes(scope, lea.creator_id)[0].id == one
    assert [tuple(row) for row in found] == [(f"week:{line.id}", 1)]


def test_concurrent_acceptance_creates_one_draft(lea: SandboxAgency) -> None:
    line = asked(lea, recipes=(recipe(lea),)).lines[0]
    with ThreadPoolExecutor(4) as pool:
        posts = set(
            pool.map(
                lambda _: lea.act(proposals.accept_week_line, line.id, version=line.version),
                range(4),
            )
        )
    assert len(posts) == 1
    assert len(drafts(lea)) == 1


def test_line_is_accepted_or_dropped_but_not_both(lea: SandboxAgency) -> None:
    line = asked(lea).lines[0]

    def tried(act: Callable[..., Any]) -> bool:
        try:
            lea.act(act, line.id, version=line.version)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        accepted, dropped = pool.map(tried, (proposals.accept_week_line, proposals.drop_week_line))
    assert accepted != dropped
    assert len(drafts(lea)) == accepted


def test_failed_acceptance_is_rolled_back(lea: SandboxAgency) -> None:
    line = asked(lea, recipes=(recipe(lea),)).lines[0]

    def killed(scope: Scope) -> None:
        proposals.accept_week_line(scope, line.id, version=line.version)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        lea.act(killed)
    assert drafts(lea) == []
    assert shown(lea).lines[0].state is WeekLineState.PROPOSED
    lea.act(proposals.accept_week_line, line.id, version=line.version)
    assert len(drafts(lea)) == 1


def test_repeated_request_creates_one_proposal(lea: SandboxAgency) -> None:
    key = uuid7()
    assert lea.act(proposals.request_week, brief(lea), key=key) == lea.act(
        proposals.request_week, brief(lea, count=5), key=key
    )
    with lea.scope() as scope:
        assert len(proposals.list_week_proposals(scope, lea.creator_id, limit=9)) == 1


def test_proposal_expires(lea: SandboxAgency) -> None:
    line = asked(lea).lines[0]
    lea.pass_time(days=8)
    for act in (proposals.accept_week_line, proposals.drop_week_line):
        with pytest.raises(Conflict):
            lea.act(act, line.id, version=line.version)
    with lea.scope() as scope:
        assert proposals.list_week_proposals(scope, lea.creator_id) == []
    assert drafts(lea) == []


def test_line_is_changed_only_in_its_current_version(lea: SandboxAgency) -> None:
    line = asked(lea, forbidden=("gratuit",)).lines[0]
    later = replace(line.at, clock=time(21, 5))
    lea.act(
        proposals.update_week_line,
        line.id,
        WeekLineChange("mes mots", later, None),
        version=line.version,
    )
    with pytest.raises(Conflict):
        lea.act(
            proposals.update_week_line,
            line.id,
            WeekLineChange("trop tard", later, None),
            version=line.version,
        )
    now = next(one for one in shown(lea).lines if one.id == line.id)
    assert (now.body, now.at, now.words_by, now.version) == (
        "mes mots",
        later,
        "person",
        line.version + 1,
    )
    past = replace(later, day=local_day(lea.now(), ZONE) - timedelta(days=1))
    for change in (
        WeekLineChange("C’est GRATUIT !", later, None),
        WeekLineChange(" ", later, None),
        WeekLineChange("x" * 5001, later, None),
        WeekLineChange("passé", past, None),
        WeekLineChange("loin", replace(later, day=date.max), None),
        WeekLineChange("tôt", replace(later, day=date.min), None),
        WeekLineChange("recette", later, uuid7()),
    ):
        with pytest.raises(GreenroomError):
            lea.act(proposals.update_week_line, line.id, change, version=now.version)


HOSTILE: list[dict[str, Any]] = [
    {"goal": "", "topics": ()},
    {"channels": ()},
    {"weekdays": ()},
    {"weekdays": (9,)},
    {"count": 0},
    {"count": 22},
    {"topics": ("x" * 201,)},
    {"topics": ("t",) * 22},
    {"link": "javascript:alert(1)"},
    {"link": "https://a b"},
    {"first": date.max},
    {"first": date.min},
    {"forbidden": ("PORT",)},
]


@pytest.mark.parametrize("more", HOSTILE)
def test_invalid_brief_is_refused(lea: SandboxAgency, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        lea.act(proposals.request_week, brief(lea, **more), key=uuid7())


def test_proposals_are_invisible_to_another_agency(lea: SandboxAgency) -> None:
    other = create_sandbox_agency(lea.services, lea.network)
    line = asked(other).lines[0]
    for act in (proposals.accept_week_line, proposals.drop_week_line):
        with pytest.raises(NotFound):
            lea.act(act, line.id, version=line.version)
    with pytest.raises(NotFound):
        lea.act(proposals.get_week_line, line.id)
    for more in ({"channels": (other.channels["main"],)}, {"recipes": (recipe(other),)}):
        with pytest.raises(NotFound):
            lea.act(proposals.request_week, brief(lea, **more), key=uuid7())


@given(st.text(max_size=30), st.text(max_size=30))
def test_forbidden_word_is_found_as_a_whole_word(before: str, after: str) -> None:
    assert find_forbidden_word(f"{before} Déjà-vu {after}", ("deja-vu",)) == "deja-vu"
    assert find_forbidden_word("reportage", ("port",)) is None
    assert find_forbidden_word(before, ("", " ")) is None


def test_brief_round_trips(lea: SandboxAgency) -> None:
    wanted = brief(lea, recipes=(uuid7(),), forbidden=("a", "b"))
    assert load_brief(WeekBrief, lea.creator_id, dump_brief(wanted)) == wanted
    assert prompts.brief_text("", "but", "") == "but"
    line: WeekLineView = asked(lea).lines[0]
    assert parse_wall_time(str(line.at), ZONE) == line.at
