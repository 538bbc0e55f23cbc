"""Texts that a text model reads or wrote, as content.

A judge reads the facts once, so that no statement runs while a model writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from foundation.db.database import Scope
from gate.contract.facts import EvidenceSnapshot
from gate.contract.units import Rating, Text
from gate.decision.decide import decide_unit
from gate.evidence import surface_facts
from gate.policy.bundle import Bundle, shipped_bundle
from gate.surfaces.contents import NO_ID, Content, SurfaceDecision, with_shown_content
from gate.text.lexicon import Lexicon

TextModelSurface = Literal["model.persona", "model.trial_chat", "model.memory", "model.suggestion"]


def model_content(surface: TextModelSurface, texts: Iterable[str]) -> Content:
    """Return the texts that one request shows to a model, or one answer of it."""
    return Content(surface, texts=tuple(Text("text", text) for text in texts if text))


@dataclass(frozen=True)
class TextJudge:
    """Judges texts on one surface by the policy and the agency's terms of one moment. Pure.

    The texts belong to no creator, so links count as unregistered.
    """

    surface: TextModelSurface
    bundle: Bundle
    facts: EvidenceSnapshot
    now: datetime

    def judge_texts(self, texts: Iterable[str]) -> SurfaceDecision:
        """Return the decision about texts that are read together."""
        content = model_content(self.surface, texts)
        unit = content.to_unit(self.facts.tenant_id)
        return with_shown_content(decide_unit(self.facts, unit, self.bundle, self.now), content)

    @property
    def lexicon(self) -> Lexicon:
        """Return the lexicon of the policy with the agency's own terms."""
        return self.bundle.lexicon.with_coded_terms(self.facts.own_terms)


def load_text_judge(scope: Scope, surface: TextModelSurface) -> TextJudge:
    """Return a judge with the policy, the terms and the limits in force, read in one statement."""
    unit = model_content(surface, ()).to_unit(scope.tenant_id)
    policy, (facts,), now = surface_facts.gather_surface_facts(
        scope, [unit], creators=[()], labels=[()], viewers=[None], linking_places=[""]
    )
    return TextJudge(surface, policy.bundle, facts, now)


def shipped_text_judge(surface: TextModelSurface, now: datetime) -> TextJudge:
    """Return a judge with the shipped policy and no own terms, for tests and benchmarks."""
    facts = EvidenceSnapshot(NO_ID, author="", author_principal=None, ceiling=Rating.E)
    return TextJudge(surface, shipped_bundle(), facts, now)
