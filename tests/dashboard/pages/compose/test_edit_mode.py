"""Changes to a scheduled post: by two members at once, and on a reloaded page."""

from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest

from foundation.db.database import OpenScope
from schedules.approvals import decisions, review_comments
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries, labels
from schedules.posts import queries as schedule_reads
from schedules.posts.lateness import LateLimit
from schedules.publishing import edit_requests
from schedules.rescheduling import priority
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, nobody_is_asked, written
from tests.dashboard.pages.posts.test_recurrence import apart, begun, rows
from tests.dashboard.streamlit_client import Stream, stream

SAVE, OVER, CHANGED = (
    "Enregistrer",
    "Remplacer par ma version",
    "modifiée ailleurs pendant votre saisie",
)
REWORD = "Enregistrer les modifications"
ALONE, FOLLOWING = "Modifier cette date seulement", "Enregistrer pour cette date et les suivantes"


def planned(who: Agency, words: str = "avant") -> UUID:
    delivery_id = who.post(words)
    with who.scope() as scope:
        return schedule_reads.post_id_of_delivery(scope, delivery_id)


def body(who: Agency, post_id: UUID) -> str:
    with who.scope() as scope:
        return schedule_reads.get_stored_post(scope, post_id).body


def rewritten(who: Agency, post_id: UUID, words: str) -> None:
    """Save the post as a colleague does."""
    author = who.act_as(Role.MANAGER)
    with who.scope(author) as scope:
        drafts.rewrite_post(scope, post_id, Draft(who.creator_id, "", words, (), ()), author=author)


def typed(page: Stream) -> str:
    return str(
        page.find("Texte", "text_area").drawn.value or page.find("Texte", "text_area").drawn.default
    )


def reloaded(page: Stream, **other: str) -> str:
    """Reload the current address of the browser."""
    return page.open("/calendar", **{**dict(parse_qsl(page.query)), **other})


def test_change_of_a_colleague_is_shown_and_replaced_only_on_request(
    door: Door, lumiere: Agency
) -> None:
    post_id = planned(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press("Modifier")
        page.type("Texte", "de l’une")
        rewritten(lumiere, post_id, "de l’autre")
        said = page.press(SAVE)
        assert body(lumiere, post_id) == "de l’autre"
        assert "Rien n’a été enregistré" in said
        assert CHANGED in said
        assert "de l’autre" in said
        assert f'href="/calendar?post={post_id}" target="_blank"' in said
        assert SAVE not in page.labels()
        rewritten(lumiere, post_id, "de l’autre encore")
        # a confirmation counts only for the version shown
        assert "de l’autre encore" in page.press(OVER)
        assert body(lumiere, post_id) == "de l’autre encore"
        page.press(OVER)
    assert body(lumiere, post_id) == "de l’une"


def test_change_of_a_colleague_is_reported_at_the_next_redraw(door: Door, lumiere: Agency) -> None:
    post_id = planned(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        assert CHANGED not in page.press("Modifier")
        rewritten(lumiere, post_id, "de l’autre")
        assert CHANGED in page.type("Texte", "de l’une")
        rewritten(lumiere, post_id, "avant")
        assert CHANGED not in page.again()


def test_unrelated_changes_do_not_prevent_saving(door: Door, lumiere: Agency) -> None:
    """An approval, a comment, a label and another late limit."""
    post_id = planned(lumiere)
    manager = lumiere.act_as(Role.MANAGER)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press("Modifier")
        page.type("Texte", "après")
        with lumiere.scope(manager) as scope:
            before = schedule_reads.get_stored_post(scope, post_id).version
            priority.set_late_limit(scope, post_id, LateLimit.DAY, version=before)
            review_comments.add_comment(scope, post_id, "vu", key=uuid4())
            labels.set_post_labels(
                scope, post_id, [labels.create_label(scope, "été", labels.COLOURS[0])]
            )
        with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
            decisions.approve_post(scope, post_id, member_id=lumiere.members[Role.OWNER])
            assert schedule_reads.get_stored_post(scope, post_id).version > before
        assert "Enregistré" in page.press(SAVE)
    assert body(lumiere, post_id) == "après"


def test_change_of_following_dates_keeps_newer_text(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    third = rows(lumiere, post_id)[2]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=third.occurrence_key)
        rewritten(lumiere, post_id, "de l’autre")
        page.type("Heure (HH:MM)", "21:00")
        assert "Modifié à partir du" in page.press(FOLLOWING)
    assert apart(lumiere) == []
    assert body(lumiere, post_id) == "de l’autre"


def test_text_of_following_dates_never_overwrites_unseen_changes(
    door: Door, lumiere: Agency
) -> None:
    post_id = begun(lumiere)
    third = rows(lumiere, post_id)[2]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=third.occurrence_key)
        page.type("Texte", "de l’une")
        rewritten(lumiere, post_id, "de l’autre")
        said = page.press(FOLLOWING)
        assert "Rien n’a été enregistré" in said
        assert "de l’autre" in said
        assert apart(lumiere) == []
        assert "modifiée ailleurs pendant votre saisie" in page.again()
        assert "Modifié à partir du" in page.press(FOLLOWING)
    assert [one.body for one in apart(lumiere)] == ["de l’une"]


def test_reload_opens_the_post_again(door: Door, lumiere: Agency) -> None:
    post_id = planned(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.press("Modifier")
        address = page.query
    with stream(door.url, door.cookie(lumiere)) as page:
        page.query = address
        said = reloaded(page)
        assert "Modifier la publication" in said
        assert "Soumettre pour validation" not in page.labels()
        assert typed(page) == "avant"
        page.type("Texte", "après")
        page.press(SAVE)
    assert body(lumiere, post_id) == "après"


def test_detached_date_is_found_by_back_and_forward(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    second = rows(lumiere, post_id)[1]
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id, at=second.occurrence_key)
        assert "Modifiez-la ici" in page.press(ALONE)
        (alone,) = apart(lumiere)
        address = page.query
        page.open("/calendar", post=post_id)
        page.query = address
        assert "Modifier la publication" in reloaded(page)
        page.type("Texte", "ce jour-là")
        page.press(SAVE)
    assert body(lumiere, alone.id) == "ce jour-là"


def test_empty_composer_shows_nothing_of_another_post(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        assert "Modifiez-la ici" in page.press(ALONE)
        said = page.open("/calendar", new=1)
        assert "Nouvelle publication" in said
        assert "Modifiez-la ici" not in said
        assert typed(page) == ""


@pytest.mark.parametrize("at", ["garbage", "2026-13-45T99:99", "T"])
def test_an_address_with_an_invalid_time_opens_an_empty_composer(
    door: Door, lumiere: Agency, at: str
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Nouvelle publication" in page.open("/calendar", new=1, at=at)


def test_address_decides_and_the_open_draft_is_saved(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    post_id = planned(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Une idée")
        said = page.open("/calendar", new=1, rework=post_id)
        assert "Brouillon enregistré" in said
        assert typed(page) == "avant"


def test_published_post_is_opened_instead_of_edited(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("dehors", state="published")
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        said = page.open("/calendar", new=1, rework=post_id)
        assert "déjà publiée en partie" in said
        assert SAVE not in page.labels()
        assert page.query == f"post={post_id}"


@pytest.mark.parametrize("asked", ["nonsense", "00000000-0000-0000-0000-000000000000", "other"])
def test_foreign_post_cannot_be_edited(
    door: Door, tenant: OpenScope, lumiere: Agency, asked: str
) -> None:
    if asked == "other":
        asked = str(planned(create_agency(tenant), "d’une autre agence"))
    with stream(door.url, door.cookie(lumiere)) as page:
        said = page.open("/calendar", new=1, rework=asked)
        assert "Cette publication n’existe pas" in said
        assert "Texte" not in page.labels("text_area")


@pytest.mark.parametrize("asks", [True, False])
def test_new_approval_is_mentioned_only_where_required(
    door: Door, lumiere: Agency, asks: bool
) -> None:
    post_id = planned(lumiere)
    if not asks:
        nobody_is_asked(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        said = page.press("Modifier")
    assert "Les comptes et l’heure restent les mêmes" in said
    assert ("devra l’être à nouveau" in said) is asks
    with lumiere.scope() as scope:
        assert deliveries.get_post(scope, post_id).body == "avant"


@pytest.mark.parametrize(
    ("minutes", "state", "said"), [(-3, "failed", True), (90, "scheduled", False)]
)
def test_late_post_warns_of_publishing_once_saved(
    door: Door, lumiere: Agency, minutes: int, state: str, said: bool
) -> None:
    delivery_id = lumiere.post("avant", minutes=minutes, state=state)
    with lumiere.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        assert ("L’heure prévue est passée" in page.press("Modifier")) is said


def test_edit_of_a_live_post_replaces_only_the_version_seen(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("une faute", minutes=-5, state="published")
    with lumiere.scope() as scope:
        scope.run("UPDATE deliveries SET native_id = 'p1' WHERE tenant_id = :t", t=scope.tenant_id)
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.type("Texte", "de l’une")
        colleague = lumiere.act_as(Role.MANAGER)
        with lumiere.scope(colleague) as scope:
            edit_requests.request_edit(
                scope, post_id, title="", body="de l’autre", able={"sandbox"}, author=colleague
            )
        said = page.press(REWORD)
        assert body(lumiere, post_id) == "de l’autre"
        assert CHANGED in said
        assert "Modification enregistrée" in page.press(REWORD)  # the typed text remained
        assert body(lumiere, post_id) == "de l’une"
        assert CHANGED not in page.open("/calendar", post=post_id)
