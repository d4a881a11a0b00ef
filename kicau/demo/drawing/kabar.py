"""The newsroom's pictures: the morning, a bus map, the weather, rain, water and prices."""

from __future__ import annotations

from itertools import pairwise
from math import sin

from PIL import Image

from kicau.demo.drawing import things
from kicau.demo.drawing.canvas import CREAM, INK, MIST, SEA, SIGNAL, SKY, SUN, WHITE, Canvas, Point, blend, smooth

GREY = "#5B6B80"


def _sheet(title: str, under: str, ground: str = MIST, ink: str = INK) -> Canvas:
    """A news graphic's frame: title, what is shown, our sign and a source line's place."""
    c = Canvas(1200, 675, ground)
    c.rect(0, 0, 14, 675, SIGNAL)
    c.text(64, 98, title, 54, ink, bold=True)
    c.text(66, 142, under, 28, blend(ink, ground, 0.35))
    things.kabar_mark(c, 954, 636, 34, ink)
    return c


def sunrise() -> Image.Image:
    c = Canvas(1200, 675, SKY)
    c.fade(0, 0, 1200, 520, ["#5DA2CF", "#9CCBE3", "#F6D9A6", "#FBB65B"])
    c.glaze(0.24, lambda s: things.beams(s, 600, 470, 900, 22, WHITE, 4))
    c.disc(600, 470, 165, SUN)
    c.disc(600, 470, 132, blend(SUN, WHITE, 0.4))
    things.ridge(c, 520, [70, 120, 190, 200, 198, 150, 60, 30, 60, 110, 90], "#7A9DB8")
    things.city(c, 560, 210, "#3F668C", blend(SUN, WHITE, 0.2), 5, width=66)
    things.city(c, 610, 130, "#274768", blend(SUN, WHITE, 0.2), 17, width=52)
    things.gedung_sate(c, 600, 625, 420, INK, SUN)
    c.rect(0, 620, 1200, 55, INK)
    for x, y, s in ((250, 150, 34), (318, 118, 24), (880, 172, 28)):
        c.stroke([(x - s, y - s * 0.3), (x, y), (x + s, y - s * 0.3)], 5, INK)
    things.kabar_mark(c, 54, 84, 48)
    c.text(1146, 84, "Selamat pagi, Bandung", 40, INK, bold=True, align="right")
    return c.finish()


def _streets(c: Canvas) -> None:
    c.rect(0, 165, 1200, 425, blend(CREAM, WHITE, 0.55))
    street = blend(CREAM, "#C9B79A", 0.35)
    for i in range(13):
        c.stroke([(50 + i * 110, 150), (-10 + i * 104, 620)], 4, street)
    for i in range(5):
        c.stroke([(20, 215 + i * 92), (1195, 190 + i * 104)], 4 if i % 2 else 8, street)
    c.stroke(
        smooth([(20, 560), (200, 535), (380, 566), (560, 520), (760, 548), (1000, 510), (1200, 540)]),
        24,
        blend(SKY, WHITE, 0.25),
    )
    c.shape([(470, 200), (690, 192), (716, 292), (490, 300)], "#C6DDBB")
    c.text(594, 254, "Taman Lansia", 23, "#4C7A52", align="centre")


def route_map() -> Image.Image:
    c = _sheet("Koridor 7 mulai 1 Desember", "Cicaheum - Leuwipanjang, 14 halte, pukul 05.00 sampai 21.00", CREAM)
    c.within(lambda s: s.card(44, 172, 1112, 414, 26, WHITE), _streets)
    old: list[Point] = [(170, 250), (300, 318), (470, 378), (660, 440), (860, 470)]
    for a, b in pairwise(old):
        c.dashes(a, b, 5, blend(GREY, CREAM, 0.3), 14, 14)
    line: list[Point] = [
        (1060, 250),
        (950, 250),
        (860, 330),
        (700, 330),
        (560, 430),
        (400, 430),
        (310, 500),
        (160, 500),
    ]
    c.stroke(line, 28, WHITE)
    c.stroke(line, 16, SIGNAL)
    stops = [
        (1060, 250, "Cicaheum", 0, -36, "centre"),
        (905, 290, "Gasibu", 28, 22, "left"),
        (780, 330, "Dago Bawah", 0, -26, "centre"),
        (630, 380, "Braga", 30, 22, "left"),
        (480, 430, "Alun-Alun", 30, 44, "left"),
        (355, 465, "Tegalega", 30, 22, "left"),
        (160, 500, "Leuwipanjang", 0, -36, "centre"),
    ]
    for x, y, name, right, down, align in stops:
        end = align == "centre" and down == -36
        c.disc(x, y, 19 if end else 14, INK)
        c.disc(x, y, 11 if end else 7, WHITE)
        c.text(x + right, y + down, name, 31 if end else 26, INK, bold=end, align=align)
    c.card(872, 452, 256, 110, 18, WHITE)
    c.stroke([(900, 486), (948, 486)], 14, SIGNAL)
    c.text(970, 496, "Koridor 7", 27, INK, bold=True)
    c.dashes((898, 532), (952, 532), 5, GREY, 10, 12)
    c.text(970, 541, "rute lama", 27, GREY)
    return c.finish()


def weather() -> Image.Image:
    c = Canvas(1200, 675, SEA)
    c.fade(0, 0, 1200, 675, ["#2B6296", "#4F91C0", "#8FC3DF"])
    things.rays(c, 985, 170, 120, 160, 14, 12, SUN)
    c.disc(985, 170, 98, SUN)
    things.cloud(c, 890, 260, 330, WHITE)
    for i in range(6):
        things.drop(c, 770 + i * 52, 342 + (i % 2) * 30, 11, blend(SKY, WHITE, 0.25))
    c.text(64, 98, "Bandung, Selasa", 44, WHITE, bold=True)
    c.text(66, 142, "Hujan sesudah pukul 14, bawa jas hujan", 30, blend(WHITE, SKY, 0.2))
    c.text(58, 352, "24°", 230, WHITE, bold=True)
    c.text(440, 290, "terasa 26°", 32, WHITE)
    c.text(440, 334, "angin 9 km/j", 32, blend(WHITE, SKY, 0.15))
    c.card(50, 420, 1100, 170, 26, blend("#2B6296", INK, 0.25))
    hours = [
        ("06", 19, "sun"),
        ("09", 22, "sun"),
        ("12", 25, "cloud"),
        ("14", 24, "rain"),
        ("16", 22, "rain"),
        ("18", 21, "rain"),
        ("21", 20, "cloud"),
    ]
    for i, (hour, degrees, kind) in enumerate(hours):
        x = 130 + i * 157
        c.text(x, 464, hour + ".00", 26, blend(WHITE, SKY, 0.25), align="centre")
        if kind == "sun":
            things.rays(c, x, 505, 21, 28, 8, 4, SUN)
            c.disc(x, 505, 16, SUN)
        else:
            things.cloud(c, x, 510, 62, WHITE)
            for k in (-14, 4, 22):
                if kind == "rain":
                    things.drop(c, x + k - 4, 530, 4, SKY)
        c.text(x, 576, f"{degrees}°", 36, WHITE, bold=True, align="centre")
    things.kabar_mark(c, 64, 644, 32, WHITE)
    c.text(1136, 644, "Sumber: stasiun Kabar Pagi", 24, WHITE, align="right")
    return c.finish()


def rain_chart() -> Image.Image:
    c = _sheet("November terbasah dalam 12 tahun", "Curah hujan Bandung setiap November, dalam milimeter", WHITE)
    values = [212, 186, 301, 248, 277, 330, 190, 224, 352, 266, 318, 291, 418]
    for mark in (100, 200, 300, 400):
        y = 545 - mark * 0.86
        c.rect(110, y, 1030, 2, MIST)
        c.text(98, y + 9, str(mark), 24, GREY, align="right")
    for i, mm in enumerate(values):
        x, last = 124 + i * 79, i == len(values) - 1
        c.card(
            x,
            545 - mm * 0.86,
            54,
            mm * 0.86,
            10,
            SIGNAL if last else blend(SKY, SEA, 0.35),
            corners=(True, True, False, False),
        )
        c.text(x + 27, 578, f"{(14 + i) % 100:02d}", 24, INK if last else GREY, bold=last, align="centre")
        if last:
            c.text(x + 27, 545 - mm * 0.86 - 14, str(mm), 34, SIGNAL, bold=True, align="centre")
    c.rect(110, 545, 1030, 3, INK)
    mean = 545 - 266 * 0.86
    c.dashes((112, mean), (1060, mean), 3, INK, 10, 12)
    c.text(118, mean - 14, "rata-rata 266", 23, INK, bold=True)
    c.text(66, 640, "Data: 3 pos hujan kota, sampai 23 November", 24, GREY)
    return c.finish()


def _flood(c: Canvas) -> None:
    c.fade(64, 176, 640, 420, [blend(INK, SEA, 0.45), blend(INK, SKY, 0.5)])
    for x, y, w in ((190, 268, 150), (420, 244, 210), (610, 290, 130)):
        things.cloud(c, x, y, w, blend(INK, WHITE, 0.45))
    for i in range(13):
        things.drop(c, 100 + i * 48, 318 + (i % 3) * 26, 6, SKY)
    for back, top, tone in ((0.0, 432, "#3E86B8"), (1.9, 470, "#2C6EA0")):
        if back:
            for x, w, h in ((116, 120, 92), (262, 96, 74), (532, 132, 100)):
                c.rect(x, 478 - h, w, h + 20, blend(CREAM, INK, 0.08))
                c.shape([(x - 16, 478 - h), (x + w / 2, 478 - h - 50), (x + w + 16, 478 - h)], SIGNAL)
                c.rect(x + w * 0.39, 478 - h * 0.82, w * 0.22, w * 0.22, SUN)
        wave: list[Point] = [(60 + i * 4, top + sin(i * 0.24 + back) * 6) for i in range(164)]
        c.shape([*wave, (720, 600), (60, 600)], tone)
    for x, y in ((150, 520), (390, 505), (240, 555), (520, 548), (612, 515)):
        c.stroke([(x, y), (x + 46, y)], 4, blend("#2C6EA0", WHITE, 0.35))


def water_gauge() -> Image.Image:
    c = _sheet("Citarum at Dayeuhkolot", "Water level, 24 November, 06:00", INK, WHITE)
    c.within(lambda s: s.card(64, 176, 640, 414, 26, WHITE), _flood)
    c.card(752, 176, 78, 414, 16, WHITE)
    level = 580 - 16.4 * 19.5
    c.card(752, level, 78, 590 - level, 16, blend("#3E86B8", WHITE, 0.1), corners=(False, False, True, True))
    for i in range(21):
        y, tall = 580 - i * 19.5, i % 5 == 0
        c.rect(752, y - 2, 36 if tall else 18, 4, INK)
        if tall:
            c.text(846, y + 9, f"{i * 0.5:g} m", 26, blend(WHITE, INK, 0.25))
    c.card(744, level - 5, 94, 10, 5, SIGNAL)
    c.text(940, 286, "8.2", 128, WHITE, bold=True)
    c.text(1128, 286, "m", 52, WHITE, bold=True)
    c.lines(944, 344, ["Up 60 cm since", "midnight."], 31, blend(WHITE, INK, 0.2), leading=1.35)
    things.tag(c, 942, 446, "SIAGA 2", 30, SIGNAL, WHITE)
    return c.finish()


def chilli_price() -> Image.Image:
    c = _sheet(
        "Cabai rawit: naik 61% sebulan", "Harga rata-rata di lima pasar Bandung, ribu rupiah per kilogram", CREAM
    )
    prices = [54, 55, 53, 58, 61, 60, 66, 69, 74, 73, 79, 84, 87]
    spot = [(110 + i * 74.0, 545 - (p - 45) * 8.0) for i, p in enumerate(prices)]
    for mark in (50, 60, 70, 80):
        y = 545.0 - (mark - 45) * 8
        c.rect(110, y, 900, 2, blend(CREAM, "#C9B79A", 0.5))
        c.text(98, y + 9, str(mark), 24, GREY, align="right")
    c.shape([(110, 545), *spot, (spot[-1][0], 545)], blend(CREAM, SIGNAL, 0.14))
    c.stroke(spot, 8, SIGNAL)
    c.rect(110, 545, 900, 3, INK)
    for label, x in (("27 Okt", 110.0), ("10 Nov", 554.0), ("24 Nov", 998.0)):
        c.text(x, 583, label, 25, GREY, align="centre")
    x, y = spot[-1]
    c.disc(x, y, 17, SIGNAL)
    c.disc(x, y, 8, WHITE)
    c.text(x + 30, y + 4, "87", 76, SIGNAL, bold=True)
    c.text(x + 32, y + 42, "ribu/kg", 26, INK)
    c.text(110, spot[0][1] - 26, "54", 40, INK, bold=True)
    for left, top, angle in ((205, 250, 8), (262, 236, -8), (318, 250, -26)):
        things.chilli(c, left, top, 140, angle, SIGNAL, "#3C7A4B")
    c.text(66, 640, "Data: pantauan Kabar Pagi, Senin sampai Jumat", 24, GREY)
    return c.finish()
