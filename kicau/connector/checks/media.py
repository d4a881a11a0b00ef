"""The files of a part against the channel's rules, and the cover of a video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kicau.connector.capabilities import Capabilities, CoverRule, MediaRule
from kicau.connector.checks.conversion import CONVERTIBLE_TYPES, complete_recipe, conversion_notice, without_fix
from kicau.connector.checks.files import check_file
from kicau.connector.checks.formats import MEDIA_KIND_NAMES, format_duration
from kicau.connector.content import Media, MediaKind, Problem, Recipe, RenderedMedia


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMedia:
    media: tuple[RenderedMedia, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def check_media(
    network: str,
    part: int,
    media: tuple[Media, ...],
    can: Capabilities,
    *,
    convert: bool,
    rules: Mapping[MediaKind, MediaRule] | None = None,
    recipe: Recipe | None = None,
) -> CheckedMedia:
    """Each file of a part against the channel's rules, by its content.

    A picture that breaks a rule which converting can fix gets `recipe` (completed with the rule's limits) and a
    notice where `convert` allows it, else a problem with fix "convert". `rules` replaces `can.media`, for a format
    (reel, story) with rules of its own. Without `recipe` nothing is converted.
    """
    rules = can.media if rules is None else rules
    problems: list[Problem] = list(_check_counts(network, part, media, can, rules))
    notices: list[Problem] = []
    out: list[RenderedMedia] = []
    for n, one in enumerate(media):
        rule, field = rules.get(one.kind), f"parts.{part}.media.{n}"
        if rule is None:
            out.append(RenderedMedia(media=one))
            continue  # its count check has told so
        fitted = _fit_file(network, field, one, rule, recipe, convert=convert)
        covered = _fit_cover(network, field + ".cover", fitted.media[0], rule.cover, convert=convert)
        out += covered.media
        problems += (*fitted.problems, *covered.problems)
        notices += (*fitted.notices, *covered.notices)
    return CheckedMedia(media=tuple(out), problems=tuple(problems), notices=tuple(notices))


def _fit_file(
    network: str, field: str, one: Media, rule: MediaRule, recipe: Recipe | None, *, convert: bool
) -> CheckedMedia:
    """One file by its rule, converted where that fixes all that is wrong with it."""
    broken = list(check_file(network, field, one, rule))
    fixable = [p for p in broken if p.fix == "convert"]
    made = (
        complete_recipe(recipe, rule)
        if recipe and one.kind is MediaKind.IMAGE and one.mime in CONVERTIBLE_TYPES
        else None
    )
    if fixable and made and len(fixable) == len(broken):
        if convert:
            shown = RenderedMedia(media=one, recipe=made)
            return CheckedMedia(
                media=(shown,), problems=(), notices=(conversion_notice(network, field, one, made, fixable),)
            )
    elif not made or len(fixable) != len(broken):
        broken = [without_fix(p) for p in broken]
    return CheckedMedia(media=(RenderedMedia(media=one),), problems=tuple(broken), notices=())


def _fit_cover(
    network: str, field: str, shown: RenderedMedia, rule: CoverRule | None, *, convert: bool
) -> CheckedMedia:
    """A video with the first sight that its author chose, as far as the network lets it be chosen."""
    one = shown.media
    if one.kind is not MediaKind.VIDEO or (one.cover is None and one.cover_ms is None):
        return CheckedMedia(media=(shown,), problems=(), notices=())
    params: dict[str, str | int | float] = {"network": network, "name": one.name or one.ref}
    if rule is None or (one.cover and rule.picture is None):
        message = (
            "In this kind of post, {network} does not let you choose a cover for {name}. The social network picks a frame of the video as the cover."
            if rule is None
            else "On {network}, the cover must be a frame of the video {name}, not a separate image. If you choose no frame, the social network picks one."
        )
        told = Problem(code="cover-not-taken", message=message, params=params, field=field)
        return CheckedMedia(media=(shown,), problems=(), notices=(told,))
    if one.cover and rule.picture:
        fitted = _fit_file(network, field, one.cover, rule.picture, rule.recipe, convert=convert)
        return replace(fitted, media=(replace(shown, cover=fitted.media[0]),))
    at = one.cover_ms or 0
    if one.duration_ms and at > one.duration_ms:
        params |= {"limit": format_duration(one.duration_ms), "actual": format_duration(at)}
        message = "The video {name} lasts only {limit}, but the cover that you chose for {network} is the frame at {actual}. Choose an earlier frame as the cover."
        late = Problem(
            code="cover-too-late", message=message, params=params, field=field, limit=one.duration_ms, actual=at
        )
        return CheckedMedia(media=(shown,), problems=(late,), notices=())
    recipe = complete_recipe(rule.recipe or Recipe(mime="image/jpeg"), rule.picture or MediaRule(mimes=frozenset()))
    picture = RenderedMedia(media=replace(one, cover_ms=None), recipe=replace(recipe, frame_ms=at))
    covered = replace(shown, cover=picture, cover_ms=at if rule.frame else None)
    return CheckedMedia(media=(covered,), problems=(), notices=())


def _check_counts(
    network: str, part: int, media: tuple[Media, ...], can: Capabilities, rules: Mapping[MediaKind, MediaRule]
) -> Iterable[Problem]:
    field = f"parts.{part}.media"
    if can.max_media and len(media) > can.max_media:
        yield Problem(
            code="too-many-media",
            message="This post has {actual} files, but {network} allows at most {limit} in one post. Remove some files.",
            params={"network": network, "limit": can.max_media, "actual": len(media)},
            field=field,
            limit=can.max_media,
            actual=len(media),
        )
    kinds = {one.kind for one in media}
    for kind in sorted(kinds):
        count = sum(one.kind is kind for one in media)
        rule = rules.get(kind)
        if rule is None:
            yield Problem(
                code="wrong-kind",
                message="{network} does not accept this kind of file in this post: {kind}. Remove {name}.",
                params={
                    "network": network,
                    "kind": MEDIA_KIND_NAMES[kind],
                    "name": next(m.name or m.ref for m in media if m.kind is kind),
                },
                field=field,
            )
        elif count > rule.max_count and not (can.max_media and len(media) > can.max_media and len(kinds) == 1):
            yield Problem(
                code="too-many-media",
                message="{network} allows at most {limit} {kind} in one post, but this post has {actual}. Remove some files.",
                params={
                    "network": network,
                    "limit": rule.max_count,
                    "actual": count,
                    "kind": MEDIA_KIND_NAMES[kind] + ("s" if rule.max_count > 1 else ""),
                },
                field=field,
                limit=rule.max_count,
                actual=count,
            )
    if len(kinds) > 1 and not can.mixes_media:
        yield Problem(
            code="mixed-media",
            message="On {network}, one post cannot combine these kinds of files: {kinds}. Keep only one kind of file.",
            params={"network": network, "kinds": " and ".join(sorted(MEDIA_KIND_NAMES[k] for k in kinds))},
            field=field,
        )
