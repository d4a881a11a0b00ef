"""The moving pictures: a steaming cup, a roast seen through the drum's window, a pour from first drop to last."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from fractions import Fraction
from math import cos, pi, sin
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image

from kicau.demo.drawing import things
from kicau.demo.drawing.canvas import (
    AMBER,
    APRICOT,
    COCOA,
    CREAM,
    EMBER,
    ESPRESSO,
    LATTE,
    LEAF,
    NIGHT,
    PLUM,
    SAGE,
    SAND,
    WHITE,
    Canvas,
    Point,
    blend,
    random_source,
)
from kicau.demo.drawing.kopi import roast_curve

FRAMES_PER_SECOND = 30
CLIP_SECONDS = 6
FRAME_COUNT = FRAMES_PER_SECOND * CLIP_SECONDS
SAMPLE_RATE = 44_100  # samples a second
SAMPLES_PER_BLOCK = 1024  # samples a packet, what AAC takes
BT709_COLOUR_SPACE = 1  # the code for high-definition colour, so that our palette stays itself on every screen

type FramePainter = Callable[[int], Image.Image]


def ease(share: float) -> float:
    """From 0 to 1, slow at both ends; held outside."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def steam_gif(path: Path) -> None:
    """A cup whose steam curls for ever: 24 frames, 480 by 480."""
    back = Canvas(480, 480, EMBER)
    back.disc(240, 236, 168, APRICOT)
    back.disc(240, 236, 126, AMBER)
    back.rect(0, 388, 480, 92, ESPRESSO)
    things.kopi_mark(back, 152, 456, 23, CREAM)
    frames = []
    for i in range(24):
        c, turn = back.copy(), i / 24 * 2 * pi
        for x, phase in ((204, 0.4), (240, 2.2), (276, 4.1)):
            things.steam(c, x, 240, 150, 10, CREAM, phase - turn)
        things.cup(c, 236, 404, 190, CREAM, saucer=SAND, band=LEAF)
        frames.append(c.finish())
    palette = frames[0].quantize(128, dither=Image.Dither.NONE)
    flat = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=80, loop=0, optimize=True)


def _chord(notes: Iterable[float]) -> Iterable[array[float]]:
    """A quiet chord that swells and fades over the clip, in blocks of samples."""
    voices = [(f * 2 * pi / SAMPLE_RATE, f * 1.004 * 2 * pi / SAMPLE_RATE) for f in notes]
    total = SAMPLE_RATE * CLIP_SECONDS
    for start in range(0, total, SAMPLES_PER_BLOCK):
        block = array("f")
        for n in range(start, start + SAMPLES_PER_BLOCK):
            swell = ease(n / SAMPLE_RATE / 1.2) * ease((total - n) / SAMPLE_RATE / 1.8)
            block.append(0.045 * swell * sum(sin(a * n) + 0.6 * sin(b * n) for a, b in voices))
        yield block


def _write_film(path: Path, size: tuple[int, int], paint: FramePainter, notes: Iterable[float], crf: int) -> None:
    """Write an H.264 and AAC file of `FRAME_COUNT` frames; one thread each, so that every run gives the same bytes."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as film:
        picture = film.add_stream(
            "libx264", rate=FRAMES_PER_SECOND, options={"crf": str(crf), "preset": "slow", "threads": "1"}
        )
        picture.width, picture.height = size
        picture.pix_fmt = "yuv420p"
        picture.codec_context.colorspace = picture.codec_context.color_primaries = picture.codec_context.color_trc = (
            BT709_COLOUR_SPACE
        )
        picture.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)
        tone = film.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options={"flags": "+bitexact", "threads": "1"})
        tone.bit_rate = 64_000
        for i in range(FRAME_COUNT):
            frame = VideoFrame.from_image(paint(i)).reformat(format="yuv420p", dst_colorspace=BT709_COLOUR_SPACE)  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = i, Fraction(1, FRAMES_PER_SECOND)
            film.mux(picture.encode(frame))
        for n, block in enumerate(_chord(notes)):
            sound = AudioFrame(format="fltp", layout="mono", samples=SAMPLES_PER_BLOCK)
            sound.planes[0].update(block.tobytes())
            sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, n * SAMPLES_PER_BLOCK, Fraction(1, SAMPLE_RATE)
            film.mux(tone.encode(sound))
        film.mux(picture.encode(None))
        film.mux(tone.encode(None))


# --- the roast: 1280 by 720 ---------------------------------------------------------------------

AXIS = (620.0, 596.0, 580.0, 320.0)  # x, y, width and height of the temperature's graph


def _on_axis(seconds: float) -> Point:
    x, y, w, h = AXIS
    return x + w * seconds / 600, y - h * (roast_curve(seconds) - 80) / 150


def _roast_back() -> Canvas:
    c = Canvas(1280, 720, CREAM)
    c.rect(0, 640, 1280, 80, SAND)
    c.text(70, 112, "From green to brown", 64, ESPRESSO, bold=True)
    c.text(72, 160, "A ten-minute roast in six seconds", 32, COCOA)
    things.kopi_mark(c, 990, 108, 30, ESPRESSO)
    c.card(180, 606, 60, 50, 8, ESPRESSO)
    c.card(400, 606, 60, 50, 8, ESPRESSO)
    c.shape([(206, 226), (434, 226), (366, 290), (274, 290)], blend(ESPRESSO, LATTE, 0.45))
    c.card(110, 280, 420, 340, 60, EMBER)
    c.card(110, 540, 420, 80, 40, blend(EMBER, ESPRESSO, 0.25))
    c.card(500, 430, 84, 34, 17, blend(ESPRESSO, LATTE, 0.2))
    c.disc(320, 440, 142, ESPRESSO)
    c.disc(320, 440, 124, blend(COCOA, APRICOT, 0.45))
    x, y, w, h = AXIS
    for degrees in (100, 140, 180, 220):
        level = y - h * (degrees - 80) / 150
        c.rect(x, level, w, 2, SAND)
        c.text(x + w + 12, level + 8, f"{degrees}°", 22, COCOA)
    c.rect(x, y, w, 3, ESPRESSO)
    for minute in (0, 2, 4, 6, 8, 10):
        c.text(x + w * minute / 10, y + 36, f"{minute} min" if minute == 10 else str(minute), 22, COCOA, align="centre")
    return c


def _tumble(c: Canvas, seconds: float) -> None:
    """Beans carried up by the drum and falling back, green to brown as they roast."""
    chance, shade = random_source(3), ease(seconds / 520)
    green, brown = "#B9C47C", "#4A2A1C"
    colour = blend(green, "#C58B4A", shade * 2) if shade < 0.5 else blend("#C58B4A", brown, shade * 2 - 1)
    for _ in range(26):
        r, speed, start = 30 + chance.random() * 72, 0.75 + chance.random() * 0.5, chance.random()
        lap = (start + seconds / 600 * 5 * speed) % 1
        a = pi * (0.15 + 0.95 * lap)
        fall = max(0.0, lap - 0.72) / 0.28
        x = 320 + cos(a) * r * (1 - 0.4 * fall)
        y = 446 + sin(a) * r * (1 - fall) + fall * 60
        things.bean(c, x, y, 44, lap * 420 + start * 360, colour, blend(colour, "#1B0F0C", 0.6))


def roast_video(path: Path) -> None:
    """A roaster's drum beside its temperature curve."""
    back = _roast_back()

    def paint(i: int) -> Image.Image:
        c, seconds = back.copy(), 580 * ease(i / (FRAME_COUNT - 24))
        _tumble(c, seconds)
        c.ring(320, 440, 142, 20, blend(ESPRESSO, LATTE, 0.25))
        c.ring(320, 440, 108, 9, blend(ESPRESSO, WHITE, 0.35), 215, 262)
        trail = [_on_axis(seconds * k / 90) for k in range(91)]
        c.stroke(trail, 8, EMBER)
        c.disc(*trail[-1], 17, EMBER)
        c.disc(*trail[-1], 8, CREAM)
        c.text(620, 250, f"{int(seconds // 60)}:{int(seconds % 60):02d}", 68, ESPRESSO, bold=True)
        c.text(800, 250, f"{roast_curve(seconds):.0f}°C", 68, EMBER, bold=True)
        if seconds > 480:
            x, y = _on_axis(480)
            c.disc(x, y, 11, ESPRESSO)
            things.tag(c, x - 130, y + 64, "FIRST CRACK", 24, ESPRESSO, AMBER)
        return c.finish()

    _write_film(path, (1280, 720), paint, (130.81, 196.0, 246.94, 329.63), 23)


# --- the pour: 720 by 1280 ----------------------------------------------------------------------


def pour_video(path: Path) -> None:
    """Upright, for reels and stories: a cone dripper filling its server against a setting sun."""
    sky = Canvas(720, 1280, PLUM)
    sky.fade(0, 0, 720, 1080, [NIGHT, PLUM, "#9A3E52", EMBER, APRICOT])

    def paint(i: int) -> Image.Image:
        c, share = sky.copy(), ease((i - 20) / (FRAME_COUNT - 62))
        c.disc(360, 760 + 130 * i / FRAME_COUNT, 250, AMBER)
        things.ridge(c, 1030, [90, 150, 120, 50, 30, 110, 160, 160, 90], blend(PLUM, EMBER, 0.25))
        c.rect(0, 1040, 720, 240, ESPRESSO)
        pouring = 20 < i < FRAME_COUNT - 42
        if pouring:
            c.stroke([(360 + sin(i / 7) * 26, 352), (360 + sin(i / 7) * 26, 520)], 9, blend(CREAM, SAGE, 0.2))
        things.dripper(c, 360, 1086, 340, level=0.03 + 0.8 * share, glass=blend(CREAM, AMBER, 0.3), cone=CREAM)
        if pouring:
            y = 806 + (i % 9) / 9 * (232 - 200 * share)
            things.drop(c, 360, y, 6, COCOA)
        slide = 420 * ease((i - FRAME_COUNT + 44) / 30) + 420 * ease((16 - i) / 16)
        things.gooseneck(c, 360 + sin(i / 7) * 26 * (1 if pouring else 0) + slide, 352, 270, LEAF)
        c.text(56, 150, f"{int(share * 250)} ml", 104, CREAM, bold=True)
        c.text(58, 206, f"{int(share * 165) // 60}:{int(share * 165) % 60:02d}", 44, blend(CREAM, APRICOT, 0.35))
        if i > FRAME_COUNT - 40:
            for x, phase in ((320, 0.0), (360, 2.0), (400, 4.0)):
                things.steam(c, x, 520, 170 * ease((i - FRAME_COUNT + 40) / 24), 11, CREAM, phase - i / 9)
        c.card(56, 1226, 608, 8, 4, blend(ESPRESSO, CREAM, 0.2))
        c.card(56, 1226, 8 + 600 * i / (FRAME_COUNT - 1), 8, 4, AMBER)
        things.kopi_mark(c, 222, 1182, 34, CREAM)
        return c.finish()

    _write_film(path, (720, 1280), paint, (146.83, 220.0, 277.18, 369.99), 25)
