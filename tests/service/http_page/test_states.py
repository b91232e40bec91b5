"""What the line on top says in each state, and how the page hears of it, before a server that is scripted."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.service.http_page.learner import Tab
from tests.service.http_page.scripted import a_state, scripted

VERDICT = """async ([state, link, moved]) => {
  const { verdict } = await import("/static/verdict.js");
  const never = { recordsAt: -Infinity, predictedAt: -Infinity, learnedAt: -Infinity };
  return verdict(state, link, { ...never, isBehind: () => false, ...moved }, 100_000);
}"""
BEHIND = {"lag": {"phishing.samples/0": 7}}
LEARNED = {"recordsAt": 99_000, "predictedAt": 99_000, "learnedAt": 99_000}
UNLABELLED = {"recordsAt": 99_000, "predictedAt": 99_000}
REFUSED = {"recordsAt": 99_000}
UNREADY = {"ready": False, "reason": ""}
STALLED = {"ready": False, "reason": "7 offsets behind, and no commit for 11 s"}

TABLE: list[tuple[dict[str, Any], str, dict[str, Any], str, str, str]] = [
    ({}, "locked", {}, "Locked", "warn", "token"),
    ({}, "refused", {}, "Locked", "warn", "not the learner's token"),
    ({}, "lost", {}, "Connection lost", "bad", "(10 s)"),
    ({"role": "stopped", **UNREADY}, "open", LEARNED, "Not ready: stopped", "bad", ""),
    ({"role": "recovering", **UNREADY, "reason": "taking over"}, "open", {}, "Recovering", "warn", "Taking"),
    ({"role": "starting", "ready": False, "reason": "starting"}, "open", {}, "Starting", "warn", "stream"),
    (STALLED, "open", LEARNED, "Not ready", "bad", "7 offsets behind, and no commit for 11 s."),
    ({"role": "standby"}, "open", {}, "Standby", "calm", "1,250"),
    ({"role": "standby", **UNREADY, "reason": "no commit to follow"}, "open", {}, "Not ready", "bad", "No"),
    ({}, "open", LEARNED, "Learning", "good", "Keeping up"),
    ({}, "open", UNLABELLED, "Predicting only", "calm", "label"),
    ({}, "open", REFUSED, "Refusing", "warn", "dead letters"),
    (BEHIND, "open", {"recordsAt": 91_000}, "Waiting", "warn", "7 samples behind, and no commit for 9 s."),
    (BEHIND, "open", {}, "Waiting", "warn", "no commit yet"),
    ({}, "open", {}, "Idle", "calm", "all caught up"),
]  # fmt: skip


def test_each_state_has_its_line(view: Tab) -> None:
    with scripted() as server:
        view.page.goto(server.address)
        for changed, link, moved, word, tone, detail in TABLE:
            asked = [a_state(**changed), {"kind": link, "since": 90_000}, moved]
            told = view.page.evaluate(VERDICT, asked)
            assert (told["word"], told["tone"]) == (word, tone), changed
            assert detail in told["detail"], told


def test_each_state_has_an_icon(view: Tab) -> None:
    with scripted() as server:
        view.page.goto(server.address)
        for changed, link, moved, *_ in TABLE:
            told = view.page.evaluate(VERDICT, [a_state(**changed), {"kind": link, "since": 0}, moved])
            assert view.page.locator(f"#icon-{told['kind']}").count() == 1, told


@pytest.mark.parametrize("silence", [{"has_events": False}, {"is_silent": True}], ids=["none", "silent"])
def test_without_events_it_asks(view: Tab, silence: dict[str, bool]) -> None:
    with scripted(**silence) as server:
        view.page.goto(server.address)
        expect(view.page.locator("#state-word")).to_have_text("Idle")
        server.state = a_state(role="standby")
        expect(view.page.locator("#state-word")).to_have_text("Standby")
        assert server.asked.count("/state") > 1


def test_events_alone_will_do(view: Tab) -> None:
    with scripted(has_answers=False) as server:
        view.page.goto(server.address)
        for version in range(2000, 2010):
            server.state = a_state(version=version)
            expect(view.page.locator("#version")).to_have_text(f"{version:,}")


def test_a_screen_reader_hears_of_states_and_not_of_numbers(view: Tab) -> None:
    page = view.page
    with scripted() as server:
        page.goto(server.address)
        expect(page.get_by_role("status")).to_have_text(
            "Idle. Nothing to learn: no new samples, all caught up."
        )
        page.evaluate(
            "window.heard = 0;"
            "new MutationObserver(() => window.heard++).observe(document.querySelector('#announcer'),"
            " { childList: true, characterData: true, subtree: true })"
        )
        for sequence in range(100, 110):
            server.state = a_state(sequence=sequence, records=sequence * 100)
            expect(page.locator("#age-note")).to_have_text(f"commit {sequence}")
        assert page.evaluate("window.heard") <= 1
        server.state = a_state(ready=False, reason="the engine has not been heard of for 12 s")
        expect(page.get_by_role("status")).to_have_text(
            "Not ready. The engine has not been heard of for 12 s."
        )
        before = page.evaluate("window.heard")
        server.state = a_state(ready=False, reason="the engine has not been heard of for 13 s")
        expect(page.locator("#state-detail")).to_have_text("The engine has not been heard of for 13 s.")
        assert page.evaluate("window.heard") == before


def test_all_that_strangers_write_is_text(view: Tab) -> None:
    hostile = "<img src=x onerror='window.hacked = 1'>"
    letter = {"value": hostile, "error": dict.fromkeys(("message", "topic", "partition", "offset"), hostile)}
    texts = dict.fromkeys(("model", "stream", "client", "hash"), hostile)
    state = a_state(
        **texts,
        rejected={hostile: 1},
        letters={hostile: [letter]},
        weights=[[hostile, 1.0]],
        recoveries={hostile: 1},
        lag={hostile: 1},
        ready=False,
        reason=hostile,
    )
    with scripted(state=state) as server:
        view.page.goto(server.address)
        view.page.click("#reasons summary")
        expect(view.page.locator("#letters .message")).to_have_text(hostile)
        expect(view.page.locator(".plot .main-svg").first).to_be_visible()
        assert view.page.locator("img").count() == 0
        assert view.page.evaluate("window.hacked") is None
        assert view.page.get_by_text("dlq replay").count() == 0, "no command with it is offered to be pasted"
        assert view.errors == []


def test_what_somebody_reads_is_not_taken_away(view: Tab) -> None:
    page = view.page
    letter = {"value": "first", "error": {"message": "no", "topic": "t", "partition": "0", "offset": "1"}}
    with scripted(state=a_state(rejected={"not_json": 1}, letters={"not_json": [letter]})) as server:
        page.goto(server.address)
        page.click("[data-reason=not_json] summary")
        newer = [{**letter, "value": "second"}, letter]
        server.state = a_state(rejected={"not_json": 2}, letters={"not_json": newer})
        expect(page.locator("[data-reason=not_json] summary b")).to_have_text("2")
        expect(page.locator("#letters pre")).to_have_text(["first"])
        page.get_by_role("button", name="Show newer ones").click()
        expect(page.locator("#letters pre")).to_have_text(["second", "first"])


def test_a_new_process_counts_anew_and_history_is_bounded(view: Tab) -> None:
    with scripted() as server:
        view.page.goto(server.address)
        told = view.page.evaluate(
            """async (state) => {
              const { History } = await import("/static/history.js");
              const history = new History();
              const at = (records, second) => {
                const now = { ...state, records };
                history.take(now, 1000 * second);
                history.note(now, 1000 * second);
                return history.points.at(-1).rate;
              };
              const rates = [at(500, 0), at(510, 1), at(530, 2), at(7, 3), at(17, 4)];
              history.note(null, 5000);
              history.note(null, 6000);
              const gaps = history.points.filter((point) => point.records === null).length;
              rates.push(at(18, 7), at(28, 8));
              for (let second = 9; second < 3000; second++) at(second, second);
              return { rates, gaps, kept: history.points.length };
            }""",
            a_state(),
        )
        assert told["rates"] == [None, 10, 15, None, 10, None, 10]
        assert told["gaps"] == 1
        assert told["kept"] == 15 * 60 + 1
