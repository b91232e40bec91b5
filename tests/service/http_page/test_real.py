"""The dashboard of a real learner: it learns, goes idle, freezes, dies, comes back; it refuses, it asks."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.service.command_line import perceptron, running
from tests.service.http_page.learner import Tab, learner

HOSTILE = "<img src=x onerror='window.hacked = 1'>"
STREAM = ("produce", "--dataset", "phishing", "--rate", "200", "--repeat", "1000")
POINTS = """least => {
  const plots = [...document.querySelectorAll(".plot")];
  const points = (plot) => plot.data?.at(-1)?.y.filter((value) => value !== null).length ?? 0;
  return plots.length === 5 && plots.every((plot) => points(plot) >= least);
}"""


def word(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait for the line on top to say this."""
    expect(page.locator("#state-word")).to_have_text(text)


def version(page: Page) -> int:
    return int(page.inner_text("#version").replace(",", ""))


def redness(page: Page) -> tuple[int, ...]:
    """Return red, green and blue behind the line on top."""
    colour = page.locator("#top").evaluate("place => getComputedStyle(place).backgroundColor")
    return tuple(int(part) for part in re.findall(r"\d+", colour)[:3])


def test_it_learns_then_has_nothing_to_learn_then_is_frozen_then_dies_then_is_back(
    tmp_path: Path, view: Tab
) -> None:
    page = view.page
    page.emulate_media(reduced_motion="reduce")  # colours are there at once
    with learner(tmp_path) as first:
        page.goto(first.address)
        with running(tmp_path, *STREAM):
            word(page, "Learning")
            before = version(page)
            page.wait_for_function(
                "before => Number(document.querySelector('#version').textContent.replace(/,/g, '')) > before",
                arg=before,
            )
            page.wait_for_function(POINTS, arg=3)
            page.wait_for_function(POINTS, arg=6)
            expect(page.locator("#weights li")).to_have_count(9)
            expect(page.locator("#rate")).not_to_have_text(re.compile("^[–0]"))
        word(page, "Idle")
        red, green, blue = redness(page)
        assert max(red, green, blue) - min(red, green, blue) < 16, "idle is no alarm"
        expect(page.locator("#chart-0 figcaption")).to_contain_text(re.compile(r"1 min\s+\d+\.\d %"))
        assert view.errors == []
        assert view.hosts == {urlsplit(first.address).netloc}

        os.kill(first.process.pid, signal.SIGSTOP)
        word(page, "Connection lost")
        os.kill(first.process.pid, signal.SIGCONT)
        word(page, "Idle")
        first.process.kill()
        word(page, "Connection lost")
        expect(page.locator("#top")).to_have_attribute("data-tone", "bad")
        red, green, blue = redness(page)
        assert red > 3 * max(green, blue)
        expect(page).to_have_title(re.compile("^Connection lost"))
    with learner(tmp_path, port=urlsplit(first.address).port or 0):
        word(page, "Idle")


def test_a_dead_letter_is_two_clicks_away_and_only_ever_text(tmp_path: Path, view: Tab) -> None:
    page = view.page
    poison = [
        json.dumps({"features": {"a": 1.0}, "label": HOSTILE}),
        f"<script>window.hacked = 1</script> {HOSTILE}",
        json.dumps({"features": {HOSTILE: 2.0}, "label": 1}),
    ]
    with learner(tmp_path) as run:
        page.goto(run.address)
        word(page, "Idle")
        perceptron(tmp_path, "produce", "-", stdin="\n".join(poison).encode())
        expect(page.locator("#refused")).to_have_text("2")
        page.click("#refused")
        page.click("[data-reason=bad_label] summary")
        letter = page.locator("[data-reason=bad_label] article")
        expect(letter).to_have_count(1)
        expect(letter.locator("pre")).to_have_text(poison[0])
        expect(letter.locator("pre")).to_be_visible()
        expect(letter.locator(".message")).not_to_be_empty()
        command = page.get_by_text("perceptron dlq replay --reason bad_label", exact=True)
        expect(command).to_be_visible()
        expect(page.locator("[data-reason=not_json] pre")).to_have_text(poison[1])
        expect(page.locator("#weights .name")).to_have_text(HOSTILE)
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate("window.hacked") is None
        assert view.errors == []


def test_a_regression_has_its_own_metrics(tmp_path: Path, view: Tab) -> None:
    perceptron(tmp_path, "produce", "--dataset", "trumpapproval", "--set", "model.task=regression")
    with learner(tmp_path, "--set", "model.task=regression") as run:
        view.page.goto(run.address)
        expect(view.page.locator("h3").nth(0)).to_have_text("Mean absolute error")
        expect(view.page.locator("h3").nth(1)).to_have_text("Root mean squared error")
        expect(view.page.locator("#chart-0 .now")).to_have_text(re.compile(r"\d"))


def test_a_token_is_asked_for_and_kept_for_this_tab_only(tmp_path: Path, view: Tab) -> None:
    page, token = view.page, "a-token-that-nobody-guesses-0123"
    (tmp_path / "token").write_text(token)
    with learner(tmp_path, "--set", "http.token_file=token") as run:
        page.goto(run.address)
        word(page, "Locked")
        for given in ("not-the-token-0123456789-0123456789", token):
            page.get_by_label("Token").fill(given)
            page.get_by_role("button", name="Unlock").click()
            if given != token:
                expect(page.locator("#state-detail")).to_have_text("That is not the learner's token.")
        word(page, "Idle")
        expect(page.locator("#token-form")).to_be_hidden()
        page.reload()
        word(page, "Idle")
        assert token not in page.url
        assert page.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0


def test_a_link_may_bring_the_token_behind_a_hash(tmp_path: Path, view: Tab) -> None:
    token = "a-token-that-nobody-guesses-0123"
    (tmp_path / "token").write_text(token)
    with learner(tmp_path, "--set", "http.token_file=token") as run:
        view.page.goto(f"{run.address}/#token={token}")
        word(view.page, "Idle")
        assert token not in view.page.url
