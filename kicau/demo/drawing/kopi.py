"""The roaster's pictures: products, people, the shop and the hills that the coffee comes from."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, pi, sin

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
    blend,
    random_source,
)

DUSK = [NIGHT, PLUM, "#8A3A52", EMBER, APRICOT, AMBER]


def senja_cup() -> Image.Image:
    c = Canvas(1080, 1350, NIGHT)
    c.fade(0, 0, 1080, 1010, DUSK)
    c.disc(540, 745, 330, blend(AMBER, APRICOT, 0.25))
    c.disc(540, 745, 262, AMBER)
    things.ridge(c, 960, [120, 210, 150, 60, 20, 40, 150, 235, 235, 170, 90], blend(PLUM, EMBER, 0.32))
    things.ridge(c, 985, [60, 40, 90, 130, 70, 30, 20, 60, 80, 120, 60], blend(PLUM, NIGHT, 0.35))
    c.rect(0, 1010, 1080, 340, ESPRESSO)
    c.rect(0, 1010, 1080, 10, blend(ESPRESSO, LATTE, 0.35))
    for x, phase in ((468, 0.4), (540, 2.2), (612, 4.1)):
        things.steam(c, x, 690, 250, 17, blend(CREAM, AMBER, 0.12), phase)
    things.cup(c, 540, 1062, 400, CREAM, saucer=SAND, band=EMBER)
    c.text(540, 190, "Pelan-pelan saja.", 112, CREAM, bold=True, align="centre")
    c.text(540, 258, "Sore masih panjang, kopinya masih hangat.", 38, blend(CREAM, APRICOT, 0.25), align="centre")
    things.kopi_mark(c, 362, 1268, 46, CREAM)
    return c.finish()


def puntang_bag() -> Image.Image:
    c = Canvas(1080, 1350, CREAM)
    c.disc(540, 760, 430, blend(AMBER, CREAM, 0.15))
    c.disc(540, 760, 340, AMBER)
    c.rect(0, 1130, 1080, 220, SAND)
    things.bag(c, 540, 1165, 470, PLUM, "Puntang", "nangka  ·  gula aren  ·  teh hitam", accent=EMBER)
    things.beans(c, (40, 1160, 270, 150), 9, 88, 4)
    things.beans(c, (780, 1160, 270, 150), 9, 88, 11)
    c.text(70, 150, "Puntang Natural", 106, ESPRESSO, bold=True)
    c.text(72, 214, "Panen baru dari Gunung Puntang, 1.350 mdpl", 38, COCOA)
    things.tag(c, 72, 292, "BARU", 32, EMBER, CREAM)
    things.tag(c, 220, 292, "RP 98.000", 32, ESPRESSO, CREAM)
    return c.finish()


def _step(number: str, title: str, lines: list[str], ground: str, ink: str) -> Canvas:
    c = Canvas(1080, 1350, ground)
    c.text(70, 250, number, 210, blend(ground, ink, 0.2), bold=True)
    c.text(70, 1085, title, 84, ink, bold=True)
    c.lines(72, 1155, lines, 41, blend(ink, ground, 0.18), leading=1.38)
    for i in range(5):
        now = str(i + 1) == number
        c.card(
            70 + i * 42 + (30 if i + 1 > int(number) else 0),
            1290,
            58 if now else 28,
            12,
            6,
            ink if now else blend(ground, ink, 0.3),
        )
    return c


def brew_cover() -> Image.Image:
    c = Canvas(1080, 1350, EMBER)
    c.disc(860, 930, 480, blend(EMBER, APRICOT, 0.75))
    c.disc(860, 930, 350, AMBER)
    things.dripper(c, 720, 1215, 420, level=0.55, glass=blend(WHITE, AMBER, 0.25), cone=CREAM)
    c.rect(0, 1215, 1080, 135, ESPRESSO)
    c.lines(70, 200, ["V60 at home,", "no fuss."], 128, CREAM, bold=True, leading=1.08)
    c.lines(
        74,
        430,
        ["Five cards, one very good cup.", "Swipe, then save for tomorrow."],
        42,
        blend(CREAM, EMBER, 0.08),
        leading=1.4,
    )
    things.tag(c, 74, 565, "15 G  :  250 ML", 34, ESPRESSO, AMBER)
    things.kopi_mark(c, 70, 1298, 40, CREAM)
    return c.finish()


def brew_weigh() -> Image.Image:
    c = _step(
        "2",
        "Weigh, then grind",
        ["15 g of beans, ground like coarse sea salt.", "Rinse the paper while the kettle boils."],
        CREAM,
        ESPRESSO,
    )
    c.disc(540, 560, 330, blend(SAND, CREAM, 0.35))
    c.oval(540, 905, 420, 38, SAND)
    c.card(200, 790, 680, 110, 26, ESPRESSO)
    c.card(430, 815, 220, 60, 12, blend(ESPRESSO, LEAF, 0.7))
    c.text(540, 862, "15.0 g", 46, SAGE, bold=True, align="centre")
    c.card(240, 768, 600, 28, 14, blend(ESPRESSO, LATTE, 0.5))
    for x, y, angle in ((520, 300, 20), (590, 390, 130), (468, 415, 70), (545, 480, 160)):
        things.bean(c, x, y, 84, angle)
    things.beans(c, (400, 545, 280, 60), 9, 92, 21)
    c.shape([(330, 590), (750, 590), (690, 768), (390, 768)], APRICOT)
    c.shape([(600, 590), (750, 590), (690, 768), (570, 768)], blend(APRICOT, EMBER, 0.45))
    c.card(310, 566, 460, 40, 20, blend(APRICOT, WHITE, 0.3))
    return c.finish()


def brew_bloom() -> Image.Image:
    c = _step(
        "3",
        "Let it bloom",
        ["Pour 40 ml at 92°, wait thirty seconds.", "Bubbles mean the beans are fresh."],
        PLUM,
        CREAM,
    )
    c.ring(540, 590, 300, 34, blend(PLUM, CREAM, 0.16))
    c.ring(540, 590, 300, 34, AMBER, -90, 90)
    c.disc(540, 873, 30, CREAM)
    c.disc(540, 590, 232, blend(PLUM, NIGHT, 0.45))
    c.text(540, 640, "0:30", 158, CREAM, bold=True, align="centre")
    for x, y, r in ((428, 470, 22), (480, 440, 12), (655, 730, 18), (616, 762, 10), (660, 466, 14), (408, 712, 12)):
        c.disc(x, y, r, blend(PLUM, AMBER, 0.7))
        c.disc(x - r * 0.3, y - r * 0.3, r * 0.3, CREAM)
    return c.finish()


def brew_pour() -> Image.Image:
    c = _step(
        "4",
        "Pour in circles",
        ["Three slow pours: 90, 60, 60 ml.", "Done by 2:45. If not, grind coarser."],
        SAGE,
        ESPRESSO,
    )
    c.disc(560, 640, 330, blend(SAGE, WHITE, 0.35))
    c.stroke([(540, 300), (540, 470)], 13, blend(SAGE, WHITE, 0.85))
    things.dripper(c, 540, 985, 400, level=0.4, glass=blend(WHITE, SAGE, 0.3), cone=CREAM)
    things.gooseneck(c, 540, 300, 330, LEAF)
    return c.finish()


def brew_serve() -> Image.Image:
    c = _step(
        "5",
        "Swirl and share",
        ["Swirl the server, fill two small cups.", "How was yours? Tell us in the comments."],
        AMBER,
        ESPRESSO,
    )
    c.disc(540, 560, 330, blend(AMBER, APRICOT, 0.65))
    for x, phase in ((372, 0.3), (418, 2.4), (690, 1.2), (736, 3.6)):
        things.steam(c, x, 560, 200, 13, CREAM, phase)
    things.cup(c, 395, 900, 280, CREAM, saucer=WHITE, band=LEAF)
    things.cup(c, 720, 930, 280, EMBER, saucer=CREAM)
    return c.finish()


def price_card() -> Image.Image:
    c = Canvas(1080, 1080, ESPRESSO)
    c.card(50, 50, 980, 980, 36, CREAM)
    c.slice(860, 240, 104, 180, 360, APRICOT)
    c.rect(740, 238, 240, 8, ESPRESSO)
    c.text(110, 190, "Daftar harga", 92, ESPRESSO, bold=True)
    c.text(112, 240, "Berlaku mulai 1 Desember, 200 g", 34, COCOA)
    rows = [
        ("Puntang Natural", "nangka, gula aren", "98.000", EMBER),
        ("Malabar Washed", "jeruk, melati", "89.000", AMBER),
        ("Gayo Honey", "karamel, apel", "95.000", LEAF),
        ("Senja Blend", "cokelat, kacang", "72.000", PLUM),
        ("Decaf Malabar", "madu, roti bakar", "92.000", LATTE),
    ]
    for i, (name, notes, price, colour) in enumerate(rows):
        y = 350 + i * 122
        c.rect(110, y + 62, 860, 2, SAND)
        things.bean(c, 146, y - 6, 72, -32, colour, blend(colour, ESPRESSO, 0.6))
        c.text(210, y, name, 47, ESPRESSO, bold=True)
        c.text(212, y + 38, notes, 29, COCOA)
        c.text(970, y + 10, price, 54, ESPRESSO, bold=True, align="right")
    things.kopi_mark(c, 110, 984, 34, ESPRESSO)
    c.text(970, 984, "gratis ongkir se-Bandung", 30, COCOA, align="right")
    return c.finish()


def portrait(
    name: str, role: str, quote: str, initials: str, ground: str, ink: str, paint: Callable[[Canvas], None]
) -> Image.Image:
    c = Canvas(1080, 1080, ground)
    c.disc(540, 470, 320, blend(ground, WHITE, 0.3))

    def frame(s: Canvas) -> None:  # the disc, open at the top
        s.disc(540, 470, 320, WHITE)
        s.rect(220, 100, 640, 370, WHITE)

    c.within(frame, paint)
    c.disc(780, 690, 92, ground)
    c.disc(780, 690, 78, ink)
    c.text(780, 714, initials, 66, ground, bold=True, track=0.03, align="centre")
    c.text(70, 905, name, 88, ink, bold=True)
    c.text(72, 958, role, 38, blend(ink, ground, 0.2))
    c.text(72, 1016, quote, 33, blend(ink, ground, 0.1))
    return c.finish()


def team_sari() -> Image.Image:
    def paint(c: Canvas) -> None:
        things.face(c, 540, 430, 130, "#C98E62", "#1F1512", CREAM, EMBER, long=True)

    return portrait(
        "Sari Wulandari",
        "Founder, buys the green beans",
        "“Taste first, talk about price after.”",
        "SW",
        AMBER,
        ESPRESSO,
        paint,
    )


def team_bima() -> Image.Image:
    def paint(c: Canvas) -> None:
        things.face(c, 540, 430, 130, "#A96D45", "#2B1D18", WHITE, ESPRESSO)

    return portrait(
        "Bima Prakoso", "Head roaster", "“First crack is the best sound of the day.”", "BP", SAGE, ESPRESSO, paint
    )


def team_ratna() -> Image.Image:
    def paint(c: Canvas) -> None:
        things.face(c, 540, 430, 130, "#D9A57A", LEAF, APRICOT, PLUM, veil=True)

    return portrait(
        "Ratna Dewi",
        "Runs the bar on Jalan Braga",
        "“I remember orders, not names. Sorry!”",
        "RD",
        "#F2B9A0",
        ESPRESSO,
        paint,
    )


def open_house() -> Image.Image:
    """The poster, larger than any feed takes as it is."""
    c = Canvas(1200, 1500, NIGHT, scale=2, fineness=1)
    c.rect(0, 0, 1200, 1500, PLUM)
    for i, (r, colour) in enumerate(((640, "#7A3350"), (530, "#B3434B"), (420, EMBER), (310, APRICOT), (205, AMBER))):
        c.disc(600, 905 + i * 6, r, colour)
    things.city(c, 1110, 120, blend(NIGHT, PLUM, 0.45), None, 8, width=70)
    things.gedung_sate(c, 600, 1120, 640, NIGHT, AMBER)
    c.rect(0, 1115, 1200, 385, NIGHT)
    c.text(600, 190, "OPEN HOUSE", 148, CREAM, bold=True, track=0.02, align="centre")
    c.text(600, 268, "Sangrai bareng, cicip bareng.", 52, blend(CREAM, APRICOT, 0.3), align="centre")
    for i, (head, foot) in enumerate((("Sabtu", "12 Desember"), ("16.00", "sampai habis"), ("Gratis", "80 kursi"))):
        x = 220 + i * 380
        c.text(x, 1225, head, 66, AMBER, bold=True, align="centre")
        c.text(x, 1275, foot, 36, CREAM, align="centre")
        if i:
            c.rect(x - 192, 1172, 3, 110, blend(NIGHT, CREAM, 0.3))
    c.text(600, 1352, "Jalan Braga 47, Bandung", 40, CREAM, align="centre")
    things.kopi_mark(c, 430, 1442, 40, CREAM)
    return c.finish()


def shop_dusk() -> Image.Image:
    c = Canvas(1200, 675, NIGHT)
    c.fade(0, 0, 1200, 480, DUSK[:5])
    things.city(c, 560, 250, blend(PLUM, NIGHT, 0.25), blend(AMBER, PLUM, 0.35), 3, width=80)
    c.rect(0, 560, 1200, 115, blend(NIGHT, ESPRESSO, 0.6))
    c.rect(250, 190, 700, 400, "#5B3227")
    c.rect(230, 176, 740, 22, ESPRESSO)
    c.rect(285, 222, 630, 66, ESPRESSO)
    things.kopi_mark(c, 440, 272, 42, CREAM)
    for i in range(14):
        x, colour = 250 + i * 50, (CREAM if i % 2 else EMBER)
        c.rect(x, 300, 50, 44, colour)
        c.slice(x + 25, 344, 25, 0, 180, colour)
    c.rect(290, 382, 360, 170, blend(AMBER, CREAM, 0.35))
    c.rect(700, 382, 150, 208, blend(AMBER, CREAM, 0.2))
    for x in (376, 470, 564):
        c.rect(x - 1.5, 382, 3, 26, ESPRESSO)
        c.slice(x, 430, 24, 180, 360, ESPRESSO)
        c.disc(x, 433, 8, WHITE)
    for x, skin, shirt in (
        (330, "#A96D45", PLUM),
        (420, "#C98E62", LEAF),
        (520, "#D9A57A", EMBER),
        (612, "#A96D45", COCOA),
    ):
        c.disc(x, 487, 17, skin)
        c.slice(x, 486, 18, 180, 360, ESPRESSO)
        c.card(x - 27, 507, 54, 60, 22, shirt)
    things.cup(c, 374, 547, 30, CREAM)
    things.cup(c, 566, 547, 30, CREAM)
    c.rect(282, 546, 376, 14, ESPRESSO)
    c.card(772, 478, 8, 40, 4, ESPRESSO)
    c.rect(770, 382, 8, 208, blend(AMBER, COCOA, 0.6))
    for x in (180, 1020):
        c.card(x - 36, 536, 72, 60, 10, blend(EMBER, ESPRESSO, 0.3))
        for lean in (-34, -14, 8, 30):
            c.stroke([(x, 540), (x + lean, 452 - abs(lean) * -0.5)], 13, LEAF)
    return c.finish()


def farm_puntang() -> Image.Image:
    c = Canvas(1200, 675, SAGE)
    c.fade(0, 0, 1200, 420, ["#F7D9A8", "#FBE9CB", CREAM])
    c.disc(900, 190, 78, AMBER)
    things.ridge(c, 400, [120, 210, 270, 180, 90, 130, 200, 150, 80], "#B9CDB9")
    things.ridge(c, 450, [60, 110, 190, 230, 120, 60, 110, 190, 230], "#86AB90")
    things.ridge(c, 520, [150, 90, 60, 110, 170, 120, 60, 40, 90], "#4E8A72")
    things.ridge(c, 600, [40, 90, 140, 110, 60, 50, 90, 120, 130], LEAF)
    chance = random_source(7)
    for row in range(4):
        for i in range(16):
            x = i * 84 + (row % 2) * 42 - 20
            y = 560 + row * 38 + sin(i * 0.7 + row) * 8
            r = 19 + row * 5
            green = blend(LEAF, "#173C33", 0.25 + 0.13 * row)
            for dx, dy, share in ((-0.7, 0.25, 0.75), (0.7, 0.2, 0.75), (0, 0, 1)):
                c.disc(x + r * dx, y + r * dy, r * share, green)
            for _ in range(7):
                c.disc(
                    x + chance.uniform(-1.1, 1.1) * r,
                    y + chance.uniform(-0.5, 0.6) * r,
                    r * 0.1,
                    chance.choice([EMBER, "#C23B2E", APRICOT]),
                )
    things.cloud(c, 240, 150, 170, WHITE)
    things.cloud(c, 640, 110, 120, WHITE)
    return c.finish()


def cafe_chart() -> Image.Image:
    c = Canvas(1200, 675, CREAM)
    c.text(70, 112, "From 9 cafes to 31", 66, ESPRESSO, bold=True)
    c.text(72, 160, "Cafes that pour our beans, by quarter", 32, COCOA)
    counts = [("Q1 25", 9), ("Q2", 11), ("Q3", 14), ("Q4", 18), ("Q1 26", 20), ("Q2", 24), ("Q3", 27), ("Q4", 31)]
    c.rect(70, 570, 1060, 3, ESPRESSO)
    for i, (quarter, count) in enumerate(counts):
        x, last = 92 + i * 132, i == len(counts) - 1
        h = count * 11.2
        c.card(
            x, 570 - h, 92, h, 46, EMBER if last else blend(AMBER, APRICOT, i / 9), corners=(True, True, False, False)
        )
        c.text(
            x + 46, 570 - h - 18, str(count), 42 if last else 34, EMBER if last else ESPRESSO, bold=True, align="centre"
        )
        c.text(x + 46, 612, quarter, 27, COCOA, align="centre")
    things.kopi_mark(c, 858, 108, 30, ESPRESSO)
    return c.finish()


def roast_curve(seconds: float) -> float:
    """Degrees of the beans after so many seconds of a ten-minute roast (a dip, then a steady climb)."""
    return 92 + 116 * sin(min(1.0, seconds / 600) * pi / 2) + 96 * exp(-seconds / 32)
