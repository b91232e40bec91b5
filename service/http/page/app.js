// The dashboard: takes the learner's state in, and shows it - the line on top at once, charts once a second.

import { Charts } from "./charts.js";
import { Feed } from "./feed.js";
import { History } from "./history.js";
import { refused, showLetters } from "./letters.js";
import * as text from "./text.js";
import { verdict } from "./verdict.js";
import { showWeights } from "./weights.js";

const CALM_MS = 10_000;
const { say } = text;
const find = (id) => document.getElementById(id);
const history = new History();
const link = { kind: "connecting", since: Date.now() };
let state = null;
let charts = null;
let isDue = false;
const announced = { word: "", at: -Infinity };

const feed = new Feed(
  (latest) => {
    state = latest;
    history.take(latest, Date.now());
  },
  (kind) => {
    if (kind !== link.kind) Object.assign(link, { kind, since: kind === "lost" ? (link.heardAt ?? Date.now()) : Date.now() });
    if (kind === "open") link.heardAt = Date.now();
    showSoon();
  },
);

function showSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    showTop();
  });
}

/** The line on top, and the numbers below it. */
function showTop() {
  const now = Date.now();
  const { kind, tone, word, detail } = verdict(state, link, history, now);
  Object.assign(find("top").dataset, { kind, tone });
  document.body.dataset.stale = String(kind === "lost" || kind === "locked");
  find("state-icon").setAttribute("href", `#icon-${kind}`);
  say("state-word", word);
  say("state-detail", detail);
  announce(word, detail, tone, now);
  find("token-form").hidden = kind !== "locked";
  document.title = `${word} · ${state?.model ?? "perceptron"}`;
  if (state !== null) showTiles(now);
}

/** Screen readers hear of a change of state, trouble at once, and never of each number. */
function announce(word, detail, tone, now) {
  const isPressing = tone === "bad" || tone === "warn";
  if (word === announced.word || (!isPressing && now - announced.at < CALM_MS)) return;
  Object.assign(announced, { word, at: now });
  say("announcer", `${word}. ${detail}`);
}

function showTiles(now) {
  find("tiles").hidden = false;
  const behind = text.total(state.lag);
  const oldest = Math.max(0, ...Object.values(state.age_s ?? {}));
  const bad = refused(state);
  say("model", state.model);
  say("what", `${state.task}, ${state.role}`);
  say("version", text.count(state.version));
  say("rate", text.rate(history.points.at(-1)?.rate));
  say("rate-note", `${text.count(state.records)} since the start`);
  say("lag", text.count(behind));
  say("lag-note", behind ? (oldest < 1 ? "by less than a second" : `by ${text.span(oldest)}`) : "all caught up");
  say("age", history.committedAt === null ? "–" : text.ago((now - history.committedAt) / 1000));
  say("age-note", state.sequence ? `commit ${text.count(state.sequence)}${history.committedAt === null ? ", before the start" : ""}` : "none yet");
  say("refused", text.count(bad));
  say("refused-note", bad ? `${text.percent(bad / (bad + (state.predicted ?? 0)))} of all` : "none");
  find("refused").dataset.some = String(bad > 0);
}

/** What changes slowly, or is dear to draw. */
function showRest(now) {
  const isStale = link.kind !== "open";
  history.note(isStale ? null : state, now);
  if (state === null || document.hidden) return;
  document.querySelector("main").hidden = false;
  charts ??= new Charts(find("charts"), state.task);
  charts.draw(history, now);
  if (isStale) return;
  showWeights(state.weights ?? [], history.earlierWeights(now));
  find("weights-note").hidden = state.weights?.length > 0;
  find("weights-key").hidden = !state.weights?.length;
  showLetters(state.rejected ?? {}, state.letters ?? {});
  showFacts();
}

function showFacts() {
  const recoveries = Object.entries(state.recoveries ?? {}).map(([kind, times]) => `${text.count(times)} ${kind}`);
  const facts = {
    Name: state.model,
    Task: state.task,
    Hash: (state.hash ?? "").slice(0, 12) || "–",
    Features: text.count(state.features),
    Size: text.bytes(state.model_bytes),
    Stream: state.stream,
    Client: state.client,
    "Up for": text.span(state.uptime_s),
    Commits: `${text.count(state.commits)} since the start`,
    Takeovers: text.count(state.takeovers),
    Rebalances: text.count(state.rebalances),
    Recoveries: recoveries.join(", ") || "none",
  };
  const place = find("facts");
  if (!place.children.length) place.append(...Object.keys(facts).map(newFact));
  Object.values(facts).forEach((value, rank) => {
    const shown = place.children[rank].lastElementChild;
    if (shown.textContent !== String(value)) shown.textContent = value;
  });
}

function newFact(name) {
  const made = text.element("div");
  made.append(text.element("dt", name), text.element("dd"));
  return made;
}

find("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  feed.useToken(find("token").value);
  find("token").value = "";
});

// A link may bring the token behind a #, which browsers keep to themselves; it leaves the address at once.
const linked = new URLSearchParams(location.hash.slice(1)).get("token");
if (linked) {
  feed.useToken(linked);
  window.history.replaceState(null, "", location.pathname);
}

const redraw = () => charts?.draw(history, Date.now());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
setInterval(() => {
  showTop();
  showRest(Date.now());
}, 1000);
feed.run();
