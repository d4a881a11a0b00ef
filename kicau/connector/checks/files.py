"""One file against its channel's rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kicau.connector.capabilities import MediaRule
from kicau.connector.checks.formats import MEDIA_KIND_NAMES, format_duration, format_megabytes, short_mime_name
from kicau.connector.content import Media, MediaKind, Problem


@dataclass(frozen=True, slots=True)
class _CheckedFile:
    media: Media
    rule: MediaRule
    field: str
    params: Mapping[str, str | int | float]  # of every message about it

    def problem(
        self,
        code: str,
        message: str,
        limit: float,
        actual: float,
        /,
        fix: str = "",
        at: str = "",
        **params: str | int | float,
    ) -> Problem:
        filled, field = {**self.params, **params}, at or self.field
        return Problem(code=code, message=message, params=filled, field=field, limit=limit, actual=actual, fix=fix)


def check_file(network: str, field: str, one: Media, rule: MediaRule) -> Iterable[Problem]:
    params = {"network": network, "kind": MEDIA_KIND_NAMES[one.kind], "name": one.name or one.ref}
    file = _CheckedFile(one, rule, field, params)
    yield from _check_format(file)
    yield from _check_size(file)
    yield from _check_dimensions(file)
    yield from _check_aspect(file)
    if one.kind is MediaKind.VIDEO:
        yield from _check_video(file)
    yield from _check_frames_and_pages(file)
    yield from _check_alt_text(file)


def _check_format(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if one.mime not in rule.mimes:
        yield Problem(
            code="wrong-type",
            message="On {network}, each {kind} must have one of these formats: {types}. The format of {name} is {mime}, so convert the file and upload it again.",
            params={
                **file.params,
                "types": ", ".join(sorted(short_mime_name(m) for m in rule.mimes)),
                "mime": short_mime_name(one.mime),
            },
            field=file.field,
            fix="convert",
        )


def _check_size(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if rule.max_size and one.size > rule.max_size:
        yield file.problem(
            "too-large",
            "The file size of {name} is {actual}, but on {network} each {kind} can be at most {limit}. Use a smaller file.",
            rule.max_size,
            one.size,
            "convert",
            limit=format_megabytes(rule.max_size),
            actual=format_megabytes(one.size),
        )
    if rule.min_size and one.size < rule.min_size:
        yield file.problem(
            "too-small",
            "The file size of {name} is {actual}, but on {network} each {kind} must be at least {limit}. Use a larger file.",
            rule.min_size,
            one.size,
            limit=format_megabytes(rule.min_size),
            actual=format_megabytes(one.size),
        )


def _check_dimensions(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if (one.width < rule.min_width) or (one.height < rule.min_height):
        yield file.problem(
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
        yield file.problem(
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
        yield file.problem(
            "too-many-pixels",
            "{name} has {actual} pixels in total, but on {network} each {kind} can have at most {limit}. Use a file with fewer pixels.",
            rule.max_pixels,
            one.width * one.height,
            "convert",
            limit=rule.max_pixels,
            actual=one.width * one.height,
        )


def _check_aspect(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if one.height and (
        (rule.min_aspect and one.aspect < rule.min_aspect - 0.005)
        or (rule.max_aspect and one.aspect > rule.max_aspect + 0.005)
    ):
        yield file.problem(
            "wrong-aspect",
            "On {network}, the width of each {kind} must be {low} to {high} times its height. The width of {name} is {actual} times its height, so crop the file.",
            rule.max_aspect,
            round(one.aspect, 2),
            "convert",
            low=round(rule.min_aspect, 2),
            high=round(rule.max_aspect, 2),
            actual=round(one.aspect, 2),
        )


def _check_video(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if rule.max_duration_ms and one.duration_ms > rule.max_duration_ms:
        yield file.problem(
            "too-long-video",
            "{name} lasts {actual}, but on {network} each {kind} can last at most {limit}. Shorten the {kind}.",
            rule.max_duration_ms,
            one.duration_ms,
            limit=format_duration(rule.max_duration_ms),
            actual=format_duration(one.duration_ms),
        )
    if one.duration_ms < rule.min_duration_ms:
        yield file.problem(
            "too-short-video",
            "{name} lasts {actual}, but on {network} each {kind} must last at least {limit}. Use a longer {kind}.",
            rule.min_duration_ms,
            one.duration_ms,
            limit=format_duration(rule.min_duration_ms),
            actual=format_duration(one.duration_ms),
        )
    if (rule.min_fps and one.fps < rule.min_fps - 0.1) or (rule.max_fps and one.fps > rule.max_fps + 0.1):
        yield file.problem(
            "wrong-fps",
            "The video {name} has {actual} frames per second, but {network} allows only {low} to {high}. Export the video again with a different frame rate.",
            rule.max_fps,
            one.fps,
            low=rule.min_fps,
            high=rule.max_fps,
            actual=round(one.fps, 2),
        )
    if rule.max_bitrate and one.bitrate > rule.max_bitrate:
        yield file.problem(
            "wrong-bitrate",
            "The bitrate (amount of data per second) of {name} is {actual} Mbit/s, but {network} allows at most {limit} Mbit/s. Export the file again with a lower bitrate.",
            rule.max_bitrate,
            one.bitrate,
            limit=rule.max_bitrate / 1e6,
            actual=round(one.bitrate / 1e6, 1),
        )
    yield from _check_codecs(file)


def _check_codecs(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    for codec, allowed, track in (
        (one.video_codec, rule.video_codecs, "video"),
        (one.audio_codec, rule.audio_codecs, "audio"),
    ):
        if codec and allowed and codec not in allowed:
            yield Problem(
                code="wrong-codec",
                message="{network} accepts {track} only in these formats: {allowed}. The format of {name} is {codec}, so convert the file and upload it again.",
                params={**file.params, "track": track, "allowed": ", ".join(sorted(allowed)), "codec": codec},
                field=file.field,
            )


def _check_frames_and_pages(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if rule.max_frames and one.frames > rule.max_frames:
        yield file.problem(
            "too-many-frames",
            "The animation {name} consists of {actual} images (frames), but {network} allows at most {limit}. Use a shorter animation.",
            rule.max_frames,
            one.frames,
            limit=rule.max_frames,
            actual=one.frames,
        )
    if rule.max_pages and one.pages > rule.max_pages:
        yield file.problem(
            "too-many-pages",
            "{name} has {actual} pages, but on {network} each {kind} can have at most {limit}. Remove some pages.",
            rule.max_pages,
            one.pages,
            limit=rule.max_pages,
            actual=one.pages,
        )


def _check_alt_text(file: _CheckedFile) -> Iterable[Problem]:
    one, rule = file.media, file.rule
    if rule.max_alt and len(one.alt) > rule.max_alt:
        yield file.problem(
            "alt-too-long",
            "The alt text of {name} has {actual} characters, but {network} allows at most {limit}. Shorten the alt text.",
            rule.max_alt,
            len(one.alt),
            at=file.field + ".alt",
            limit=rule.max_alt,
            actual=len(one.alt),
        )
    if rule.needs_alt and not one.alt:
        yield Problem(
            code="needs-alt",
            message="{network} requires alt text for each {kind}. Write alt text for {name}.",
            params=file.params,
            field=file.field + ".alt",
        )
