// What was seen in the last 15 minutes, a point a second; nothing older is kept.

import { total } from "./text.js";

export const KEPT_MS = 15 * 60 * 1000;
const LATELY = 5; // points
const PARTITIONS = 8;
const TELLING = 20; // samples: metrics of fewer are chance

/** Takes in states; `now` is always in milliseconds since 1970. */
export class History {
  points = [];
  startedAt = null; // when this page saw its first state
  recordsAt = -Infinity; // when the process last took records in
  predictedAt = -Infinity; // when one of them was predicted
  learnedAt = -Infinity; // when the version last moved
  committedAt = null; // when the last commit was seen, else what the learner says about it
  #last = null;

  take(state, now) {
    const last = this.#last;
    this.startedAt ??= now;
    if (last === null) {
      const at = Date.parse(state.at ?? "");
      this.committedAt = Number.isNaN(at) ? null : Math.min(at, now);
      this.recordsAt = this.predictedAt = this.learnedAt = this.committedAt ?? -Infinity;
    } else {
      if (state.records > last.records) this.recordsAt = now;
      if (state.predicted > last.predicted) this.predictedAt = now;
      if (state.version !== last.version) this.learnedAt = now;
      if (state.sequence !== last.sequence) this.committedAt = now;
    }
    this.#last = state;
  }

  /** Note the latest state, or with `state` null a gap. */
  note(state, now) {
    const before = this.points.at(-1);
    if (state !== null) this.points.push(pointOf(state, this.points.slice(-LATELY), now));
    else if (before && before.records !== null) this.points.push({ at: now, run: before.run, records: null });
    const first = this.points.findIndex((point) => point.at >= now - KEPT_MS);
    this.points.splice(0, first < 0 ? this.points.length : first);
  }

  /** Whether there was more to learn than could be learned, for a while. */
  isBehind() {
    return this.points.length > LATELY && this.points.slice(-LATELY).every((point) => point.behind > 0);
  }

  /** The weight of each name about a minute ago. */
  earlierWeights(now) {
    return this.points.find((point) => point.weights && point.at >= now - 61_000)?.weights ?? new Map();
  }
}

function pointOf(state, earlier, now) {
  const before = earlier.at(-1);
  const isNew = !before || before.records === null || state.records < before.records; // a new process counts from 0
  const run = (before?.run ?? 0) + Number(isNew);
  const first = earlier.find((point) => point.run === run);
  const telling = (metrics) => (metrics?.samples >= TELLING ? metrics : {});
  return {
    at: now,
    run,
    records: state.records,
    commits: state.commits,
    rate: isNew ? null : (1000 * (state.records - first.records)) / (now - first.at),
    commit_ms: !isNew && state.commits === before.commits ? null : state.commit_ms,
    metrics: { all: telling(state.metrics), "1m": telling(state.windows?.["1m"]), "5m": telling(state.windows?.["5m"]) },
    lag: mostBehind(state.lag),
    behind: total(state.lag),
    weights: new Map(state.weights),
  };
}

/** Those furthest behind: hundreds of lines say nothing. */
function mostBehind(lag) {
  const places = Object.entries(lag ?? {}).sort(([a, x], [b, y]) => y - x || a.localeCompare(b, "en", { numeric: true }));
  return Object.fromEntries(places.slice(0, PARTITIONS));
}
