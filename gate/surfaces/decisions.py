"""Judge content on surfaces that need no permit: when it is saved, for a clear error, and at every
view, because terms, ratings and links change afterwards."""

from collections.abc import Sequence

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.decision.decide import decide_unit
from gate.evidence import surface_facts
from gate.surfaces.contents import Content, ShownContent, SurfaceDecision, with_shown_content


def judge_contents(scope: Scope, contents: Sequence[Content]) -> list[SurfaceDecision]:
    """Return the decision about each content now, in their order. Nothing is logged.

    The number of statements does not depend on the number of contents.
    """
    if not contents:
        return []
    units = [content.to_unit(scope.tenant_id) for content in contents]
    policy, facts, now = surface_facts.gather_surface_facts(
        scope,
        units,
        creators=[content.creators for content in contents],
        labels=[content.labels for content in contents],
        viewers=[content.reader.age for content in contents],
        linking_places=[content.linking_place for content in contents],
    )
    return [
        with_shown_content(decide_unit(known, unit, policy.bundle, now), content)
        for known, unit, content in zip(facts, units, contents, strict=True)
    ]


def require_allowed(scope: Scope, content: Content) -> ShownContent:
    """Return what is shown of the content. Raises Refused with the reason if it may not be."""
    (decision,) = judge_contents(scope, [content])
    if not decision.is_allowed:
        raise Refused(decision.main_reason.code)
    return decision.shown


def show_allowed(scope: Scope, contents: Sequence[Content]) -> list[ShownContent]:
    """Return what is shown of each content: all of it, or a catalogue sentence instead."""
    return [decision.shown for decision in judge_contents(scope, contents)]
