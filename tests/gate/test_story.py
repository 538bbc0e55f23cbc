"""A thousand decisions of every kind, made again from what was stored: the same bytes."""

import random
from collections import Counter
from dataclasses import replace
from uuid import UUID

from foundation.database import OpenScope
from gate import bundle, desk, minting, people, story
from gate.story import Replay
from gate.units import Rating, Verdict
from tests.gate.builders import invented, message, picture, real_person, unit, world

COUNT, BATCH = 1000, 100
TEXTS = (
    "Good morning",
    "EXPLICIT-MARKER-A",
    "see https://elsewhere.example/x",
    "size S, just turned 27",
    "e\u200bx\u200bp",
    "",
)


def test_a_thousand_stored_decisions_replay_byte_for_byte(tenant: OpenScope, tenant_id: UUID) -> None:
    here, dice, subjects = world(tenant, tenant_id, ceiling="N"), random.Random(20261120), []
    rules = bundle.shipped()
    for _ in range(COUNT // BATCH):
        with here.scope(f"member:{here.rob}") as scope:
            gone = real_person(scope)
            cast = [None, real_person(scope), real_person(scope, max_rating=Rating.S), invented(scope, here), gone]
            people.revoke(scope, gone)
            media = [
                picture(scope, here, rating, person=dice.choice(cast), ai=dice.choice(("none", "generated")))
                for rating in (*Rating, None)
            ]
            for each in media:
                desk.review_bytes(scope, each.sha256, verdict=dice.choice(("approve", "refuse")))
            good = picture(scope, here, Rating.N, person=real_person(scope))
            desk.review_bytes(scope, good.sha256, verdict="approve")
            for _ in range(BATCH):
                text, shown = dice.choice(TEXTS), dice.sample(media, dice.randint(0, 2))
                one = unit(here, text=text, media=shown) if dice.random() < 0.9 else unit(here, media=[good])
                if dice.random() < 0.3:
                    one = message(here, "fan", text=text, media=shown)
                elif dice.random() < 0.3:
                    one = unit(here, text=text, media=shown, platform="x", surface="x.post")
                one = replace(one, flags=minting.flags(scope, one))
                minting.judge(scope, one, author=f"member:{here.ann}")
                subjects.append(one.subject)
    with here.scope() as scope:
        found = [one for each in subjects for one in story.decisions(scope, each, bundles={rules.name: rules})]
    assert Counter(one.replay for one in found) == {Replay.SAME: COUNT}
    assert {one.decision.verdict for one in found} == set(Verdict)
    assert len({reason for one in found for reason in one.decision.reasons}) > 8
