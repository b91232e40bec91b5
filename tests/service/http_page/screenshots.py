"""Pictures of the dashboard from a real run on SQLite: ``python -m tests.service.http_page.screenshots``.

Some minutes of a learner with the phishing data set: slow at first, so that the curves show how it learns,
then in bursts. A few records that can't be used are among them.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page

from tests.service.command_line import perceptron, running
from tests.service.http_page.learner import chromium, learner, tab

IMAGES = Path(__file__).parents[3] / "docs" / "images"
MINUTES = 4
PRODUCE = ("produce", "--dataset", "phishing", "--repeat", "1000", "--rate")
POISON = [
    '{"id": "s-1", "features": {"long_url": 1}, "label": "phish"}\n{"id": "s-2", "features": {}, "label": 2}',
    '{"id": "s-3", "features": {"long_url": [1, 0]}, "label": 1}',
    '{"id": "s-4", "features": {"long_url": NaN, "https": 1}, "label": 1}',
]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        run = stack.enter_context(learner(home))
        browser = stack.enter_context(chromium())
        pages = {}
        for name, look in LOOKS.items():
            how = {"reduced_motion": "reduce", "device_scale_factor": 1.5, **look}
            pages[name] = stack.enter_context(tab(browser, **how)).page
            pages[name].goto(run.address)
        live(home, pages["light"], stack)
        for name, page in pages.items():
            page.bring_to_front()
            page.locator("[data-reason=not_json] summary").click()
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=IMAGES / f"dashboard-{name}.png", full_page=name != "phone")
            print(IMAGES / f"dashboard-{name}.png")


def live(home: Path, page: Page, stack: ExitStack) -> None:
    """Let samples come, at first a few, then more, and in bursts."""
    stack.enter_context(running(home, *PRODUCE, "12"))
    until(page, 0.4 * MINUTES)
    stack.enter_context(running(home, *PRODUCE, "40"))
    for part, poison in zip((0.6, 0.75, 0.9), POISON, strict=True):
        until(page, part * MINUTES)
        perceptron(home, "produce", "-", stdin=poison.encode())
        perceptron(home, "produce", "--dataset", "phishing", "--rate", "400")
    until(page, MINUTES)


def until(page: Page, minutes: float) -> None:
    """Wait until the page has charts of so many minutes."""
    while page.locator(".plot").first.evaluate("plot => plot.data?.[0].x.length ?? 0") < 60 * minutes:
        time.sleep(0.5)


if __name__ == "__main__":
    main()
