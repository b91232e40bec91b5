"""Readable by whoever looks: on a phone, in the dark, by keyboard, by ear."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.http_page.learner import Tab, tab
from tests.service.http_page.scripted import a_state, scripted

LONG = "a_name_that_has_no_end_" * 11
LETTER = {
    "value": json.dumps({"features": {LONG: 1.0}, "label": "x" * 1900}),
    "error": {"message": LONG, "topic": LONG, "partition": "0", "offset": "1"},
}
FULL = a_state(
    rejected={"bad_label": 12_345, "not_json": 2},
    letters={"bad_label": [LETTER] * 5},
    weights=[[LONG, -123456.789], *[[f"feature {number}", 1 / number] for number in range(1, 12)]],
    stream=f"kafka://{LONG}:9092",
    lag={f"{LONG}/{number}": 10**9 * number for number in range(40)},
    recoveries={"Fenced": 3, "InDoubt": 1},
    version=10**12,
    records=10**12,
)
DRAWN = "() => document.querySelectorAll('.plot .main-svg').length >= 5"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with scripted(state=FULL) as server:
        yield server.address


def script(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


def shown(page: Page, address: str) -> None:
    """Open the page with everything on it, the dead letters unfolded."""
    page.goto(address)
    page.wait_for_function(DRAWN)
    page.locator("#reasons details").nth(0).locator("summary").click()
    expect(page.locator("#letters pre").nth(0)).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out(browser: Browser, address: str, width: int) -> None:
    with tab(browser, viewport={"width": width, "height": 844}) as view:
        shown(view.page, address)
        assert view.page.evaluate(script("overhanging.js")) == []
        assert view.page.evaluate("document.documentElement.scrollWidth") == width
        assert view.errors == [], "the strictest content policy is kept"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("changed", [{}, {"ready": False, "reason": "x"}, {"role": "recovering"}])
def test_text_can_be_read(browser: Browser, scheme: Any, changed: dict[str, Any]) -> None:
    with (
        scripted(state={**FULL, **changed}) as server,
        tab(browser, color_scheme=scheme, reduced_motion="reduce") as view,
    ):
        shown(view.page, server.address)
        assert view.page.evaluate(script("low_contrasts.js")) == []


def test_the_dark_is_dark_and_the_charts_follow(view: Tab, address: str) -> None:
    page = view.page
    looks = (
        "[getComputedStyle(document.body).backgroundColor,"
        " document.querySelector('.plot')._fullLayout.font.color,"
        " document.querySelector('.plot').data[0].line.color]"
    )
    page.emulate_media(color_scheme="light")
    shown(page, address)
    light = page.evaluate(looks)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {looks}.every((colour, rank) => colour !== light[rank])", arg=light)


def test_a_chart_says_its_values_where_the_pointer_is(view: Tab, address: str) -> None:
    shown(view.page, address)
    plot = view.page.locator("#chart-0 .plot")
    plot.hover(position={"x": 60, "y": 60})
    told = view.page.locator("#chart-0 .hoverlayer text").first
    expect(told).to_be_visible()
    box, place = plot.bounding_box(), told.bounding_box()
    assert box is not None
    assert place is not None
    assert box["y"] <= place["y"] <= box["y"] + box["height"]


def test_it_has_names_roles_and_captions(view: Tab, address: str) -> None:
    shown(view.page, address)
    expect(view.page.locator("#chart-2 figcaption")).to_contain_text(re.compile(r"\d"))
    assert view.page.evaluate(script("flaws.js")) == []
    assert view.page.locator(".plot").count() == 5


def test_the_keyboard_gets_everywhere_and_is_seen(view: Tab, address: str) -> None:
    page = view.page
    page.goto(address)
    expect(page.locator("#reasons details")).to_have_count(2)
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", reached
    assert reached == ["A", "refused", "SUMMARY", "SUMMARY"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#letters pre").nth(0)).to_be_visible()


def test_still_is_still(view: Tab, address: str) -> None:
    page = view.page
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    page.wait_for_function(DRAWN)
    page.evaluate("document.querySelector('#top').dataset.kind = 'learning'")
    assert page.locator("#state svg").evaluate("place => getComputedStyle(place).animationName") == "none"
    assert page.locator(".bar").nth(0).evaluate("place => getComputedStyle(place).transitionDuration") == "0s"
