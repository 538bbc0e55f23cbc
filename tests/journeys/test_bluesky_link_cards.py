"""Link cards and mentions on Bluesky: previewed, decided by the gate and sent through the real
routes."""

from dataclasses import replace

from channels.connections.states import AccountSetupState
from dashboard.shell.widgets import render_template
from gate.contract.units import Rating
from gate.policy import emergency_stops
from gate.reviews import link_targets
from schedules.drafts import drafts, previews
from schedules.drafts.feed_previews import build_feed_preview
from schedules.posts import channel_overrides
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from tests.journeys.test_bluesky import House, house, running, server, services

__all__ = ["house", "running", "server", "services"]  # fixtures

PAGE = "https://lea.example/calendrier"


def test_link_card_and_mention_are_published_as_previewed(house: House) -> None:
    lea, leo = house.desk, house.server.account(f"leo-{str(house.desk.tenant_id)[-8:]}.bsky.social")
    assert house.enrol().state == AccountSetupState.CONNECTED
    with lea.scope(f"member:{lea.manager}") as scope:
        link_targets.register_link_target(scope, lea.creator_id, PAGE, rating=Rating.G, adult=False)
    body, photo, here = f"Avec @{leo.handle} : {PAGE}", lea.photo(1), lea.channels["sky"]
    said = ChannelOverride(
        "bluesky",
        options=channel_overrides.normalize_options(
            {"card_title": "Le calendrier", "card_text": "Douze photos"}
        ),
    )
    draft = drafts.Draft(lea.creator_id, "", body, (photo,), (here,), others=(said,))

    def shown(what: drafts.Draft) -> previews.PostPreview:
        with lea.scope(f"member:{lea.author}") as scope:
            connectors = lea.services.connectors
            return previews.preview_draft(
                scope, what, author=f"member:{lea.author}", connectors=connectors
            )[0]

    one = shown(draft)
    assert (one.reasons, one.flags) == ((), ())
    (stand,) = build_feed_preview(one, {photo: ("/picture", "une photo")})
    assert (stand.card, stand.made) == ("lea.example", one.card)
    assert one.card is not None
    assert (one.card.title, one.card.text) == ("Le calendrier", "Douze photos")
    lent = {"word": lambda code, **said: code, "voice": None, "counted": False}
    drawn = render_template(
        "pages/posts/templates/feed_preview.html",
        one=replace(one, chosen=()),
        stands=[stand],
        **lent,
    )
    assert (
        drawn.index("/picture")
        < drawn.index("<b>Le calendrier</b>")
        < drawn.index("lea.example</span>")
    )
    bad = ChannelOverride(
        "bluesky", options=channel_overrides.normalize_options({"card_title": "EXPLICIT-MARKER-A"})
    )
    assert shown(replace(draft, others=(bad,))).flags == ("selfLabels=porn",), (
        "the gate checks the text of the card"
    )

    post = lea.delivery(body, channel="sky", media=(photo,), others=[said])
    house.live(minutes=2)
    assert lea.state(post) is DeliveryState.PUBLISHED, lea.why(post)
    record = house.record(post)
    card = record["embed"]["external"]
    assert (card["uri"], card["title"], card["description"]) == (
        PAGE,
        "Le calendrier",
        "Douze photos",
    )
    assert card["thumb"]["ref"]["$link"] in house.repo.blobs
    assert {"$type": "app.bsky.richtext.facet#mention", "did": leo.did} in record["facets"][0][
        "features"
    ]


def test_blocked_post_with_a_mention_is_held_at_once(house: House) -> None:
    """The first request resolves the mention without a permit, so the claim of the delivery reports
    no verdict."""
    lea, leo = house.desk, house.server.account(f"leo-{str(house.desk.tenant_id)[-8:]}.bsky.social")
    assert house.enrol().state == AccountSetupState.CONNECTED
    post = lea.delivery(f"PROHIBITED-MARKER-A avec @{leo.handle}", channel="sky")
    house.live(minutes=1)
    assert lea.state(post) is DeliveryState.HELD
    assert lea.why(post).startswith("gate.")
    assert [one.outcome for one in lea.attempts(post)] == ["rejected"]
    assert not house.texts()


def test_emergency_stop_delays_a_post_with_a_mention(house: House) -> None:
    lea, leo = house.desk, house.server.account(f"leo-{str(house.desk.tenant_id)[-8:]}.bsky.social")
    assert house.enrol().state == AccountSetupState.CONNECTED
    with lea.scope(f"member:{lea.manager}") as scope:
        emergency_stops.close_switch(
            scope, "creator", str(lea.creator_id), "sending", reason="test"
        )
    post = lea.delivery(f"Avec @{leo.handle}", channel="sky")
    house.live(minutes=1)
    assert lea.state(post) is DeliveryState.SCHEDULED, lea.why(post)
    assert not house.texts()
    with lea.scope(f"member:{lea.manager}") as scope:
        emergency_stops.reopen_switch(
            scope, "creator", str(lea.creator_id), "sending", reason="test over"
        )
    house.live(minutes=6)
    assert lea.state(post) is DeliveryState.PUBLISHED, lea.why(post)
    assert house.texts() == [f"Avec @{leo.handle}"]
