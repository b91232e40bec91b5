// Dead letters by reason. All of their text comes from strangers: it is only ever set as text.

import { count, element, total } from "./text.js";

const WHY = {
  empty: "no value at all",
  not_json: "not strict JSON",
  wrong_type: "a field is of another type than expected",
  missing_features: "there are no features",
  bad_label: "the label is not one of the task's",
  bad_weight: "the weight is no number ≥ 0",
  not_finite: "a number is too large to be held",
  too_large: "the record or one of its texts is too long",
  too_many_features: "more features than the model may have",
  diverged: "learning it would have driven the model beyond bounds",
};

const shown = new Map(); // reason → {details, text: of the letters that are shown}

export function showLetters(rejected, letters) {
  const reasons = Object.keys({ ...rejected, ...letters }).filter((reason) => rejected[reason] || letters[reason]?.length);
  reasons.sort((a, b) => (rejected[b] ?? 0) - (rejected[a] ?? 0));
  document.getElementById("letters-note").hidden = reasons.length > 0;
  const place = document.getElementById("reasons");
  for (const reason of reasons) {
    if (!shown.has(reason)) shown.set(reason, newReason(reason, place));
    update(shown.get(reason), rejected[reason] ?? letters[reason].length, letters[reason] ?? []);
  }
}

function newReason(reason, place) {
  const details = document.getElementById("reason").content.cloneNode(true).firstElementChild;
  details.dataset.reason = reason;
  details.querySelector("summary code").textContent = reason;
  details.querySelector(".why").textContent = WHY[reason] ?? "";
  if (/^[a-z_]+$/.test(reason)) {
    details.querySelector(".commands").append(
      ...command("Put those back that can be used by now", `perceptron dlq replay --reason ${reason}`),
      ...command("Or write them down, and repair them there", `perceptron dlq ls --reason ${reason} --json > letters.jsonl`),
      ...command("Then put the repaired ones back", `perceptron dlq replay --repairs letters.jsonl`),
    );
  }
  const entry = { details, latest: [], text: "" };
  details.querySelector(".newer").addEventListener("click", () => fill(entry));
  place.append(details);
  return entry;
}

/** While somebody reads, nothing is taken from under their eyes: newer ones wait for a click. */
function update(entry, number, latest) {
  const { details } = entry;
  details.querySelector("b").textContent = count(number);
  entry.latest = latest;
  details.querySelector(".none").hidden = latest.length > 0;
  if (JSON.stringify(latest) === entry.text) return;
  if (details.open && entry.text) details.querySelector(".newer").hidden = false;
  else fill(entry);
}

function fill(entry) {
  entry.text = JSON.stringify(entry.latest);
  entry.details.querySelector(".newer").hidden = true;
  entry.details.querySelector(".letters").replaceChildren(...entry.latest.map(letter));
}

function letter({ value, error }) {
  const made = element("article");
  const value_ = element("pre", value || "(nothing)");
  value_.tabIndex = 0;
  value_.setAttribute("aria-label", "the record as it came");
  made.append(element("p", error.message ?? "", "message"), element("p", placeOf(error), "note"), value_);
  return made;
}

const placeOf = ({ topic, partition, offset }) => (topic === undefined ? "" : `${topic}, partition ${partition}, offset ${offset}`);

function command(what, text) {
  const line = element("p", "", "command");
  const copy = element("button", "Copy");
  copy.type = "button";
  copy.setAttribute("aria-label", `Copy: ${text}`);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
  line.append(element("code", text), ...(navigator.clipboard ? [copy] : []));
  return [element("p", what, "note"), line];
}

export const refused = (state) => total(state.rejected);
