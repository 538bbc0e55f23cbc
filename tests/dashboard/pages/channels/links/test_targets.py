"""The list of allowed links on Channels: declarations, posts held for a link, permissions."""

import pytest

from foundation.db.database import OpenScope
from foundation.errors import Refused
from gate.contract.units import Rating
from gate.reviews import link_targets
from gate.reviews.link_targets import LinkTargetDeclared, LinkTargetEnded, LinkTargetSummary
from schedules.notices import unregistered_links
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

SHOP = "https://boutique.example/mia"


def listed(who: Agency) -> list[LinkTargetSummary]:
    with who.scope() as scope:
        return link_targets.list_link_targets(scope, who.creator_id)


def work(who: Agency) -> None:
    """Process the requested changes as the workers do."""
    with who.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = ANY(:kinds) RETURNING kind, "
            "subject_id, args",
            t=who.tenant_id,
            kinds=[LinkTargetDeclared.kind, LinkTargetEnded.kind],
        ).all()
    for row in rows:
        if row.kind == LinkTargetDeclared.kind:
            link_targets.handle_link_target(
                LinkTargetDeclared(who.tenant_id, row.subject_id, **row.args), tenant=who.open
            )
        else:
            link_targets.handle_link_target_end(
                LinkTargetEnded(who.tenant_id, row.subject_id, **row.args), tenant=who.open
            )


def held(who: Agency, words: str) -> None:
    """Create a post held for its link, as the safety check leaves it."""
    delivery_id = who.post(words, state="held")
    with who.scope() as scope:
        scope.run(
            "UPDATE deliveries SET reason = CAST(:why AS jsonb) WHERE tenant_id = :t AND id = :id",
            why='{"code": "gate.LINK_UNREGISTERED", "params": {}}',
            t=who.tenant_id,
            id=delivery_id,
        )


def test_held_post_links_to_the_list_of_allowed_links(door: Door, lumiere: Agency) -> None:
    held(lumiere, f"Ma boutique : {SHOP}")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=str(lumiere.posts[0]))
        assert "/channels?links=1" in text
        assert "Ouvrir les liens autorisés" in text
        text = page.open("/channels", links=1)
        assert "1 publication en attente à cause de ce lien" in text
        assert SHOP in text
        page.press("Utiliser dans le formulaire ci-dessous")
        page.choose("Classement de la page d’arrivée", "Tout public")
        text = page.press("Ajouter le lien")
        assert f"Ajout de {SHOP}" in text
        work(lumiere)
        text = page.again()
        assert "1 publication en attente" not in text
        assert "déclaré par Owner" in text
    (one,) = listed(lumiere)
    assert (one.url, one.rating, one.adult) == (SHOP, Rating.G, False)
    with lumiere.scope() as scope:
        assert [
            post.words for post in unregistered_links.list_link_holds(scope, [lumiere.creator_id])
        ] == [f"Ma boutique : {SHOP}"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("javascript:alert(1)", "qui commence par https:// ou http://"),
        ("https://boutique.example@evil.example/", "un @ avant son domaine"),
        ("https://bоutique.example/", "des lettres qui ressemblent à d’autres"),
        ("http://192.168.0.1/admin", "sur un réseau privé"),
        ("https://bit.ly/mia", "masquent leur destination"),
        ("https://sortie.example/?u=https://evil.example/", "contient une autre adresse"),
        ("https://onlyfans.com/mia", "connu comme adulte"),
        ("<script>", "Ce lien n’est pas valide"),
        ("", "Ce lien n’est pas valide"),
    ],
)
def test_forbidden_link_is_refused_with_its_reason(
    door: Door, lumiere: Agency, typed: str, said: str
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels", links=1)
        if typed:
            page.type("URL", typed)
        page.choose("Classement de la page d’arrivée", "Tout public")
        assert said in page.press("Ajouter le lien")
    work(lumiere)
    assert listed(lumiere) == []


def test_link_without_classification_is_refused(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels", links=1)
        page.type("URL", SHOP)
        assert "Sélectionnez le classement" in page.press("Ajouter le lien")
    work(lumiere)
    assert listed(lumiere) == []


def test_link_is_renewed_and_removed(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        link_targets.register_link_target(
            scope, lumiere.creator_id, SHOP, rating=Rating.S, adult=True
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "contenu pour adultes" in page.open("/channels", links=1)
        page.press("Renouveler")
        work(lumiere)
        (one,) = listed(lumiere)
        assert (one.rating, one.adult, one.by) == (Rating.S, True, lumiere.act_as(Role.OWNER))
        page.again()
        assert "Retrait de" in page.press("Oui, retirer")
        work(lumiere)
        assert "Aucun lien autorisé" in page.again()
    assert listed(lumiere) == []


def test_links_of_another_agency_are_hidden(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant, mark="autre")
    with other.scope() as scope:
        link_targets.register_link_target(
            scope, other.creator_id, SHOP, rating=Rating.G, adult=False
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert SHOP not in page.open("/channels", links=1)


def test_roles_without_planning_rights_see_no_list(door: Door, lumiere: Agency) -> None:
    held(lumiere, f"Ma boutique : {SHOP}")
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        assert "/channels?links=1" not in page.open("/calendar", post=str(lumiere.posts[0]))
    with lumiere.scope(lumiere.act_as(Role.CREATOR)) as scope, pytest.raises(Refused):
        link_targets.request_link_target(
            scope,
            lumiere.creator_id,
            SHOP,
            owner=link_targets.LinkOwner.SHOP,
            rating=Rating.G,
            adult=False,
        )
