"""The morning of a day: pictures, ratings, captions, packs, approvals and the schedule.

Every step is idempotent: an interrupted day continues, and a finished day does not change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import cycle
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Unavailable
from foundation.money import Money
from foundation.ops.wall_time import WallTime, load_zone
from gate.contract.units import Rating
from gate.ratings import depiction_answers, ratings
from schedules.approvals import decisions
from schedules.approvals.approvers import count_needed_approvers, list_creator_approvers
from schedules.posts import deliveries
from schedules.posts.queries import DeliveryEntry, entries_of_day, post_ids_by_origin_key
from schedules.posts.states import MISSING_APPROVAL_CODES, DeliveryState
from schedules.routines import day_posts, generation
from schedules.routines.day_posts import CaptionWriter, DayPost
from studio.ingest import pipeline
from studio.ingest.pipeline import PreparedAsset
from studio.library import assets as library
from studio.packs import packs
from studio.recipes import specs, wildcards
from studio.runs.states import JobState
from subscribers.catalog.prices import set_price
from subscribers.rails.contract import PaymentRail
from subscribers.replies import content_checks, persona
from tenants.agencies.queries import Creator, Member
from workers.creator_day import photos
from workers.creator_day.day_brief import PHOTO_SOURCE, Brief, PackBrief, SlotBrief
from workers.creator_day.shiftable_clock import ShiftableClock
from workers.creator_day.timeline import DAY_ACTOR, Timeline
from workers.wiring import Services

BRIEF_ORIGIN = "brief"
"""Origin recorded on posts that are created from a brief."""

RUN_ORIGIN = "day"
"""Prefix of the keys of runs that a day starts."""

GENERATION_TIME = timedelta(hours=2)
"""Time for generating pictures, from 06:00 to 08:00; the day fails if it takes longer."""

AWAITING_APPROVAL = MISSING_APPROVAL_CODES
"""Hold reasons of posts that were due before they were approved. Posts that have been edited since
are not changed."""

PicturesBySource = Mapping[str, Sequence[UUID]]
"""Assets by source: `photos`, or the name of a recipe."""


class MorningWork:
    """The morning of one creator."""

    def __init__(
        self,
        services: Services,
        tenant_id: UUID,
        creator: Creator,
        brief: Brief,
        photos: Sequence[PreparedAsset],
        *,
        clock: ShiftableClock,
        timeline: Timeline,
    ) -> None:
        self._s = services
        self._tenant_id = tenant_id
        self._creator = creator
        self._brief = brief
        self._photos = photos
        self._clock = clock
        self._timeline = timeline

    def check_brief(self) -> None:
        """Check that everything in the brief exists. Raises NotFound, BadInput or Unavailable with
        the problem and its position."""
        load_zone(self._creator.zone)
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            for recipe in self._brief.recipes:
                wildcards.check_wildcards_exist(
                    scope, self._creator.id, recipe.name, recipe.prompt, also=self._brief.lists
                )
            known = [
                channel.name for channel in queries.list_creator_channels(scope, self._creator.id)
            ]
            for number, slot in enumerate(self._brief.slots, start=1):
                for name in slot.channels:
                    if name not in known:
                        where = f"slots.{number}.channels"
                        raise BadInput(
                            "brief.channel_unknown",
                            name=name,
                            where=where,
                            known=", ".join(known) or "–",
                        )
            self._resolve_approvers(scope)
            photos = len(self._photos) or len(self._list_own_photos(scope))
        for pack in self._brief.packs:
            self._resolve_rail(pack)
        self._check_photo_count(photos)

    def _check_photo_count(self, photos: int) -> None:
        for slot in self._brief.slots:
            if slot.picture == PHOTO_SOURCE and not photos:
                raise BadInput("day.no_pictures", picture=PHOTO_SOURCE)
        for pack in self._brief.packs:
            if pack.picture == PHOTO_SOURCE and pack.pictures > photos:
                raise BadInput(
                    "day.too_few_photos", title=pack.title, wanted=pack.pictures, count=photos
                )

    def has_begun(self, day: date) -> bool:
        """Return True if the brief already has a post on that day."""
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            return bool(post_ids_by_origin_key(scope, BRIEF_ORIGIN, self._slot_key(day)))

    def posts_of_day(self, day: date) -> list[DeliveryEntry]:
        """Return the deliveries of the brief's posts on that day."""
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            ours = set(post_ids_by_origin_key(scope, BRIEF_ORIGIN, self._slot_key(day)).values())
            found = entries_of_day(scope, self._creator.id, day, self._creator.zone)
        return [entry for entry in found if entry.post_id in ours]

    def _slot_key(self, day: date, at: str = "") -> str:
        return f"{self._creator.id}:{day}:{at}"

    # pictures

    def generate_pictures(self, day: date) -> PicturesBySource:
        """Import the photos, run the recipes, wait for their pictures and have the approver rate
        them.

        Raises Unavailable if a recipe fails or takes too long.
        """
        made: dict[str, list[UUID]] = {
            PHOTO_SOURCE: self._ingest_photos() if self._photos else self._own_photos(day)
        }
        running = {recipe.name: self._start_run(recipe, day) for recipe in self._brief.recipes}
        known = {name for name, job_id in running.items() if self._has_finished([job_id])}
        if not self._clock.wait_for(
            lambda: self._has_finished(running.values()), at_most=GENERATION_TIME
        ):
            raise Unavailable("day.pictures_late")
        for name, job_id in running.items():
            made[name] = self._collect_pictures(name, job_id, tell=name not in known)
        self._rate_pictures([asset for assets in made.values() for asset in assets])
        self._update_persona()
        return made

    def _own_photos(self, day: date) -> list[UUID]:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            return generation.choose_day_photos(self._list_own_photos(scope), day)

    def _list_own_photos(self, scope: Scope) -> list[UUID]:
        ceiling = Rating(self._brief.rating)
        return generation.list_library_photos(scope, self._creator.id, ceiling)

    def _ingest_photos(self) -> list[UUID]:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            known = library.assets_by_source(
                scope, self._creator.id, [photo.source.key for photo in self._photos]
            )
        bring = partial(
            pipeline.ingest_asset, tenant_id=self._tenant_id, creator_id=self._creator.id
        )
        by = (self._s.tenant, self._s.store)
        assets = [
            bring(
                *by,
                prepared=photos.load_pixels(photo),
                classifier=self._s.classifier,
                checks=self._s.picture_checks,
            )
            for photo in self._photos
        ]
        if len(known) < len(assets):
            self._print_line("day.photos", count=len(assets) - len(known))
        return assets

    def _start_run(self, spec: specs.RecipeSpec, day: date) -> UUID:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            for name in wildcards.wildcard_names_in(spec.prompt):
                if name in self._brief.lists:
                    wildcards.put_creator_wildcard(
                        scope, self._creator.id, name, self._brief.lists[name]
                    )
            recipe_id = specs.save_recipe(scope, self._creator.id, spec)
            return generation.start_day_run(
                scope, self._creator.id, recipe_id, name=spec.name, day=day, origin=RUN_ORIGIN
            )

    def _has_finished(self, running: Iterable[UUID]) -> bool:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            return all(one.has_ended for one in generation.read_runs(scope, running))

    def _collect_pictures(self, name: str, job_id: UUID, *, tell: bool) -> list[UUID]:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            (result,) = generation.read_runs(scope, [job_id])
            items = [library.get_asset(scope, asset) for asset in result.assets]
        if result.state is not JobState.DONE:
            if result.reason is not None:
                self._print_line(result.reason.code, **result.reason.params)
            raise Unavailable("day.recipe_failed", recipe=name)
        for item in items if tell else ():
            self._print_line(
                "day.picture", engine=item.engine, model=item.model, prompt=item.prompt
            )
        return list(result.assets)

    def _rate_pictures(self, assets: Sequence[UUID]) -> None:
        """Rate the pictures in the name of the first approver."""
        approver = self._first_approver()
        rated = 0
        with self._s.tenant(self._tenant_id, f"member:{approver.id}") as scope:
            for asset in assets:
                sha256 = library.get_asset(scope, asset).sha256
                if self._brief.shown is not None and depiction_answers.unanswered_digests(
                    scope, [sha256]
                ):
                    depiction_answers.record_member_answer(scope, asset, self._brief.shown)
                if ratings.effective_rating(scope, sha256) is None:
                    ratings.record_rating(
                        scope, sha256, Rating(self._brief.rating), source=f"member:{approver.id}"
                    )
                    rated += 1
        if rated:
            self._print_line("day.rated", member=approver.name, count=rated)

    def _update_persona(self) -> None:
        part = self._brief.persona
        if part is None:
            return
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            now = persona.active_persona(scope, self._creator.id)
            wanted = replace(
                now
                or persona.PersonaVersion(
                    self._creator.name, virtual=False, card="", voice="", languages=()
                ),
                name=self._creator.name,
                virtual=self._creator.kind == "virtual",
                card=part.card,
                voice=part.voice,
                rules=tuple(part.rules),
                forbidden=tuple(part.forbidden),
                languages=tuple(self._brief.languages),
            )
            if now != wanted:
                content_checks.check_persona(scope, wanted)
                saved = persona.create_persona_version(scope, self._creator.id, wanted)
                persona.activate_persona(scope, saved, keep_level=True)

    # posts and packs

    def write_posts(self, day: date, pictures: PicturesBySource) -> list[UUID]:
        """Create a post with a picture and a caption for each slot, and the packs of the brief.
        Returns the posts."""
        queues = {source: cycle(assets) for source, assets in pictures.items() if assets}
        posts = [
            self._create_post(day, slot, next(queues[slot.picture])) for slot in self._brief.slots
        ]
        self._add_destinations(day, posts)
        self._make_packs(pictures)
        return posts

    def _create_post(self, day: date, slot: SlotBrief, asset: UUID) -> UUID:
        style = day_posts.caption_style(self._creator, self._brief.tone, self._brief.languages[0])
        wanted = DayPost(
            self._creator,
            BRIEF_ORIGIN,
            self._slot_key(day, slot.at),
            asset,
            generation.derive_seed(self._creator.id, day, slot.at),
            DAY_ACTOR,
            style,
        )
        made = day_posts.create_day_post(
            self._s.tenant,
            self._tenant_id,
            wanted,
            CaptionWriter(self._s.text_engine, self._s.billing),
        )
        if (caption := made.caption) is not None:
            self._print_line(
                "day.caption", engine=caption.engine, model=caption.model, text=caption.text
            )
        return made.post_id

    def _add_destinations(self, day: date, posts: Sequence[UUID]) -> None:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            for slot, post_id in zip(self._brief.slots, posts, strict=True):
                channels = [
                    queries.get_channel_by_name(scope, self._creator.id, name).id
                    for name in slot.channels
                ]
                at = WallTime(day, slot.local_time, self._creator.zone)
                day_posts.add_draft_deliveries(scope, post_id, channels, at)

    def _make_packs(self, pictures: PicturesBySource) -> None:
        """Create the packs and set their prices. An existing pack keeps its contents, because fans
        may have bought it."""
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            known = {pack.slug for pack in packs.list_active_packs(scope, self._creator.id)}
            for part in self._brief.packs:
                assets = list(pictures[part.picture])[: part.pictures]
                pack_id = packs.create_pack(
                    scope,
                    creator_id=self._creator.id,
                    slug=part.slug,
                    title=part.title,
                    description=part.description,
                    assets=assets,
                )
                price = Money(part.price.amount, part.price.currency)
                set_price(scope, self._creator.id, pack_id, self._resolve_rail(part).name, price)
                code = "day.pack_stays" if part.slug in known else "day.pack"
                self._print_line(
                    code,
                    title=part.title,
                    price=str(price),
                    count=len(packs.get_pack(scope, pack_id).media),
                )

    def _resolve_rail(self, part: PackBrief) -> PaymentRail:
        for rail in self._s.rails.values():
            if rail.currency == part.price.currency:
                return rail
        known = ", ".join(sorted({rail.currency for rail in self._s.rails.values()}))
        raise BadInput("day.no_rail", currency=part.price.currency, title=part.title, known=known)

    # approvals and the schedule

    def approve_and_schedule(self, day: date, posts: Sequence[UUID]) -> None:
        """Approve the posts in the name of members other than the author, then schedule them."""
        waiting = {entry.post_id for entry in self.posts_of_day(day) if _is_unread(entry)}
        new = [post_id for post_id in posts if post_id in waiting]
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            approvers = self._resolve_approvers(scope)
        for tier, approver in enumerate(approvers, start=1):
            with self._s.tenant(self._tenant_id, f"member:{approver.id}") as scope:
                for post_id in new:
                    decisions.approve_post(scope, post_id, member_id=approver.id, tier=tier)
            if new:
                self._print_line("day.approved", member=approver.name, count=len(new))
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            planned = [
                deliveries.schedule_post(scope, post_id)
                for post_id in new
                if deliveries.has_approved_deliveries(scope, post_id)
            ]
        if planned:
            self._print_line("day.planned", posts=len(planned), count=sum(map(len, planned)))

    def _first_approver(self) -> Member:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            return self._resolve_approvers(scope)[0]

    def _resolve_approvers(self, scope: Scope) -> list[Member]:
        """Return one member for each approval tier of the creator. Raises BadInput if there are too
        few."""
        wanted = self._brief.approver.casefold()
        people = list_creator_approvers(scope, self._creator, first=wanted)
        asked = count_needed_approvers(self._creator)
        if len(people) < asked or (wanted and people[0].email.casefold() != wanted):
            raise BadInput("day.nobody_approves", approver=self._brief.approver or "–", count=asked)
        return people[:asked]

    def _print_line(self, code: str, **params: str | int) -> None:
        self._timeline.print_line(self._clock.now(), code, **params)


def _is_unread(entry: DeliveryEntry) -> bool:
    return entry.state is DeliveryState.DRAFT or (
        entry.reason is not None and entry.reason.code in AWAITING_APPROVAL
    )
