"""The checks every network makes of a draft, against its own rules: one sentence for each problem.

A connector's `render` calls these with its Capabilities; what only its network knows, it adds itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, MediaRule
from kicau.connector.content import Draft, Media, MediaKind, Poll, Problem, Recipe, RenderedMedia, RenderedPart

CONVERTIBLE_TYPES = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff", "image/heic", "image/avif"}
)
MEDIA_KIND_NAMES = {
    MediaKind.IMAGE: "image",
    MediaKind.GIF: "GIF",
    MediaKind.VIDEO: "video",
    MediaKind.DOCUMENT: "document",
}

CONVERSION_REASONS = {  # by the code of the problem that a copy solves
    "wrong-type": "format",
    "too-large": "file size",
    "too-wide": "width or height",
    "too-many-pixels": "number of pixels",
    "wrong-aspect": "ratio of width to height",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMedia:
    media: tuple[RenderedMedia, ...]
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def format_megabytes(size: float) -> str:
    """Bytes for people: "8 MB", "9.4 MB", "0.2 MB"; decimal, as the networks count."""
    return f"{size / 1_000_000:.1f}".removesuffix(".0") + " MB"


def format_duration(milliseconds: float) -> str:
    """A duration for people: "140 s", "3 h 0 min", "15 min"."""
    total = round(milliseconds / 1000)
    if total >= 3600:
        return f"{total // 3600} h {total % 3600 // 60} min"
    if total > 300 and total % 60 == 0:
        return f"{total // 60} min"
    return f"{milliseconds / 1000:.1f}".removesuffix(".0") + " s"


def check_length(network: str, parts: Iterable[RenderedPart], *, can_thread: bool = False) -> tuple[Problem, ...]:
    """A problem for each part over its limit, in the network's own unit."""
    found = []
    rows = tuple(parts)
    for n, part in enumerate(rows):
        if part.used <= part.limit:
            continue
        where = f"part {n + 1} of the text" if len(rows) > 1 else "the text"
        message = (
            "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text, or split it into a thread (several connected posts)."
            if can_thread
            else "On {network}, {text_or_part} has {actual} {unit}, but the limit is {limit}. Shorten the text."
        )
        found.append(
            Problem(
                code="too-long",
                message=message,
                params={
                    "network": network,
                    "text_or_part": where,
                    "actual": part.used,
                    "unit": part.unit,
                    "limit": part.limit,
                },
                field=f"parts.{n}.text",
                limit=part.limit,
                actual=part.used,
                mend="split" if can_thread else "shorten",
            )
        )
    return tuple(found)


def check_shape(network: str, draft: Draft, can: Capabilities) -> tuple[Problem, ...]:
    """What a draft asks for that the channel cannot do at all: parts, poll, link card, comment, unknown options."""
    found: list[Problem] = []

    def lacks(code: str, field: str, message: str, **params: str | int) -> None:
        found.append(Problem(code=code, message=message, params={"network": network, **params}, field=field))

    if len(draft.parts) > can.max_parts:
        limit, actual = can.max_parts, len(draft.parts)
        message = (
            "{network} does not support threads, but this post has {actual} parts. Customize the post for {network} so that it has only one part."
            if limit == 1
            else "This thread has {actual} parts, but {network} allows at most {limit}. Remove some parts."
        )
        found.append(
            Problem(
                code="too-many-parts",
                message=message,
                params={"network": network, "limit": limit, "actual": actual},
                field="parts",
                limit=limit,
                actual=actual,
            )
        )
    if draft.poll and not can.can(Ability.POLL):
        lacks(
            "no-polls",
            "poll",
            "{network} does not support polls. Remove the poll for this channel.",
        )
    if draft.first_comment and not can.can(Ability.FIRST_COMMENT):
        lacks(
            "no-first-comment",
            "first_comment",
            "{network} does not support first comments. Remove the first comment for this channel.",
        )
    if draft.reply_to and not can.can(Ability.REPLY):
        lacks(
            "no-replies",
            "reply_to",
            "Kicau cannot publish replies on this {network} channel. Publish your text as an ordinary post instead of a reply.",
        )
    known = {option.name: option for option in can.options}
    for name, value in draft.options.items():
        option = known.get(name)
        if option is None:
            lacks(
                "unknown-option",
                f"options.{name}",
                "Posts on {network} have no option named {name!r}. Available options: {known}.",
                name=name,
                known=", ".join(known) or "none",
            )
        elif option.choices and value not in (values := [v for v, _ in option.choices]):
            lacks(
                "bad-option",
                f"options.{name}",
                "{value!r} is not a valid value for the {network} option {name}. Choose one of: {values}.",
                name=name,
                value=value,
                values=", ".join(v or '""' for v in values),
            )
    return tuple(found)


def resolve_options(draft: Draft, can: Capabilities) -> dict[str, str]:
    """Every option of the channel with the draft's choice, or its default."""
    return {option.name: draft.options.get(option.name, option.default) for option in can.options}


def check_poll(network: str, poll: Poll, can: Capabilities, lengths: Iterable[int]) -> tuple[Problem, ...]:
    """`lengths`: of each option, counted as the network counts."""
    rule = can.poll
    if rule is None:
        return ()
    found: list[Problem] = []

    def bad(code: str, field: str, message: str, limit: float, actual: float, **params: str | int) -> None:
        filled: Mapping[str, str | int | float] = {"network": network, "limit": limit, "actual": actual, **params}
        found.append(Problem(code=code, message=message, params=filled, field=field, limit=limit, actual=actual))

    count = len(poll.options)
    if count < rule.min_options:
        bad(
            "poll-too-few",
            "poll.options",
            "This poll has {actual} options, but {network} requires at least {limit}. Add more options.",
            rule.min_options,
            count,
        )
    if count > rule.max_options:
        bad(
            "poll-too-many",
            "poll.options",
            "This poll has {actual} options, but {network} allows at most {limit}. Remove some options.",
            rule.max_options,
            count,
        )
    for n, length in enumerate(lengths):
        if length > rule.max_option_length:
            bad(
                "poll-option-too-long",
                f"poll.options.{n}",
                "Poll option {n} has {actual} characters, but {network} allows at most {limit}. Shorten the option.",
                rule.max_option_length,
                length,
                n=n + 1,
            )
        elif length == 0:
            bad(
                "poll-option-empty",
                f"poll.options.{n}",
                "Poll option {n} for {network} is empty. Write a text for this option or remove the option.",
                1,
                0,
                n=n + 1,
            )
    if rule.durations and poll.minutes not in rule.durations:
        allowed = ", ".join(f"{m // 1440} d" if m % 1440 == 0 else f"{m} min" for m in rule.durations)
        bad(
            "poll-duration",
            "poll.minutes",
            "This poll would run for {actual} minutes, but {network} allows only these numbers of minutes: {allowed}. Choose one of them.",
            rule.durations[-1],
            poll.minutes,
            allowed=allowed,
        )
    elif not rule.durations and not rule.min_minutes <= poll.minutes <= rule.max_minutes:
        low, high = rule.min_minutes, rule.max_minutes
        bad(
            "poll-duration",
            "poll.minutes",
            "This poll would run for {actual} minutes, but {network} allows {low} to {high} minutes. Change the duration.",
            high if poll.minutes > high else low,
            poll.minutes,
            low=low,
            high=high,
        )
    return tuple(found)


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

    A picture that breaks a rule which converting can mend gets `recipe` (completed with the rule's limits) and a
    notice where `convert` allows it, else a problem with mend "convert". `rules` replaces `can.media`, for a format
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
    """One file by its rule, converted where that mends all that is wrong with it."""
    broken = list(_check_file(network, field, one, rule))
    mendable = [p for p in broken if p.mend == "convert"]
    made = (
        _complete_recipe(recipe, rule)
        if recipe and one.kind is MediaKind.IMAGE and one.mime in CONVERTIBLE_TYPES
        else None
    )
    if mendable and made and len(mendable) == len(broken):
        if convert:
            shown = RenderedMedia(media=one, recipe=made)
            return CheckedMedia(
                media=(shown,), problems=(), notices=(_conversion_notice(network, field, one, made, mendable),)
            )
    elif not made or len(mendable) != len(broken):
        broken = [_without_fix(p) for p in broken]
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
    recipe = _complete_recipe(rule.recipe or Recipe(mime="image/jpeg"), rule.picture or MediaRule(mimes=frozenset()))
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


def _check_file(network: str, field: str, one: Media, rule: MediaRule) -> Iterable[Problem]:
    kind, name = MEDIA_KIND_NAMES[one.kind], one.name or one.ref
    base: dict[str, str | int | float] = {"network": network, "kind": kind, "name": name}

    def bad(
        code: str,
        message: str,
        limit: float,
        actual: float,
        /,
        mend: str = "",
        at: str = field,
        **params: str | int | float,
    ) -> Problem:
        return Problem(
            code=code, message=message, params={**base, **params}, field=at, limit=limit, actual=actual, mend=mend
        )

    if one.mime not in rule.mimes:
        yield Problem(
            code="wrong-type",
            message="On {network}, each {kind} must have one of these formats: {types}. The format of {name} is {mime}, so convert the file and upload it again.",
            params={
                **base,
                "types": ", ".join(sorted(_short_mime_name(m) for m in rule.mimes)),
                "mime": _short_mime_name(one.mime),
            },
            field=field,
            mend="convert",
        )
    if rule.max_size and one.size > rule.max_size:
        yield bad(
            "too-large",
            "The file size of {name} is {actual}, but on {network} each {kind} can be at most {limit}. Use a smaller file.",
            rule.max_size,
            one.size,
            "convert",
            limit=format_megabytes(rule.max_size),
            actual=format_megabytes(one.size),
        )
    if rule.min_size and one.size < rule.min_size:
        yield bad(
            "too-small",
            "The file size of {name} is {actual}, but on {network} each {kind} must be at least {limit}. Use a larger file.",
            rule.min_size,
            one.size,
            limit=format_megabytes(rule.min_size),
            actual=format_megabytes(one.size),
        )
    if (one.width < rule.min_width) or (one.height < rule.min_height):
        yield bad(
            "too-narrow",
            "{name} has {aw}×{ah} pixels, but on {network} each {kind} must have at least {w}×{h}. Use a file with more pixels.",
            rule.min_width,
            one.width,
            w=rule.min_width,
            h=rule.min_height,
            aw=one.width,
            ah=one.height,
        )
    if (rule.max_width and one.width > rule.max_width) or (rule.max_height and one.height > rule.max_height):
        yield bad(
            "too-wide",
            "{name} has {aw}×{ah} pixels, but on {network} each {kind} can have at most {w}×{h}. Use a file with fewer pixels.",
            rule.max_width,
            one.width,
            "convert",
            w=rule.max_width or "any",
            h=rule.max_height or "any",
            aw=one.width,
            ah=one.height,
        )
    if rule.max_pixels and one.width * one.height > rule.max_pixels:
        yield bad(
            "too-many-pixels",
            "{name} has {actual} pixels in total, but on {network} each {kind} can have at most {limit}. Use a file with fewer pixels.",
            rule.max_pixels,
            one.width * one.height,
            "convert",
            limit=rule.max_pixels,
            actual=one.width * one.height,
        )
    if one.height and (
        (rule.min_aspect and one.aspect < rule.min_aspect - 0.005)
        or (rule.max_aspect and one.aspect > rule.max_aspect + 0.005)
    ):
        yield bad(
            "wrong-aspect",
            "On {network}, the width of each {kind} must be {low} to {high} times its height. The width of {name} is {actual} times its height, so crop the file.",
            rule.max_aspect,
            round(one.aspect, 2),
            "convert",
            low=round(rule.min_aspect, 2),
            high=round(rule.max_aspect, 2),
            actual=round(one.aspect, 2),
        )
    if one.kind is MediaKind.VIDEO:
        yield from _check_video(base, field, one, rule)
    if rule.max_frames and one.frames > rule.max_frames:
        yield bad(
            "too-many-frames",
            "The animation {name} consists of {actual} images (frames), but {network} allows at most {limit}. Use a shorter animation.",
            rule.max_frames,
            one.frames,
            limit=rule.max_frames,
            actual=one.frames,
        )
    if rule.max_pages and one.pages > rule.max_pages:
        yield bad(
            "too-many-pages",
            "{name} has {actual} pages, but on {network} each {kind} can have at most {limit}. Remove some pages.",
            rule.max_pages,
            one.pages,
            limit=rule.max_pages,
            actual=one.pages,
        )
    if rule.max_alt and len(one.alt) > rule.max_alt:
        yield bad(
            "alt-too-long",
            "The alt text of {name} has {actual} characters, but {network} allows at most {limit}. Shorten the alt text.",
            rule.max_alt,
            len(one.alt),
            at=field + ".alt",
            limit=rule.max_alt,
            actual=len(one.alt),
        )
    if rule.needs_alt and not one.alt:
        yield Problem(
            code="needs-alt",
            message="{network} requires alt text for each {kind}. Write alt text for {name}.",
            params=base,
            field=field + ".alt",
        )


def _check_video(base: dict[str, str | int | float], field: str, one: Media, rule: MediaRule) -> Iterable[Problem]:
    def bad(code: str, message: str, limit: float, actual: float, /, **params: str | int | float) -> Problem:
        return Problem(code=code, message=message, params={**base, **params}, field=field, limit=limit, actual=actual)

    if rule.max_duration_ms and one.duration_ms > rule.max_duration_ms:
        yield bad(
            "too-long-video",
            "{name} lasts {actual}, but on {network} each {kind} can last at most {limit}. Shorten the {kind}.",
            rule.max_duration_ms,
            one.duration_ms,
            limit=format_duration(rule.max_duration_ms),
            actual=format_duration(one.duration_ms),
        )
    if one.duration_ms < rule.min_duration_ms:
        yield bad(
            "too-short-video",
            "{name} lasts {actual}, but on {network} each {kind} must last at least {limit}. Use a longer {kind}.",
            rule.min_duration_ms,
            one.duration_ms,
            limit=format_duration(rule.min_duration_ms),
            actual=format_duration(one.duration_ms),
        )
    if (rule.min_fps and one.fps < rule.min_fps - 0.1) or (rule.max_fps and one.fps > rule.max_fps + 0.1):
        yield bad(
            "wrong-fps",
            "The video {name} has {actual} frames per second, but {network} allows only {low} to {high}. Export the video again with another number of frames per second.",
            rule.max_fps,
            one.fps,
            low=rule.min_fps,
            high=rule.max_fps,
            actual=round(one.fps, 2),
        )
    if rule.max_bitrate and one.bitrate > rule.max_bitrate:
        yield bad(
            "wrong-bitrate",
            "The bitrate (amount of data per second) of {name} is {actual} Mbit/s, but {network} allows at most {limit} Mbit/s. Export the file again with a lower bitrate.",
            rule.max_bitrate,
            one.bitrate,
            limit=rule.max_bitrate / 1e6,
            actual=round(one.bitrate / 1e6, 1),
        )
    for codec, allowed, track in (
        (one.video_codec, rule.video_codecs, "video"),
        (one.audio_codec, rule.audio_codecs, "audio"),
    ):
        if codec and allowed and codec not in allowed:
            yield Problem(
                code="wrong-codec",
                message="{network} accepts {track} only in these formats: {allowed}. The format of {name} is {codec}, so convert the file and upload it again.",
                params={**base, "track": track, "allowed": ", ".join(sorted(allowed)), "codec": codec},
                field=field,
            )


def _complete_recipe(recipe: Recipe, rule: MediaRule) -> Recipe:
    return Recipe(
        mime=recipe.mime,
        max_width=recipe.max_width or rule.max_width,
        max_height=recipe.max_height or rule.max_height,
        max_size=recipe.max_size or rule.max_size,
        min_aspect=recipe.min_aspect or rule.min_aspect,
        max_aspect=recipe.max_aspect or rule.max_aspect,
        background=recipe.background,
    )


def _conversion_notice(network: str, field: str, one: Media, made: Recipe, why: list[Problem]) -> Problem:
    return Problem(
        code="will-convert",
        message="{network} does not accept {name} because of its {reasons}. Kicau will publish a copy in the format {mime}, and your own file stays unchanged.",
        params={
            "network": network,
            "name": one.name or one.ref,
            "reasons": " and ".join(map(_conversion_reason, why)),
            "mime": _short_mime_name(made.mime),
        },
        field=field,
        mend="convert",
    )


def _conversion_reason(problem: Problem) -> str:
    """What a copy changes, with the file's own value in a form that every language reads: "file size (9 MB > 8 MB)"."""
    told = problem.params
    match problem.code:
        case "wrong-type":
            value = str(told["mime"])
        case "too-wide":
            value = f"{told['aw']}×{told['ah']} > {told['w']}×{told['h']}".replace("any", "∞")
        case "wrong-aspect":
            low, actual = float(told["low"]), float(told["actual"])
            value = f"{actual} < {low}" if actual < low else f"{actual} > {told['high']}"
        case _:
            value = f"{told['actual']} > {told['limit']}"
    return f"{CONVERSION_REASONS[problem.code]} ({value})"


def _without_fix(problem: Problem) -> Problem:
    return Problem(
        code=problem.code,
        message=problem.message,
        params=problem.params,
        field=problem.field,
        limit=problem.limit,
        actual=problem.actual,
    )


def _short_mime_name(mime: str) -> str:
    return {
        "image/jpeg": "JPEG",
        "image/png": "PNG",
        "image/gif": "GIF",
        "image/webp": "WebP",
        "video/mp4": "MP4",
        "video/quicktime": "MOV",
        "application/pdf": "PDF",
    }.get(mime, mime)
