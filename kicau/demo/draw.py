"""Draws the demo's media again, the same every time: `python -m kicau.demo.draw`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from kicau.demo.drawing import catalogue, clips, kabar, kopi

MEDIA_FOLDER = Path(__file__).parent / "media"

PICTURE_MAKERS: Mapping[str, Callable[[], Image.Image]] = {
    "senja-cup.jpg": kopi.senja_cup,
    "puntang-bag.jpg": kopi.puntang_bag,
    "brew-1.jpg": kopi.brew_cover,
    "brew-2.jpg": kopi.brew_weigh,
    "brew-3.jpg": kopi.brew_bloom,
    "brew-4.jpg": kopi.brew_pour,
    "brew-5.jpg": kopi.brew_serve,
    "price-card.jpg": kopi.price_card,
    "team-sari.jpg": kopi.team_sari,
    "team-bima.jpg": kopi.team_bima,
    "team-ratna.jpg": kopi.team_ratna,
    "open-house.png": kopi.open_house,
    "shop-dusk.jpg": kopi.shop_dusk,
    "farm-puntang.jpg": kopi.farm_puntang,
    "cafe-chart.jpg": kopi.cafe_chart,
    "sunrise.jpg": kabar.sunrise,
    "route-map.jpg": kabar.route_map,
    "weather.jpg": kabar.weather,
    "rain-chart.jpg": kabar.rain_chart,
    "water-gauge.jpg": kabar.water_gauge,
    "chilli-price.jpg": kabar.chilli_price,
}

OTHER_FILE_MAKERS: Mapping[str, Callable[[Path], None]] = {
    "steam.gif": clips.steam_gif,
    "roast.mp4": clips.roast_video,
    "pour.mp4": clips.pour_video,
    "kopi-senja-wholesale-2027.pdf": catalogue.write_catalogue,
}


def save_picture(image: Image.Image, path: Path) -> None:
    """Save as the name's ending says, small but clean."""
    if path.suffix == ".png":
        image.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        image.save(path, quality=84, optimize=True, progressive=True, subsampling=0)


def draw_all(folder: Path = MEDIA_FOLDER) -> None:
    """Write every file of the demo into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in PICTURE_MAKERS.items():
        save_picture(paint(), folder / name)
    for name, write in OTHER_FILE_MAKERS.items():
        write(folder / name)


if __name__ == "__main__":
    draw_all()
    for file in sorted(MEDIA_FOLDER.iterdir()):
        print(f"{file.stat().st_size:>9,}  {file.name}")
