"""A page that counts what a person does with it: each click, key chord, filled field and chosen file is one interaction."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page


class CountingPage:
    """Wraps a page. What it does counts; looking and waiting go to `page` itself and count nothing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.done: list[str] = []

    @property
    def count(self) -> int:
        return len(self.done)

    def click(self, target: Locator) -> None:
        target.click()
        self.done.append(f"click {target}")

    def check(self, target: Locator) -> None:
        """A box or a radio button."""
        target.check()
        self.done.append(f"check {target}")

    def press(self, chord: str) -> None:
        """One key or chord, where the focus is."""
        self.page.keyboard.press(chord)
        self.done.append(f"press {chord}")

    def fill(self, target: Locator, text: str) -> None:
        """A field, with all its text."""
        target.fill(text)
        self.done.append(f"fill {target}")

    def type(self, text: str) -> None:
        """Text where the focus is already."""
        self.page.keyboard.type(text)
        self.done.append(f"type {text}")

    def choose_file(self, opener: Locator, *files: Path) -> None:
        """Press what opens the browser's file chooser, and choose."""
        with self.page.expect_file_chooser() as chooser:
            opener.click()
        chooser.value.set_files([str(file) for file in files])
        self.done.append(f"choose a file {opener}")

    def drag(self, piece: Locator, target: Locator) -> None:
        piece.drag_to(target)
        self.done.append(f"drag {piece}")
