"""The whole gate compared with an oracle: for any sequence of events, it allows exactly the
permitted posts."""

import os
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.units import Medium, Rating, Subject, Text, Unit
from gate.log import decision_log
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from gate.policy.bundle import shipped_bundle
from gate.ratings import ratings
from gate.removal import recall
from gate.reviews import content_reviews
from gate.text import lexicon
from gate.viewers import age_assurance
from tests.gate import oracle
from tests.gate.builders import (
    KEY,
    Step,
    asset_of,
    picture,
    real_person,
    synthetic_person,
    unit,
    world,
)
from tests.gate.oracle_events import (
    ConsentGranted,
    ConsentRevoked,
    Event,
    PersonAdded,
    PictureBlocked,
    PictureFrozen,
    PictureMade,
    PictureRated,
    ReviewGiven,
    SendRequest,
    StopSwitched,
    ViewerAgeChanged,
)

STEPS = int(os.environ.get("GREENROOM_MACHINE_STEPS", "600"))
"""Steps of one run, always the same. A long run executes ten thousand random steps."""
LENGTH = 40
WORDS = {
    "G": "Good morning",
    "S": "SUGGESTIVE-MARKER-A",
    "E": "EXPLICIT-MARKER-A",
    "X": "MINOR-P-A",
}
READER = "reader"
DAY = timedelta(days=1)
SEPARATELY = st.sampled_from(["depict", "publish"])
PLATFORMS = st.sampled_from(
    [("sandbox",), ("x", "own_page"), ("sandbox", "x", "instagram", "own_page")]
)


class Machine(RuleBasedStateMachine):
    """A state machine: each rule performs one operation on the gate and records its event for the
    oracle."""

    persons: Bundle[str] = Bundle("persons")
    pictures: Bundle[str] = Bundle("pictures")
    wishes: Bundle[SendRequest] = Bundle("wishes")
    sent, refused = 0, 0

    def __init__(self, tenant: OpenScope) -> None:
        super().__init__()
        self.world = world(tenant, uuid7())
        self.events: list[Event] = []
        self.names = count()
        self.people: dict[str, UUID] = {}
        self.media: dict[str, Medium] = {}
        self.units: dict[str, Unit] = {}
        self.wished: list[SendRequest] = []
        self.prepare()

    def do(self, act: Any, *, who: UUID | None = None) -> Any:
        with self.world.scope(f"member:{who}" if who is not None else "system:test") as scope:
            return act(scope)

    def name(self, kind: str) -> str:
        return f"{kind}{next(self.names)}"

    def prepare(self) -> None:
        """Create the initial pictures: an allowed adult picture, an unreviewed one, and one without
        a named person."""
        self.somebody = self.meet_somebody(True, True)
        self.good, unseen = (self.make_picture(self.somebody, 1, True, "N") for _ in range(2))
        nobody = self.make_picture(None, None, True, "N")
        for one in (self.good, nobody):
            self.look_at(one, True)
        self.learn_of_reader("proven")
        shown = [
            ("sandbox.post", self.good),
            ("sandbox.chat", self.good),
            ("x.post", unseen),
            ("x.post", nobody),
        ]
        self.watched = [self._wish(place, [one], "G") for place, one in shown]

    @initialize(target=persons)
    def know_somebody(self) -> str:
        return self.somebody

    @initialize(target=pictures)
    def have_a_picture(self) -> str:
        return self.good

    @initialize(target=wishes)
    def wish_for_it(self) -> SendRequest:
        return self.watched[0]

    # ------------------------------------------------------------------ people
    @rule(target=persons, papers=st.booleans(), allowed=st.booleans())
    def meet_somebody(self, papers: bool, allowed: bool) -> str:
        name = self.name("real")
        checked = timedelta(days=200) if papers else -DAY
        self.people[name] = self.do(lambda scope: real_person(scope, scopes=(), checked=checked))
        self.events.append(PersonAdded(name, real=True, papers=papers))
        if allowed:
            for what in ("depict", "publish"):
                self.agree(name, what, ("sandbox", "x", "instagram", "own_page"), "E")
        return name

    @rule(target=persons, papers=st.booleans())
    def invent_somebody(self, papers: bool) -> str:
        name = self.name("invented")
        self.people[name] = self.do(
            lambda scope: synthetic_person(scope, self.world, reviewed=papers)
        )
        self.events.append(PersonAdded(name, real=False, papers=papers))
        return name

    @rule(person=persons, what=SEPARATELY, where=PLATFORMS, most=st.sampled_from("GSE"))
    def agree(self, person: str, what: str, where: tuple[str, ...], most: str) -> None:
        if person.startswith("invented"):
            return

        def grant(scope: Scope) -> None:
            grant_consent(
                scope,
                self.people[person],
                what=what,
                surfaces=where,
                max_rating=Rating(most),
                valid_from=scope.now - DAY,
                valid_until=scope.now + 300 * DAY,
                evidence_digest="e",
                signed_by=self.people[person],
            )

        self.do(grant)
        self.events.append(ConsentGranted(person, what, where, most))

    @rule(person=persons, what=SEPARATELY)
    def take_back(self, person: str, what: str) -> None:
        self.do(lambda scope: revoke_consent(scope, self.people[person], what=what))
        self.events.append(ConsentRevoked(person, what))

    # ------------------------------------------------------------------ pictures
    @rule(
        target=pictures,
        person=st.none() | persons,
        counted=st.sampled_from([None, None, 0, 1, 2]),
        proven=st.sampled_from([True, True, False]),
        rating=st.sampled_from([None, "G", "G", "S", "N", "E"]),
    )
    def make_picture(
        self, person: str | None, counted: int | None, proven: bool, rating: str | None
    ) -> str:
        name = self.name("picture")
        shown = self.people[person] if person is not None else None
        source = "capture" if proven else "form"
        self.media[name] = self.do(
            lambda scope: picture(
                scope,
                self.world,
                Rating(rating) if rating else None,
                person=shown,
                people_seen=counted,
                source=source,
                phash=None,
            )
        )
        self.events.append(PictureMade(name, (person,) if person else (), counted, proven))
        if rating:
            self.events.append(PictureRated(name, rating))
        return name

    @rule(target=pictures, source=pictures)
    def blur(self, source: str) -> str:
        made = next(
            one for one in self.events if isinstance(one, PictureMade) and one.picture == source
        )
        if made.source:
            return source
        name = self.name("blurred")
        self.media[name] = self.do(
            lambda scope: picture(
                scope, self.world, Rating.G, parent=asset_of(scope, self.media[source])
            )
        )
        self.events += [PictureMade(name, source=source), PictureRated(name, "G")]
        return name

    @rule(name=pictures, rating=st.sampled_from("GSNEX"))
    def rate(self, name: str, rating: str) -> None:
        self.do(
            lambda scope: ratings.record_rating(
                scope, self.media[name].sha256, Rating(rating), source="classifier@2"
            ),
        )
        self.events.append(PictureRated(name, rating))

    @rule(name=pictures, yes=st.sampled_from([True, True, True, False]))
    def look_at(self, name: str, yes: bool) -> None:
        verdict = "approve" if yes else "refuse"
        self.do(
            lambda scope: content_reviews.review_bytes(
                scope, self.media[name].sha256, verdict=verdict
            ),
            who=self.world.rob,
        )
        self.events.append(ReviewGiven(name, oracle.OTHER, yes))

    @rule(name=pictures, on=st.booleans())
    def freeze(self, name: str, on: bool) -> None:
        act = ratings.freeze_bytes if on else ratings.unfreeze_bytes
        self.do(lambda scope: act(scope, self.media[name].sha256))
        self.events.append(PictureFrozen(name, until_told=on))

    @rule(name=pictures)
    def forbid(self, name: str) -> None:
        self.do(lambda scope: recall.block_bytes(scope, self.media[name].sha256, category="other"))
        self.events.append(PictureBlocked(name))

    # ------------------------------------------------------------------ the agency
    @rule(feature=st.sampled_from(["sending", "nudity"]), on=st.sampled_from([True, False, False]))
    def stop(self, feature: str, on: bool) -> None:
        target = str(self.world.creator_id)
        if on:
            self.do(
                lambda scope: emergency_stops.close_switch(
                    scope, "creator", target, feature, reason="x"
                ),
                who=self.world.rob,
            )
        else:
            self.do(
                lambda scope: emergency_stops.reopen_switch(
                    scope, "creator", target, feature, reason="x"
                ),
                who=self.world.rob,
            )
        self.events.append(StopSwitched(feature, on))

    # ------------------------------------------------------------------ the viewer
    @rule(known=st.sampled_from(["proven", "proven", "hearsay", "reset", "suspected"]))
    def learn_of_reader(self, known: str) -> None:
        now = self.age()
        if now == "suspected" and known != "reset":
            return  # only a member can clear a suspicion
        if now == "unknown" and known == "reset":
            return
        self.do(lambda scope: self._learn(scope, known), who=self.world.rob)
        self.events.append(ViewerAgeChanged(known))

    def _learn(self, scope: Scope, known: str) -> None:
        if known in ("proven", "hearsay"):
            age_assurance.record_assurance(
                scope,
                platform="sandbox",
                user_id=READER,
                method="test",
                assured_level="L4" if known == "proven" else "L1",
                over_18=True,
                environment="test",
            )
        else:
            {
                "reset": age_assurance.reset_assurance,
                "suspected": age_assurance.mark_suspected_minor,
            }[known](scope, "sandbox", READER)

    def age(self) -> str:
        return next(
            (one.known for one in reversed(self.events) if isinstance(one, ViewerAgeChanged)),
            "unknown",
        )

    # ------------------------------------------------------------------ sending
    @rule(
        target=wishes,
        place=st.sampled_from(sorted(oracle.ALLOWED)),
        shown=st.lists(pictures, max_size=2, unique=True),
        words=st.sampled_from(["G", "G", "G", "S", "E", "X"]),
    )
    def wish(self, place: str, shown: list[str], words: str) -> SendRequest:
        return self._wish(place, shown, words)

    def _wish(self, place: str, shown: list[str], words: str) -> SendRequest:
        wished = SendRequest(self.name("wish"), place, tuple(shown), words)
        one = self._unit(wished)
        self.units[wished.name] = one
        self.wished.append(wished)
        self.do(
            lambda scope: issuance.judge_unit(
                scope, self._marked(scope, one), author=f"member:{self.world.ann}"
            )
        )
        return wished

    def _unit(self, wished: SendRequest) -> Unit:
        chat = wished.place == "sandbox.chat"
        media = tuple(dict.fromkeys(self.media[each] for each in wished.pictures))
        whole = unit(
            self.world,
            text="",
            media=media,
            platform=wished.place.partition(".")[0],
            surface=wished.place,
        )
        whole = replace(whole, texts=(Text("body", WORDS[wished.words]),))
        subject = Subject("draft" if chat else "delivery", uuid7())
        return replace(
            whole, subject=subject, **({"audience": "viewer", "viewer": READER} if chat else {})
        )

    def _marked(self, scope: Scope, one: Unit) -> Unit:
        return replace(one, flags=issuance.required_flags_of_unit(scope, one))

    @rule(wished=wishes, yes=st.sampled_from([True, True, False]))
    def look_at_whole(self, wished: SendRequest, yes: bool) -> None:
        """Review the whole post. A review applies to the unit as it was judged. Its flags change
        with the ratings, so it is judged again."""
        one, known = self._known(wished)
        self.do(lambda scope: issuance.judge_unit(scope, one, author=f"member:{self.world.ann}"))
        verdict = "approve" if yes else "refuse"
        self.do(
            lambda scope: content_reviews.review_unit(scope, one.digest(), verdict=verdict),
            who=self.world.rob,
        )
        self.events.append(ReviewGiven(known.name, oracle.OTHER, yes))
        self.events += [ReviewGiven(each, oracle.OTHER, yes) for each in wished.pictures]

    @rule(wished=wishes)
    def send(self, wished: SendRequest) -> None:
        one, known = self._known(wished)
        try:
            self.do(
                lambda scope: issuance.mint_permit(
                    scope, one, Step(), key=KEY, author=f"member:{self.world.ann}"
                )
            )
            self.compare(known, left=True, why=())
        except PermitDenied as denied:
            self.compare(known, left=False, why=denied.decision.reasons)

    @invariant()
    def the_last_wishes_are_judged_as_they_should_be(self) -> None:
        for wished in {*self.watched, *self.wished[-2:]}:
            one, known = self._known(wished)
            found = self.do(
                lambda scope, one=one: issuance.preview_decision(
                    scope, one, author=f"member:{self.world.ann}"
                )
            )
            self.compare(known, left=found.is_allowed, why=found.reasons)

    def _known(self, wished: SendRequest) -> tuple[Unit, SendRequest]:
        """Return the unit with its flags, and the request under the reviewed name: other flags make
        another unit."""
        one = self.do(lambda scope: self._marked(scope, self.units[wished.name]))
        return one, replace(wished, name=f"{wished.name}:{','.join(one.flags)}")

    def compare(self, known: SendRequest, *, left: bool, why: object) -> None:
        assert left == oracle.may_be_sent(self.events, known), (
            f"{known}: {'allowed' if left else why} after {self.events}"
        )
        Machine.sent, Machine.refused = Machine.sent + left, Machine.refused + (not left)

    def teardown(self) -> None:
        assert isinstance(self.do(decision_log.verify_chain), decision_log.ChainIntact)


def test_gate_allows_exactly_what_oracle_allows(tenant: OpenScope) -> None:
    Machine.sent, Machine.refused = 0, 0
    run_state_machine_as_test(
        partial(Machine, tenant),
        settings=settings(
            max_examples=-(-STEPS // LENGTH),
            stateful_step_count=LENGTH,
            derandomize="GREENROOM_MACHINE_STEPS" not in os.environ,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Machine.sent >= STEPS // 60, (
        f"{Machine.sent} allowed, {Machine.refused} denied: a gate that denies all fails"
    )
    assert Machine.refused >= STEPS // 60


def test_oracle_covers_known_destinations_only() -> None:
    rows = shipped_bundle().rows
    assert oracle.ALLOWED.keys() <= rows.keys()
    assert {one.kind for one in lexicon.shipped_lexicon().terms} >= {
        "explicit",
        "suggestive",
        "minor",
    }
    with pytest.raises(KeyError):
        oracle.may_be_sent([], SendRequest("a", "nowhere.post"))
