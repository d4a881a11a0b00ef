"""The paper: flat shapes, gradients and type, drawn large and scaled down so that edges are smooth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import cos, pi, sin
from random import Random

from PIL import Image, ImageColor, ImageDraw, ImageFont

type Point = tuple[float, float]

# One palette for both houses: dusk and coffee for the roaster, morning and ink for the newsroom.
CREAM = "#F8EFE0"
SAND = "#EBD9BD"
LATTE = "#C99A6B"
COCOA = "#7A4A32"
ESPRESSO = "#2C1A17"
EMBER = "#E4572E"
APRICOT = "#F58E51"
AMBER = "#F8B84E"
PLUM = "#4B2A4F"
NIGHT = "#241836"
LEAF = "#2F6F5E"
SAGE = "#9CBFA0"
INK = "#13233F"
SEA = "#2F6EA5"
SKY = "#8EC3E0"
MIST = "#E9F1F5"
SUN = "#FFC845"
SIGNAL = "#E23D3D"
WHITE = "#FFFFFF"

MIN_BOLD_STROKE = 0.022  # the stroke that makes the one shipped weight look bold, of the type size


def blend(under: str, over: str, share: float) -> str:
    """The colour `share` (0 to 1) of the way from `under` to `over`, as #rrggbb."""
    a, b = ImageColor.getrgb(under), ImageColor.getrgb(over)
    return "#{:02x}{:02x}{:02x}".format(*(round(x + (y - x) * share) for x, y in zip(a[:3], b[:3], strict=True)))


@cache
def typeface(size: int) -> ImageFont.FreeTypeFont:
    """The face that ships with Pillow, at `size` pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so the demo's lettering can't be set; use its wheel.")
    return font


def random_source(seed: int) -> Random:
    """Chance that falls the same way every time, for strewing things."""
    return Random(seed)  # noqa: S311 (nothing here is secret)


def curve(start: Point, bend: Point, end: Point, steps: int = 24) -> list[Point]:
    """Points along a quadratic Bézier curve."""
    points = []
    for i in range(steps + 1):
        t = i / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        points.append((a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1]))
    return points


def rotate_points(points: Iterable[Point], centre: Point, degrees: float) -> list[Point]:
    """The points turned clockwise about `centre`."""
    c, s = cos(degrees * pi / 180), sin(degrees * pi / 180)
    x0, y0 = centre
    return [(x0 + (x - x0) * c - (y - y0) * s, y0 + (x - x0) * s + (y - y0) * c) for x, y in points]


def smooth(points: Sequence[Point], steps: int = 16) -> list[Point]:
    """A curve through all the points (Catmull-Rom), ends included."""
    path = [points[0], *points, points[-1]]
    out: list[Point] = []
    for p0, p1, p2, p3 in zip(path, path[1:], path[2:], path[3:], strict=False):
        for i in range(steps):
            t = i / steps
            a, b, d = -t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3
            e = t**3 - t**2
            out.append(
                (
                    (a * p0[0] + b * p1[0] + d * p2[0] + e * p3[0]) / 2,
                    (a * p0[1] + b * p1[1] + d * p2[1] + e * p3[1]) / 2,
                )
            )
    return [*out, points[-1]]


class Canvas:
    """A picture of `width` by `height` logical pixels; `finish` gives it at `scale` times that."""

    def __init__(self, width: int, height: int, ground: str, *, scale: float = 1, fineness: int = 2) -> None:
        self.width, self.height, self.scale = width, height, scale
        self.k = scale * fineness
        self.image = Image.new("RGB", (round(width * self.k), round(height * self.k)), ground)
        self.pen = ImageDraw.Draw(self.image)

    def copy(self) -> Canvas:
        twin = Canvas.__new__(Canvas)
        twin.width, twin.height, twin.scale, twin.k = self.width, self.height, self.scale, self.k
        twin.image = self.image.copy()
        twin.pen = ImageDraw.Draw(twin.image)
        return twin

    def finish(self) -> Image.Image:
        size = (round(self.width * self.scale), round(self.height * self.scale))
        return self.image.resize(size, Image.Resampling.LANCZOS)

    def _at(self, *values: float) -> list[float]:
        return [v * self.k for v in values]

    # --- shapes -----------------------------------------------------------------------------

    def rect(self, x: float, y: float, w: float, h: float, fill: str) -> None:
        self.pen.rectangle(self._at(x, y, x + w, y + h), fill=fill)

    def card(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        r: float,
        fill: str | None,
        *,
        edge: str | None = None,
        width: float = 0,
        corners: tuple[bool, bool, bool, bool] | None = None,
    ) -> None:
        """A rectangle with round corners (top left, top right, bottom right, bottom left)."""
        self.pen.rounded_rectangle(
            self._at(x, y, x + w, y + h),
            r * self.k,
            fill=fill,
            outline=edge,
            width=round(width * self.k),
            corners=corners,
        )

    def disc(self, x: float, y: float, r: float, fill: str) -> None:
        self.pen.ellipse(self._at(x - r, y - r, x + r, y + r), fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str) -> None:
        self.pen.ellipse(self._at(x - rx, y - ry, x + rx, y + ry), fill=fill)

    def ring(self, x: float, y: float, r: float, width: float, fill: str, start: float = 0, end: float = 360) -> None:
        """Part of a circle's outline, degrees clockwise from three o'clock."""
        self.pen.arc(self._at(x - r, y - r, x + r, y + r), start, end, fill=fill, width=round(width * self.k))

    def slice(self, x: float, y: float, r: float, start: float, end: float, fill: str) -> None:
        self.pen.pieslice(self._at(x - r, y - r, x + r, y + r), start, end, fill=fill)

    def shape(self, points: Iterable[Point], fill: str) -> None:
        self.pen.polygon([(x * self.k, y * self.k) for x, y in points], fill=fill)

    def stroke(self, points: Sequence[Point], width: float, fill: str) -> None:
        """A line through the points, with round ends and joints."""
        path = [(x * self.k, y * self.k) for x, y in points]
        self.pen.line(path, fill=fill, width=round(width * self.k))
        r = width * self.k / 2
        for x, y in path:
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def dashes(self, start: Point, end: Point, width: float, fill: str, dash: float = 12, gap: float = 12) -> None:
        (x0, y0), (x1, y1) = start, end
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        for i in range(int(length // (dash + gap)) + 1):
            a = i * (dash + gap) / length
            b = min(1.0, a + dash / length)
            self.stroke([(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (a, b)], width, fill)

    def fade(self, x: float, y: float, w: float, h: float, stops: Sequence[str]) -> None:
        """A rectangle whose colour runs from the first stop at the top to the last at the bottom."""
        rows = round(h * self.k)
        strip = Image.new("RGB", (1, rows))
        for row in range(rows):
            place = row / max(1, rows - 1) * (len(stops) - 1)
            i = min(int(place), len(stops) - 2)
            strip.putpixel((0, row), ImageColor.getrgb(blend(stops[i], stops[i + 1], place - i))[:3])
        self.image.paste(strip.resize((round(w * self.k), rows)), (round(x * self.k), round(y * self.k)))

    def within(self, mask: Callable[[Canvas], None], paint: Callable[[Canvas], None]) -> None:
        """Paint only where `mask` drew (on its own sheet, in white)."""
        sheet = Canvas(self.width, self.height, "#000000", scale=self.scale, fineness=round(self.k / self.scale))
        mask(sheet)
        painted = self.copy()
        paint(painted)
        self.image.paste(painted.image, (0, 0), sheet.image.convert("L"))

    def glaze(self, share: float, paint: Callable[[Canvas], None]) -> None:
        """Paint with `share` (0 to 1) of full strength."""
        painted = self.copy()
        paint(painted)
        self.image.paste(Image.blend(self.image, painted.image, share))

    # --- type -------------------------------------------------------------------------------

    def measure(self, text: str, size: float, *, bold: bool = False, track: float = 0) -> float:
        """The text's width in logical pixels; `track` is space added between letters, of the size."""
        font = typeface(round(size * self.k))
        extra = track + (MIN_BOLD_STROKE if bold else 0)
        return font.getlength(text) / self.k + extra * size * max(0, len(text) - 1)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        fill: str,
        *,
        bold: bool = False,
        track: float = 0,
        align: str = "left",
    ) -> float:
        """One line standing on the baseline `y`; gives its width. `align` is left, centre or right of `x`."""
        width = self.measure(text, size, bold=bold, track=track)
        x -= {"left": 0.0, "centre": width / 2, "right": width}[align]
        font = typeface(round(size * self.k))
        stroke = size * self.k * MIN_BOLD_STROKE if bold else 0
        extra = track + (MIN_BOLD_STROKE if bold else 0)
        for i, letter in enumerate(text):
            # Measured with its neighbours, so that kerning survives the tracking.
            before = font.getlength(text[: i + 1]) - font.getlength(letter)
            place = (x + extra * size * i) * self.k + before
            self.pen.text((place, y * self.k), letter, font=font, fill=fill, anchor="ls", stroke_width=stroke)
        return width

    def lines(
        self,
        x: float,
        y: float,
        lines: Sequence[str],
        size: float,
        fill: str,
        *,
        bold: bool = False,
        leading: float = 1.3,
        align: str = "left",
    ) -> float:
        """Several lines, the first on the baseline `y`; gives the baseline after the last."""
        for line in lines:
            self.text(x, y, line, size, fill, bold=bold, align=align)
            y += size * leading
        return y
