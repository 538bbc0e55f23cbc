"""Platform options of a post: approved, judged and stored with it, and refused where no platform
declares them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.attempts import serialization
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.registry import loader
from connectors.shared import options
from foundation.errors import BadInput
from foundation.ids import uuid7
from gate.contract.units import PlatformOption, Subject, Unit
from schedules.approvals import revisions
from schedules.drafts import drafts, previews
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries, link_tracking
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.link_tracking import LinkPolicy
from schedules.posts.models import Post
from schedules.posts.states import DeliveryState
from tests.schedules.builders import SandboxAgency
from tests.schedules.posts.test_channel_prices import checked, elsewhere, on

HIDDEN = ChannelOverride("mastodon", options=(("visibility", "unlisted"),))


def test_changed_option_needs_new_approval(lea: SandboxAgency) -> None:
    elsewhere(lea, "mastodon", "mastodon.post")
    post_id = lea.write(others=[HIDDEN])
    lea.wish(post_id, "mastodon", after=3600)
    lea.approve(post_id)
    lea.plan(post_id)
    open_ = replace(HIDDEN, options=(("visibility", "public"),))
    draft = Draft(lea.creator_id, "", "hello", (), (), others=(open_,))
    with lea.scope(f"member:{lea.author}") as scope:
        before = deliveries.get_post(scope, post_id).digest
        assert not drafts.rewrite_post(scope, post_id, draft, author=f"member:{lea.author}")
        assert deliveries.get_post(scope, post_id).digest != before
        assert {one.state for one in deliveries.deliveries_of_post(scope, post_id)} == {
            DeliveryState.DRAFT
        }
        since = revisions.revision_since_verdict(scope, post_id)
    assert since is not None
    assert [(one.place, one.field) for one in since.changes] == [("mastodon", "option:visibility")]


@pytest.mark.parametrize(
    ("place", "chosen", "code"),
    [
        ("mastodon", {"nobody": "x"}, "option.unknown"),
        ("mastodon", {"visibility": "direct"}, "option.no_such_choice"),
        ("mastodon", {"visibility": True}, "option.wrong_kind"),
        ("mastodon", {"warning": "x" * 201}, "option.too_long"),
        ("mastodon", {"language": "français"}, "option.too_long"),
        ("youtube", {"readers": "private"}, "option.no_such_choice"),
        ("bluesky", {"languages": ["fr", "en", "de", "it"]}, "option.too_many"),
        ("sandbox", {"visibility": "public"}, "option.unknown"),
        ("nowhere", {"visibility": "public"}, "option.nowhere"),
    ],
)
def test_unknown_option_or_value_is_refused(
    lea: SandboxAgency, place: str, chosen: dict[str, Any], code: str
) -> None:
    post_id = lea.write(
        others=[ChannelOverride(place, options=channel_overrides.normalize_options(chosen))]
    )
    with pytest.raises(BadInput, match=code.replace(".", r"\.")):
        checked(lea, post_id)


def test_changed_option_keeps_link_policy(lea: SandboxAgency) -> None:
    """A link policy for future posts was applied to an older one when its content warning changed."""
    here = elsewhere(lea, "mastodon", "mastodon.post")
    post_id = lea.write("https://lea.example.org/shop")
    lea.wish(post_id, "mastodon", after=3600)
    lea.act(
        link_tracking.set_link_policy,
        lea.creator_id,
        LinkPolicy(source="{platform}", campaign="now"),
    )
    lea.act(
        drafts.set_channel_options,
        post_id,
        here,
        (("warning", "Sea"),),
        author=f"member:{lea.author}",
    )
    with lea.scope() as scope:
        owner = deliveries.get_post(scope, post_id)
        assert channel_overrides.content_for_channel(owner, on(lea, "mastodon")).options
        assert link_tracking.link_plan_of_post(owner) == link_tracking.IDLE_LINK_PLAN


def test_channel_option_wins_over_platform_option_and_is_judged(
    lea: SandboxAgency,
) -> None:
    here = elsewhere(lea, "mastodon", "mastodon.post")
    words = "EXPLICIT-MARKER-A"
    others = (
        replace(HIDDEN, options=(("language", "fr"), ("visibility", "unlisted"))),
        ChannelOverride(str(here), options=(("visibility", "private"), ("warning", words))),
    )
    post_id = lea.write(others=others)
    with lea.scope(f"member:{lea.author}") as scope:
        owner = deliveries.get_post(scope, post_id)
        assert channel_overrides.overrides_of_post(owner) == tuple(
            sorted(others, key=lambda one: one.place)
        )
        said = channel_overrides.content_for_channel(owner, on(lea, "mastodon"))
        assert dict(said.options) == {"language": "fr", "visibility": "private", "warning": words}
        kept, loud = (
            previews.preview_draft(
                scope,
                Draft(lea.creator_id, "", "hello", (), (here,), others=given),
                author=f"member:{lea.author}",
                connectors=lea.services.connectors,
            )[0]
            for given in ((HIDDEN,), others)
        )
    before, after = ({one.code for one in shown.reasons} for shown in (kept, loud))
    assert before < after, (before, after)


UNIT = Unit(uuid7(), uuid7(), Subject("delivery", uuid7()), "x", "x.post", uuid7(), "a", "public")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
SETTINGS = st.builds(
    PlatformOption, TEXTS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), st.booleans()
)


@given(st.lists(SETTINGS, max_size=3).map(tuple))
def test_unit_serialization_keeps_options(
    chosen: tuple[PlatformOption, ...],
) -> None:
    unit = replace(UNIT, options=chosen)
    assert serialization.unit_from_json(serialization.unit_to_json(unit)) == unit
    assert (unit.digest() == UNIT.digest(), unit.approved_content() == UNIT.approved_content()) == (
        not chosen,
        not chosen,
    )
    assert set(unit.visible_texts) == {value for one in chosen if one.read for value in one.values}
    assert unit.place_id == UNIT.place_id
    assert unit.flags == UNIT.flags


@pytest.mark.parametrize("platform", sorted(loader.load_builtin_connectors()))
def test_option_accepts_its_example_and_default(platform: str) -> None:
    can: Capabilities = loader.load_builtin_connectors()[platform].capabilities
    for option in can.options:
        for value in _values(option):
            assert options.option_problem(((option.name, value),), can) is None, (
                option.name,
                value,
            )


def _values(option: PostOption) -> list[options.OptionValue]:
    if option.kind == "flag":
        return [True, False]
    if option.kind == "list":
        return [(option.example,)]
    return list(option.choices or filter(None, (option.example, option.default)))


CHOSEN = st.dictionaries(
    st.sampled_from(["visibility", "warning", "language"]), st.sampled_from(["a", "b"])
).map(channel_overrides.normalize_options)
ACCOUNTS = [uuid7() for _ in range(3)]


@given(st.dictionaries(st.sampled_from(["mastodon", "x", *map(str, ACCOUNTS)]), CHOSEN), CHOSEN)
def test_option_of_one_channel_does_not_affect_others(said: dict[str, Any], wanted: Any) -> None:
    kept: Any = {"title": "", "body": "x", "parts": [], "media": []}
    before = Post(
        **kept,
        overrides=channel_overrides.dump_overrides(
            [ChannelOverride(one, options=there) for one, there in said.items()]
        ),
    )
    platforms = zip(ACCOUNTS, ("mastodon", "mastodon", "x"), strict=True)
    channels: list[Any] = [
        type("Known", (), {"platform": name, "id": one}) for one, name in platforms
    ]
    after = Post(
        **kept,
        overrides=channel_overrides.dump_overrides(
            channel_overrides.set_option_override(before, channels, channels[0], wanted)
        ),
    )
    assert channel_overrides.content_for_channel(after, channels[0]).options == wanted
    for other in channels[1:]:
        assert channel_overrides.content_for_channel(
            after, other
        ) == channel_overrides.content_for_channel(before, other)
    again = channel_overrides.set_option_override(after, channels, channels[0], wanted)
    assert channel_overrides.dump_overrides(again) == after.overrides, (
        "setting the same options again changes nothing"
    )
