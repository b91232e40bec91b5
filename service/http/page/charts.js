// The charts: what each shows, and how. Their captions say the latest values, for whoever can't see them.

import { KEPT_MS } from "./history.js";
import { count, element, isNumber, millis, percent, plain, rate } from "./text.js";

const SHORTEST_MS = 60_000;

const metric = (name, title, write, most = Infinity) => ({
  title,
  write,
  most,
  least: 0,
  span: write === percent ? 0.05 : 0.02,
  lines: (points) => [
    { name: "since the first sample", look: "quiet", y: points.map((point) => point.metrics?.all[name]) },
    { name: "5 min", look: "soft", y: points.map((point) => point.metrics?.["5m"][name]) },
    { name: "1 min", look: "strong", y: points.map((point) => point.metrics?.["1m"][name]) },
  ],
  now: (point) => write(point.metrics?.all[name]),
});

const METRICS = {
  binary: [metric("accuracy", "Accuracy", percent, 1), metric("log_loss", "Log loss", plain)],
  regression: [metric("mae", "Mean absolute error", plain), metric("rmse", "Root mean squared error", plain)],
};

const SPEEDS = [
  {
    title: "Throughput",
    write: (value) => `${rate(value)}/s`,
    least: 0,
    span: 10,
    fromZero: true,
    lines: (points) => [{ name: "samples a second", look: "strong", fill: true, y: points.map((point) => point.rate) }],
    now: (point) => `${rate(point.rate)}/s`,
    caption: (points) => [["highest", `${rate(highest(points.map((point) => point.rate)))}/s`]],
  },
  {
    title: "Lag",
    write: count,
    least: 0,
    span: 10,
    fromZero: true,
    lines: (points) => {
      const places = Object.keys(points.at(-1)?.lag ?? {});
      const look = places.length > 1 ? "soft" : "strong";
      return places.map((name) => ({ name, look, y: points.map((point) => point.lag?.[name]) }));
    },
    now: (point) => `${count(point.behind)} behind`,
  },
  {
    title: "Latency of commits",
    write: millis,
    least: 0,
    span: 5,
    fromZero: true,
    lines: (points) => [{ name: "last", look: "strong", bridged: true, y: points.map((point) => point.commit_ms) }],
    now: (point, points) => millis(point.commit_ms ?? points.findLast((earlier) => isNumber(earlier.commit_ms))?.commit_ms),
    caption: (points) => {
      const seen = points.map((point) => point.commit_ms).filter(isNumber).sort((a, b) => a - b);
      return [["half below", millis(seen[Math.floor(seen.length / 2)])], ["highest", millis(seen.at(-1))]];
    },
  },
];

const highest = (values) => values.filter(isNumber).reduce((most, value) => Math.max(most, value), -Infinity);

/** All charts of a task; each keeps its figure. */
export class Charts {
  #charts;

  constructor(place, task) {
    this.#charts = [...METRICS[task], ...SPEEDS].map((spec, number) => ({ spec, figure: newFigure(spec, number, place) }));
  }

  draw(history, now) {
    const points = history.points;
    if (!points.length) return;
    const from = Math.max(history.startedAt, now - KEPT_MS);
    const range = [from, Math.max(now, from + SHORTEST_MS)];
    const colours = coloursOf(document.documentElement);
    for (const { spec, figure } of this.#charts) {
      const lines = spec.lines(points);
      describe(spec, figure, lines, points);
      if (window.Plotly) plot(spec, figure, lines, points, range, colours);
      else if (document.readyState === "complete") figure.querySelector(".plot").textContent = "Not drawn: plotly.min.js could not be loaded. The values below are live.";
    }
  }
}

function newFigure(spec, number, place) {
  const figure = document.getElementById("chart").content.cloneNode(true).firstElementChild;
  figure.id = `chart-${number}`;
  figure.querySelector("h3").textContent = spec.title;
  const caption = figure.querySelector("figcaption");
  caption.id = `${figure.id}-caption`;
  const drawing = figure.querySelector(".plot");
  drawing.setAttribute("aria-label", `${spec.title} over the last 15 minutes`);
  drawing.setAttribute("aria-describedby", caption.id);
  place.append(figure);
  return figure;
}

/** Write the latest values below; this is the legend, too. */
function describe(spec, figure, lines, points) {
  figure.querySelector(".now").textContent = spec.now(points.findLast((point) => point.records !== null) ?? {}, points);
  const latest = lines.map(({ name, look, y }) => [name, spec.write(y.findLast(isNumber)), look]);
  const parts = (spec.caption?.(points) ?? latest).map(([name, value, look]) => {
    const part = element("span");
    if (look) part.append(element("i", "", look));
    part.append(element("span", name), " ", element("b", value));
    return part;
  });
  figure.querySelector("figcaption").replaceChildren(...parts);
}

function plot(spec, figure, lines, points, range, colours) {
  const x = points.map((point) => local(point.at));
  const traces = lines.map(({ name, look, y, fill, bridged }) => ({
    type: "scatter",
    mode: "lines",
    name,
    x,
    y: y.map((value) => (isNumber(value) ? value : null)),
    connectgaps: Boolean(bridged),
    line: { ...looks(colours)[look], shape: "linear" },
    ...(fill && { fill: "tozeroy", fillcolor: colours.tint }),
    hovertemplate: `${name} <b>%{customdata}</b><extra></extra>`,
    customdata: y.map(spec.write),
  }));
  const layout = layoutOf(spec, range.map(local), rangeOf(spec, lines), colours);
  window.Plotly.react(figure.querySelector(".plot"), traces, layout, { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false });
}

const looks = ({ accent, soft, quiet }) => ({
  strong: { color: accent, width: 2.25 },
  soft: { color: soft, width: 1.5 },
  quiet: { color: quiet, width: 1.5, dash: "4px,3px" },
});

function layoutOf(spec, x, y, colours) {
  const axis = { showline: false, zeroline: false, fixedrange: true, ticks: "", color: colours.quiet };
  return {
    height: 190,
    margin: { l: 48, r: 10, t: 8, b: 24 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.family, size: 12, color: colours.quiet },
    showlegend: false,
    dragmode: false,
    hovermode: "x unified",
    hoverlabel: { bgcolor: colours.card, bordercolor: colours.line, font: { color: colours.ink, family: colours.family } },
    xaxis: { ...axis, type: "date", range: x, nticks: 4, showgrid: false, tickformat: "%H:%M:%S", hoverformat: "%H:%M:%S", tickangle: 0 },
    yaxis: { ...axis, range: y, nticks: 4, gridcolor: colours.line, tickformat: spec.write === percent ? ".0%" : y[1] < 1000 ? ".3~g" : ".3~s" },
  };
}

/** From the least to the highest, with some air; never so close that noise looks like news. */
function rangeOf({ least, most = Infinity, span, fromZero }, lines) {
  const values = lines.flatMap((line) => line.y).filter(isNumber);
  const high = Math.max(highest(values), fromZero ? span : -Infinity);
  const low = fromZero ? 0 : values.reduce((lowest, value) => Math.min(lowest, value), Infinity);
  if (!Number.isFinite(high)) return [0, 1];
  const air = Math.max((high - low) * 0.12, (span - (high - low)) / 2, 0);
  return [fromZero ? -0.02 * high : Math.max(least, low - air), Math.min(most + span / 20, high + air)];
}

/** Plotly shows dates in UTC; people read clocks. */
const local = (at) => new Date(at - 60_000 * new Date(at).getTimezoneOffset()).toISOString().slice(0, -1);

function coloursOf(root) {
  const style = getComputedStyle(root);
  const names = ["accent", "soft", "quiet", "line", "ink", "card", "tint"];
  const found = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--chart-${name}`).trim()]));
  return { ...found, family: getComputedStyle(document.body).fontFamily };
}
