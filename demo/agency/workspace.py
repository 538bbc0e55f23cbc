"""Additions of the demo's members to Analytics: labels of posts, goals, annotations and a shared
view."""

from collections.abc import Sequence
from datetime import timedelta

from demo.agency.cast import AgencyProfile
from demo.agency.people import DEMO_ACTOR, creator_id_of, first_member_with_role
from foundation.db.database import OpenScope, Scope
from foundation.ids import derived_uuid
from foundation.ops.wall_time import local_day
from insights.workspace import annotations, goals, saved_views
from schedules.imports.history_import import PastPost, import_past_labels
from schedules.posts import labels
from tenants.agencies.rights import Role

LABELS = (("Coulisses", "green"), ("Quotidien", "blue"), ("Teaser", "purple"))
"""Labels of posts by slot of the day, with their colors."""

ANNOTATIONS = ((18, "Nouveau tarif des packs"), (6, "Collaboration avec Sacha"))
"""Days before today, and the text."""

VIEW_NAME = "Bilan du lundi"
GOALS = ((goals.GoalMetric.NET, 50_000), (goals.GoalMetric.VIEWS, 65_000))
"""Monthly targets of a creator with sales; amounts are in minor units of the demo's currency."""


def label_history(scope: Scope, published: Sequence[PastPost]) -> None:
    """Label the posts of a history by their slot of the day, once."""
    known = {one.name: one.id for one in labels.list_labels(scope)}
    ids = [known.get(name) or labels.create_label(scope, name, color) for name, color in LABELS]
    slots = sorted({post.wall_time[11:] for post in published})
    import_past_labels(
        scope, {post: ids[slots.index(post.wall_time[11:]) % len(ids)] for post in published}
    )


def fill_workspace(tenant: OpenScope, company: AgencyProfile) -> None:
    """Set the goals of this month, and add the annotations and the shared view once."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        manager = first_member_with_role(scope, Role.MANAGER).id
        today = local_day(scope.now, company.zone)
        if annotations.list_annotations(scope, [], today - timedelta(days=400), today):
            return
        for back, text in ANNOTATIONS:
            annotations.add_annotation(
                scope,
                member_id=manager,
                creator_id=None,
                day=today - timedelta(days=back),
                text=text,
                key=derived_uuid(company.tenant_id, "annotation", text),
            )
        saved_views.save_view(
            scope,
            member_id=manager,
            name=VIEW_NAME,
            parameters={"view": "overview", "period": "days_7", "compare": "previous"},
            is_shared=True,
            key=derived_uuid(company.tenant_id, "view", VIEW_NAME),
        )
        for part in company.creators:
            for metric, target in GOALS:
                goals.set_goal(
                    scope,
                    member_id=manager,
                    creator_id=creator_id_of(scope, part),
                    month=today,
                    metric=metric,
                    target=target,
                    currency=part.packs[0].price.currency,
                    key=derived_uuid(
                        company.tenant_id, "goal", part.slug, metric, today.replace(day=1)
                    ),
                )
