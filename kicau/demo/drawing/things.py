"""What the pictures are made of: cups, beans, bags, the sun, a city and its mountains."""

from __future__ import annotations

from math import cos, pi, sin

from kicau.demo.drawing.canvas import (
    AMBER,
    APRICOT,
    COCOA,
    CREAM,
    ESPRESSO,
    INK,
    LATTE,
    SIGNAL,
    SUN,
    WHITE,
    Canvas,
    Point,
    blend,
    curve,
    random_source,
    rotate_points,
)


def cup(
    c: Canvas, x: float, y: float, w: float, body: str, *, saucer: str | None = None, band: str | None = None
) -> None:
    """A cup seen from the side, `w` wide, standing at (`x` centre, `y` foot)."""
    h = w * 0.72
    if saucer:
        c.oval(x, y + w * 0.02, w * 0.86, w * 0.085, blend(saucer, ESPRESSO, 0.18))
        c.oval(x, y - w * 0.01, w * 0.86, w * 0.085, saucer)
        c.oval(x, y - w * 0.015, w * 0.42, w * 0.035, blend(saucer, ESPRESSO, 0.16))
    top = y - h
    c.ring(x + w * 0.53, top + h * 0.36, w * 0.21, w * 0.075, blend(body, ESPRESSO, 0.1))

    def outline(s: Canvas) -> None:
        left, right = (x - w / 2, top), (x + w / 2, top)
        side = curve(right, (x + w * 0.5, y - h * 0.05), (x + w * 0.2, y))
        back = curve((x - w * 0.2, y), (x - w * 0.5, y - h * 0.05), left)
        s.shape([left, right, *side, *back], WHITE)

    def paint(s: Canvas) -> None:
        s.rect(x - w / 2, top, w, h, body)
        s.shape(
            [(x + w * 0.16, top), (x + w * 0.5, top), (x + w * 0.5, y), (x - w * 0.05, y)], blend(body, ESPRESSO, 0.08)
        )
        if band:
            s.rect(x - w / 2, top + h * 0.3, w, h * 0.14, band)

    c.within(outline, paint)
    c.oval(x, top, w * 0.5, w * 0.075, blend(body, WHITE, 0.45))
    c.oval(x, top + w * 0.008, w * 0.455, w * 0.055, COCOA)
    c.oval(x - w * 0.05, top + w * 0.016, w * 0.36, w * 0.038, blend(COCOA, LATTE, 0.5))


def steam(c: Canvas, x: float, y: float, h: float, width: float, fill: str, phase: float = 0) -> None:
    """A curl of steam rising `h` from (`x`, `y`), thinner towards its ends."""
    for i in range(90):
        t = i / 89
        sway = sin(t * 2 * pi * 1.15 + phase) * h * 0.075 * (0.35 + t)
        r = width / 2 * (sin(pi * t) ** 0.65 if 0 < t < 1 else 0.05)
        c.disc(x + sway, y - h * t, max(0.6, r), fill)


def bean(c: Canvas, x: float, y: float, size: float, angle: float, fill: str = COCOA, crease: str = ESPRESSO) -> None:
    """A roasted bean, `size` long."""
    rx, ry = size / 2, size * 0.33
    edge: list[Point] = [(x + cos(i * pi / 32) * rx, y + sin(i * pi / 32) * ry) for i in range(64)]
    c.shape(rotate_points(edge, (x, y), angle), fill)
    light: list[Point] = [
        (x + cos(i * pi / 32) * rx * 0.62, y - ry * 0.36 + sin(i * pi / 32) * ry * 0.3) for i in range(64)
    ]
    c.shape(rotate_points(light, (x, y), angle), blend(fill, LATTE, 0.3))
    seam = curve((x - rx * 0.9, y + ry * 0.1), (x - rx * 0.3, y - ry * 0.5), (x, y), 10)
    seam += curve((x, y), (x + rx * 0.3, y + ry * 0.5), (x + rx * 0.9, y - ry * 0.1), 10)
    c.stroke(rotate_points(seam, (x, y), angle), size * 0.05, crease)


def beans(c: Canvas, box: tuple[float, float, float, float], count: int, size: float, seed: int) -> None:
    """Beans strewn over the box (x, y, w, h), a little apart from each other."""
    chance, placed = random_source(seed), list[Point]()
    x, y, w, h = box
    for _ in range(count * 60):
        px, py = x + chance.random() * w, y + chance.random() * h
        if all((px - qx) ** 2 + (py - qy) ** 2 > (size * 0.86) ** 2 for qx, qy in placed):
            placed.append((px, py))
            shade = blend(COCOA, chance.choice([ESPRESSO, LATTE]), chance.random() * 0.28)
            bean(c, px, py, size * (0.86 + chance.random() * 0.24), chance.random() * 360, shade)
        if len(placed) == count:
            return


def bag(c: Canvas, x: float, y: float, w: float, fill: str, name: str, notes: str, *, accent: str = AMBER) -> None:
    """A pouch of coffee standing at (`x` centre, `y` foot), `w` wide."""
    h = w * 1.42
    top, left = y - h, x - w / 2
    c.oval(x, y, w * 0.56, w * 0.045, blend(fill, "#000000", 0.55))
    c.card(left, top + h * 0.08, w, h * 0.92, w * 0.05, fill)
    c.shape(
        [(x + w * 0.3, top + h * 0.1), (x + w * 0.5, top + h * 0.1), (x + w * 0.5, y - w * 0.05), (x + w * 0.42, y)],
        blend(fill, "#000000", 0.12),
    )
    c.card(left - w * 0.01, top, w * 1.02, h * 0.115, w * 0.03, blend(fill, WHITE, 0.12))
    c.rect(left - w * 0.01, top + h * 0.052, w * 1.02, h * 0.012, blend(fill, "#000000", 0.2))
    c.disc(x, top + h * 0.18, w * 0.026, blend(fill, "#000000", 0.35))
    c.card(left + w * 0.14, top + h * 0.27, w * 0.72, h * 0.55, w * 0.04, CREAM)
    c.slice(x, top + h * 0.44, w * 0.17, 180, 360, accent)
    c.rect(x - w * 0.24, top + h * 0.443, w * 0.48, w * 0.014, ESPRESSO)
    c.text(x, top + h * 0.565, name.upper(), w * 0.088, ESPRESSO, bold=True, track=0.05, align="centre")
    c.text(x, top + h * 0.63, notes, w * 0.046, COCOA, align="centre")
    c.text(
        x,
        top + h * 0.77,
        "200 g  ·  biji utuh",
        w * 0.042,
        COCOA,
        align="centre",
    )


def dripper(c: Canvas, x: float, y: float, w: float, *, level: float, glass: str, cone: str, brew: str = COCOA) -> None:
    """A cone dripper on its server, foot at (`x`, `y`), cone `w` wide; `level` 0 to 1 fills the server."""
    sh, neck = w * 0.86, y - w * 0.86
    half_top, half_foot = w * 0.3, w * 0.46

    def server(s: Canvas) -> None:
        right = curve((x + half_top, neck), (x + half_foot * 1.06, neck + sh * 0.35), (x + half_foot, y - w * 0.06))
        left = [(2 * x - px, py) for px, py in reversed(right)]
        s.shape([*right, (x + half_foot - w * 0.06, y), (x - half_foot + w * 0.06, y), *left], WHITE)

    def fill(s: Canvas) -> None:
        s.rect(x - w, neck, w * 2, sh, glass)
        if level > 0:
            s.rect(x - w, y - sh * 0.88 * level, w * 2, sh * 0.88 * level, brew)
            s.rect(x - w, y - sh * 0.88 * level, w * 2, w * 0.02, blend(brew, LATTE, 0.6))
        s.rect(x - half_foot * 0.72, neck + sh * 0.3, w * 0.045, sh * 0.52, blend(glass, WHITE, 0.55))

    c.ring(x + half_foot + w * 0.02, neck + sh * 0.5, w * 0.2, w * 0.05, blend(glass, ESPRESSO, 0.35), 250, 110)
    c.within(server, fill)
    c.card(x - w * 0.4, neck - w * 0.055, w * 0.8, w * 0.07, w * 0.03, blend(cone, ESPRESSO, 0.2))
    rim = neck - w * 0.62
    c.ring(x + w * 0.47, rim + w * 0.2, w * 0.12, w * 0.045, blend(cone, ESPRESSO, 0.15))
    c.shape(
        [(x - w * 0.5, rim), (x + w * 0.5, rim), (x + w * 0.15, neck - w * 0.04), (x - w * 0.15, neck - w * 0.04)], cone
    )
    for i in range(-2, 3):
        c.stroke(
            [(x + i * w * 0.17, rim + w * 0.05), (x + i * w * 0.055, neck - w * 0.08)],
            w * 0.012,
            blend(cone, ESPRESSO, 0.12),
        )
    c.card(x - w * 0.53, rim - w * 0.035, w * 1.06, w * 0.075, w * 0.035, blend(cone, WHITE, 0.35))


def gooseneck(c: Canvas, x: float, y: float, w: float, fill: str) -> None:
    """A kettle whose spout ends at (`x`, `y`), the body to the upper right."""
    bx, by = x + w * 0.78, y - w * 0.2
    c.stroke(curve((x, y), (x + w * 0.02, y - w * 0.42), (x + w * 0.24, y - w * 0.1), 30), w * 0.05, fill)
    c.stroke(
        curve((x + w * 0.24, y - w * 0.1), (x + w * 0.34, y + w * 0.12), (x + w * 0.52, y + w * 0.02), 30),
        w * 0.06,
        fill,
    )
    c.shape(
        [
            (bx - w * 0.26, by - w * 0.2),
            (bx + w * 0.26, by - w * 0.2),
            (bx + w * 0.36, by + w * 0.3),
            (bx - w * 0.36, by + w * 0.3),
        ],
        fill,
    )
    c.card(bx - w * 0.29, by - w * 0.25, w * 0.58, w * 0.07, w * 0.03, blend(fill, WHITE, 0.2))
    c.disc(bx, by - w * 0.29, w * 0.05, blend(fill, WHITE, 0.2))
    c.ring(bx + w * 0.34, by + w * 0.03, w * 0.2, w * 0.055, blend(fill, "#000000", 0.2), 270, 90)
    c.shape(
        [
            (bx + w * 0.1, by - w * 0.2),
            (bx + w * 0.26, by - w * 0.2),
            (bx + w * 0.36, by + w * 0.3),
            (bx + w * 0.14, by + w * 0.3),
        ],
        blend(fill, "#000000", 0.14),
    )


def ridge(c: Canvas, base: float, heights: list[float], fill: str) -> None:
    """Mountains across the whole width; `heights` are evenly spaced and smoothed."""
    n, points = len(heights) - 1, [(0.0, float(c.height))]
    for i in range(n * 24 + 1):
        place = i / 24
        j = min(int(place), n - 1)
        t = (1 - cos((place - j) * pi)) / 2
        points.append((c.width * place / n, base - heights[j] - (heights[j + 1] - heights[j]) * t))
    c.shape([*points, (float(c.width), float(c.height))], fill)


def city(c: Canvas, base: float, tall: float, fill: str, lit: str | None, seed: int, *, width: float = 60) -> None:
    """A row of houses and towers across the whole width; `lit` colours some of the windows."""
    chance, x = random_source(seed), -10.0
    while x < c.width:
        w = width * (0.7 + chance.random() * 0.8)
        h = tall * (0.35 + chance.random() * 0.65)
        c.rect(x, base - h, w + 1, h + c.height - base, fill)
        roof = chance.random()
        if roof < 0.25:
            c.shape([(x, base - h), (x + w / 2, base - h - w * 0.35), (x + w, base - h)], fill)
        elif roof < 0.4:
            c.rect(x + w * 0.45, base - h - tall * 0.12, w * 0.06, tall * 0.12, fill)
        if lit:
            step = width * 0.28
            for row in range(int(h // step) - 1):
                for column in range(int(w // step) - 1):
                    if chance.random() < 0.32:
                        c.rect(x + step * (column + 0.7), base - h + step * (row + 0.7), step * 0.34, step * 0.44, lit)
        x += w


def gedung_sate(c: Canvas, x: float, base: float, w: float, fill: str, lit: str) -> None:
    """Bandung's best-known roof, with its skewer, as a silhouette `w` wide."""
    h = w * 0.26
    c.rect(x - w / 2, base - h * 0.55, w, h * 0.55, fill)
    c.shape(
        [
            (x - w * 0.53, base - h * 0.55),
            (x - w * 0.45, base - h * 0.82),
            (x + w * 0.45, base - h * 0.82),
            (x + w * 0.53, base - h * 0.55),
        ],
        fill,
    )
    c.rect(x - w * 0.13, base - h * 1.25, w * 0.26, h * 1.25, fill)
    c.shape(
        [
            (x - w * 0.19, base - h * 1.2),
            (x - w * 0.1, base - h * 1.55),
            (x + w * 0.1, base - h * 1.55),
            (x + w * 0.19, base - h * 1.2),
        ],
        fill,
    )
    c.rect(x - w * 0.06, base - h * 1.8, w * 0.12, h * 0.3, fill)
    c.shape(
        [
            (x - w * 0.1, base - h * 1.76),
            (x - w * 0.04, base - h * 2.0),
            (x + w * 0.04, base - h * 2.0),
            (x + w * 0.1, base - h * 1.76),
        ],
        fill,
    )
    c.rect(x - w * 0.006, base - h * 2.6, w * 0.012, h * 0.65, fill)
    for i in range(3):
        c.oval(x, base - h * (2.14 + i * 0.13), w * 0.017, h * 0.045, fill)
    for i in range(-7, 8):
        if abs(i) > 1:
            c.card(
                x + i * w * 0.062 - w * 0.013,
                base - h * 0.4,
                w * 0.026,
                h * 0.27,
                w * 0.013,
                lit,
                corners=(True, True, False, False),
            )
    for i in (-1, 0, 1):
        c.card(
            x + i * w * 0.07 - w * 0.017,
            base - h * 0.98,
            w * 0.034,
            h * 0.32,
            w * 0.017,
            lit,
            corners=(True, True, False, False),
        )


def cloud(c: Canvas, x: float, y: float, w: float, fill: str) -> None:
    c.card(x - w / 2, y - w * 0.14, w, w * 0.28, w * 0.14, fill)
    c.disc(x - w * 0.13, y - w * 0.15, w * 0.19, fill)
    c.disc(x + w * 0.16, y - w * 0.1, w * 0.15, fill)


def drop(c: Canvas, x: float, y: float, size: float, fill: str) -> None:
    """A raindrop whose round part is centred at (`x`, `y`)."""
    c.disc(x, y, size, fill)
    c.shape([(x - size * 0.94, y - size * 0.34), (x, y - size * 2.1), (x + size * 0.94, y - size * 0.34)], fill)


def rays(
    c: Canvas, x: float, y: float, inner: float, outer: float, count: int, width: float, fill: str, start: float = 0
) -> None:
    """Strokes around a sun, from `start` degrees all the way round."""
    for i in range(count):
        a = (start + i * 360 / count) * pi / 180
        c.stroke([(x + cos(a) * inner, y + sin(a) * inner), (x + cos(a) * outer, y + sin(a) * outer)], width, fill)


def beams(c: Canvas, x: float, y: float, reach: float, count: int, fill: str, start: float = 0) -> None:
    """Wedges of light all round (`x`, `y`)."""
    for i in range(count):
        a = start + i * 360 / count
        c.slice(x, y, reach, a, a + 180 / count, fill)


def kopi_mark(c: Canvas, x: float, y: float, size: float, ink: str, sun: str = APRICOT) -> None:
    """The roaster's sign: a sun going down into a cup, with its name; left edge `x`, baseline `y`."""
    r, cx = size * 0.62, x + size * 0.7
    c.slice(cx, y - size * 0.42, r * 0.72, 180, 360, sun)
    c.slice(cx, y - size * 0.36, r, 0, 180, ink)
    c.rect(cx - r, y - size * 0.40, r * 2, size * 0.06, ink)
    c.ring(cx + r * 0.98, y - size * 0.16, size * 0.22, size * 0.09, ink, 270, 100)
    c.text(x + size * 1.95, y, "KOPI SENJA", size * 0.8, ink, bold=True, track=0.13)


def kabar_mark(c: Canvas, x: float, y: float, size: float, ink: str = INK) -> None:
    """The newsroom's sign: a morning sun on a red square, with its name; left edge `x`, baseline `y`."""
    c.card(x, y - size * 0.94, size * 1.16, size * 1.16, size * 0.2, SIGNAL)
    c.slice(x + size * 0.58, y - size * 0.08, size * 0.36, 180, 360, SUN)
    c.rect(x + size * 0.16, y - size * 0.06, size * 0.84, size * 0.09, WHITE)
    width = c.text(x + size * 1.5, y, "kabar", size, ink, bold=True)
    c.text(x + size * 1.62 + width, y, "pagi", size, SIGNAL if ink == INK else SUN, bold=True)


def face(
    c: Canvas,
    x: float,
    y: float,
    r: float,
    skin: str,
    hair: str,
    shirt: str,
    bib: str,
    *,
    veil: bool = False,
    long: bool = False,
) -> None:
    """Head and shoulders in an apron, without features; `r` is the head's radius, centred at (`x`, `y`)."""
    if long:
        c.card(x - r * 1.12, y - r * 0.9, r * 2.24, r * 2.6, r * 0.9, hair)
    c.card(x - r * 1.9, y + r * 1.25, r * 3.8, r * 3, r * 1.2, shirt)
    c.card(x - r * 0.36, y + r * 0.5, r * 0.72, r * 1.1, r * 0.3, blend(skin, COCOA, 0.25))
    c.shape(
        [
            (x - r * 0.8, y + r * 2.05),
            (x + r * 0.8, y + r * 2.05),
            (x + r * 1.15, y + r * 4.3),
            (x - r * 1.15, y + r * 4.3),
        ],
        bib,
    )
    for side in (-1, 1):
        c.stroke([(x + side * r * 0.72, y + r * 2.05), (x + side * r * 0.5, y + r * 1.3)], r * 0.14, bib)
    if veil:
        drape = curve((x - r * 1.18, y + r * 0.2), (x - r * 1.35, y + r * 1.9), (x - r * 0.1, y + r * 2.15))
        drape += curve((x - r * 0.1, y + r * 2.15), (x + r * 1.5, y + r * 2.1), (x + r * 1.18, y + r * 0.2))
        c.shape(drape, hair)
        c.oval(x, y + r * 0.05, r * 1.18, r * 1.32, hair)
        c.stroke(
            curve((x + r * 0.7, y + r * 0.75), (x + r * 0.2, y + r * 1.35), (x - r * 0.75, y + r * 1.5)),
            r * 0.05,
            blend(hair, ESPRESSO, 0.3),
        )
        c.oval(x, y, r * 0.78, r * 0.92, skin)
        return
    c.oval(x, y, r * 0.86, r, skin)

    def head(s: Canvas) -> None:
        s.oval(x, y, r * 0.93, r * 1.06, WHITE)

    def hairline(s: Canvas) -> None:
        s.shape(
            [
                (x - r * 1.1, y - r * 1.2),
                (x + r * 1.1, y - r * 1.2),
                (x + r * 1.1, y - r * 0.02),
                *curve((x + r * 0.95, y - r * 0.1), (x + r * 0.4, y - r * 0.2), (x - r * 0.1, y - r * 0.72), 16),
                *curve((x - r * 0.1, y - r * 0.72), (x - r * 0.5, y - r * 0.35), (x - r * 0.95, y - r * 0.05), 16),
            ],
            hair,
        )

    c.within(head, hairline)


def chilli(c: Canvas, x: float, y: float, size: float, angle: float, fill: str, stalk: str) -> None:
    """A chilli hanging from (`x`, `y`), `size` long, turned by `angle`."""
    body = rotate_points(
        curve((x, y), (x - size * 0.05, y + size * 0.62), (x + size * 0.42, y + size), 60), (x, y), angle
    )
    c.stroke(
        rotate_points(
            curve((x, y), (x - size * 0.02, y - size * 0.16), (x + size * 0.1, y - size * 0.28)), (x, y), angle
        ),
        size * 0.06,
        stalk,
    )
    for i, (px, py) in enumerate(body):
        c.disc(px, py, max(1.0, size * 0.125 * (1 - (i / 60) ** 1.7)), fill)
    for i, (px, py) in enumerate(body[8:34]):
        c.disc(px - size * 0.03, py, size * 0.018 * (1 - abs(i - 13) / 16), blend(fill, WHITE, 0.45))
    c.oval(x, y - size * 0.03, size * 0.12, size * 0.07, stalk)


def tag(c: Canvas, x: float, y: float, text: str, size: float, fill: str, ink: str) -> float:
    """A pill with a word in it, left edge `x`, middle `y`; gives its width."""
    width = c.measure(text, size, bold=True, track=0.06) + size * 1.5
    c.card(x, y - size * 0.95, width, size * 1.9, size * 0.95, fill)
    c.text(x + size * 0.75, y + size * 0.36, text, size, ink, bold=True, track=0.06)
    return width
