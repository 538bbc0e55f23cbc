"""The profile, packs and items that the public pages and feeds of a site show at this view: those
that the safety check allows now. It may have allowed more when they were saved or published."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foundation.db.database import Scope
from foundation.i18n.translation import Message, render_message
from gate.contract.units import Text
from gate.surfaces.contents import Content, ShownContent
from gate.surfaces.decisions import show_allowed
from gate.surfaces.profiles import PROFILE_SURFACE, profile_content
from studio.packs.packs import PackView
from web.site.items import ItemEntry, ItemPage
from web.site.sites import SiteProfile, SiteRef

ITEM_SURFACE = "page.item"
FEED_SURFACE = "page.feed"
_PROFILE_CONTENTS = 3


@dataclass(frozen=True)
class ShownSite:
    """The shown part of a site's page or feed."""

    site: SiteProfile
    packs: tuple[PackView, ...] = ()
    listing: ItemPage | None = None


def show_site(
    scope: Scope,
    found: SiteRef,
    site: SiteProfile,
    *,
    packs: Sequence[PackView] = (),
    listing: ItemPage | None = None,
    surface: str = ITEM_SURFACE,
) -> ShownSite:
    """Return what is shown of a profile with these packs and items, in a constant number of
    statements.

    A name that may not be shown is replaced, a description is left out, and so are packs and items.
    """
    entries = listing.entries if listing is not None else ()
    shown = show_allowed(
        scope,
        [
            *_profile_contents(found, site),
            *(_pack_content(found, pack) for pack in packs),
            *(_item_content(found, entry, surface) for entry in entries),
        ],
    )
    profile = shown[:_PROFILE_CONTENTS]
    for_packs = shown[_PROFILE_CONTENTS : _PROFILE_CONTENTS + len(packs)]
    for_entries = shown[_PROFILE_CONTENTS + len(packs) :]
    kept = tuple(entry for entry, one in zip(entries, for_entries, strict=True) if one.is_whole)
    if listing is not None and len(kept) < len(entries):
        listing = replace(listing, entries=kept, whole=False)
    return ShownSite(
        _show_profile(site, profile),
        tuple(pack for pack, one in zip(packs, for_packs, strict=True) if one.is_whole),
        listing,
    )


def _profile_contents(found: SiteRef, site: SiteProfile) -> tuple[Content, ...]:
    """Return the profile as a whole, because a term may be spread over it, and its parts."""
    return (
        profile_content(
            creator_id=found.creator_id, name=site.title, about=site.about, slug=site.slug
        ),
        profile_content(creator_id=found.creator_id, name=site.title),
        profile_content(creator_id=found.creator_id, about=site.about),
    )


def _show_profile(site: SiteProfile, shown: Sequence[ShownContent]) -> SiteProfile:
    whole, name, about = shown
    if whole.is_whole:
        return site
    untitled = render_message(Message("page.untitled"), site.language)
    return replace(
        site,
        title=name.text_of("name", untitled),
        about=about.text_of("about") if not name.is_whole else "",
    )


def _pack_content(found: SiteRef, pack: PackView) -> Content:
    texts = (Text("name", pack.title), Text("about", pack.description))
    return Content(PROFILE_SURFACE, (found.creator_id,), tuple(text for text in texts if text.body))


def _item_content(found: SiteRef, entry: ItemEntry, surface: str) -> Content:
    alts = (Text(f"alt:{number}", medium.alt) for number, medium in enumerate(entry.media))
    texts = (Text("title", entry.title), Text("body", entry.text), *alts)
    return Content(surface, (found.creator_id,), tuple(text for text in texts if text.body))
