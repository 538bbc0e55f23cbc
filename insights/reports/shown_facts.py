"""What a stored report shows at this view: the safety check may have allowed more when it was
stored."""

from dataclasses import replace
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.units import Text
from gate.surfaces.contents import Content
from gate.surfaces.decisions import show_allowed
from insights.reports.facts import ReportFacts
from insights.reports.post_facts import post_content, shown_fact


def show_facts(scope: Scope, facts: ReportFacts, surface: str) -> ReportFacts:
    """Return the facts as a surface may show them now: names of creators that it may not show are
    replaced by numbers, and such posts have no title and no address."""
    ids = {name: key for key, name in facts.creators.items()}
    posts = [one for one in facts.posts if one.creator in ids]
    names = [
        Content(surface, (UUID(key),), (Text("name", name),))
        for key, name in facts.creators.items()
    ]
    titles = [post_content(surface, UUID(ids[one.creator]), one.title) for one in posts]
    shown = show_allowed(scope, [*names, *titles])
    called = {
        key: one.text_of("name", f"#{number}")
        for number, (key, one) in enumerate(
            zip(facts.creators, shown[: len(names)], strict=True), start=1
        )
    }
    return replace(
        facts,
        creators=called,
        posts=tuple(
            replace(shown_fact(post, one), creator=called[ids[post.creator]])
            for post, one in zip(posts, shown[len(names) :], strict=True)
        ),
    )
