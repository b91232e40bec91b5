// The one line that answers "is it learning?": a table, from top to bottom.

import { clock, count, total } from "./text.js";

const LATELY_MS = 5000;

/** Say what the learner does. `link`: {kind, since}; `history`: when what moved; tones: good, calm, warn, bad. */
export function verdict(state, link, history, now) {
  if (link.kind === "locked") return line("locked", "warn", "Locked", "This learner shows itself only to those who have its token.");
  if (link.kind === "refused") return line("locked", "warn", "Locked", "That is not the learner's token.");
  if (link.kind === "lost") return line("lost", "bad", "Connection lost", lost(link, now));
  if (state === null) return line("connecting", "calm", "Connecting", "to the learner.");
  return ofRole(state) ?? ofOwner(state, history, now);
}

function ofRole({ role, ready, reason, version, lag }) {
  const why = reason && reason !== role ? sentence(reason) : "";
  if (role === "stopped") return line("trouble", "bad", "Not ready: stopped", why || "The learner was stopped; this process is about to end.");
  if (role === "recovering") return line("recovering", "warn", "Recovering", why || "Reading the last commit.");
  if (role === "starting") return line("recovering", "warn", "Starting", why || "Opening the stream.");
  if (!ready) return line("trouble", "bad", "Not ready", why || "The learner does not say why.");
  if (role === "standby") return line("standby", "calm", "Standby", `Another process learns. This one follows it, and would go on from version ${count(version)}.`);
  return null;
}

function ofOwner(state, history, now) {
  const behind = total(state.lag);
  if (now - history.learnedAt < LATELY_MS) {
    return line("learning", "good", "Learning", `Each sample is predicted, then learned. ${history.isBehind() ? `Catching up: ${count(behind)} to go.` : "Keeping up."}`);
  }
  if (now - history.predictedAt < LATELY_MS) return line("idle", "calm", "Predicting only", "Samples come in, but none of them has a label to learn from.");
  if (now - history.recordsAt < LATELY_MS) return line("trouble", "warn", "Refusing", "Of the samples that come in, none can be used: the dead letters below say why.");
  if (behind) return line("trouble", "warn", "Waiting", `${count(behind)} samples behind, and no commit ${Number.isFinite(history.recordsAt) ? `for ${count((now - history.recordsAt) / 1000)} s` : "yet"}.`);
  return line("idle", "calm", "Idle", "Nothing to learn: no new samples, all caught up.");
}

const line = (kind, tone, word, detail) => ({ kind, tone, word, detail });

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

function lost({ since }, now) {
  return `No answer since ${clock(since)} (${count((now - since) / 1000)} s): the learner has ended, hangs, or is out of reach. What is below is from then. Trying again.`;
}
