// The largest weights as bars from the middle, with a tick where each was a minute ago.

import { element, signed } from "./text.js";

const rows = new Map();

export function showWeights(weights, earlier) {
  const list = document.getElementById("weights");
  const most = Math.max(...weights.map(([, weight]) => Math.abs(weight)), 1e-12);
  const ranked = weights.map(([name, weight]) => row(name, weight, earlier.get(name), most));
  const names = new Set(weights.map(([name]) => name));
  for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
  if (ranked.some((made, rank) => list.children[rank] !== made) || list.children.length > ranked.length) reorder(list, ranked);
}

function row(name, weight, was, most) {
  if (!rows.has(name)) rows.set(name, newRow(name));
  const made = rows.get(name);
  const [, track, value] = made.children;
  const [bar, tick] = track.children;
  const share = (number) => (50 * Math.min(Math.abs(number), most)) / most;
  bar.className = weight < 0 ? "bar minus" : "bar";
  bar.style.width = `${share(weight)}%`;
  tick.hidden = was === undefined;
  if (was !== undefined) tick.style.left = `${50 + Math.sign(was) * share(was)}%`;
  value.textContent = signed(weight);
  return made;
}

function newRow(name) {
  const made = element("li");
  const label = element("span", name, "name");
  label.title = name;
  const track = element("span", "", "track");
  track.setAttribute("aria-hidden", "true");
  track.append(element("span", "", "bar"), element("span", "", "tick"));
  made.append(label, track, element("b"));
  return made;
}

/** Put the rows into their order, and let those that moved glide. */
function reorder(list, ranked) {
  const before = new Map([...list.children].map((made) => [made, made.offsetTop]));
  list.replaceChildren(...ranked);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const made of ranked) {
    const way = (before.get(made) ?? made.offsetTop) - made.offsetTop;
    if (way) made.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: 500, easing: "ease-out" });
  }
}
