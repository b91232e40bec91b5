// The learner's state as it changes: a stream of events, and questions where that is silent.
//
// Read by fetch, since an EventSource can't send an Authorization header.

const TOKEN = "perceptron.token";
const SILENT_MS = 2500;
const ANSWER_MS = 3000;
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 5000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Locked extends Error {}

/** Calls `take(state)` for each state, and `tell(kind)`: "open", "lost", "locked" or "refused". */
export class Feed {
  #take;
  #tell;
  #heardAt = performance.now();
  #stream = new AbortController();
  #isAsking = false;
  #unlock = null;

  constructor(take, tell) {
    this.#take = take;
    this.#tell = tell;
  }

  /** Follow for ever. */
  async run() {
    setInterval(() => this.#watch(), 1000);
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LAST_WAIT_MS)) {
      const before = this.#heardAt;
      await this.#follow();
      if (this.#heardAt > before) wait = FIRST_WAIT_MS;
      if (this.#unlock === null) await this.#ask();
      await (this.#unlock?.promise ?? pause(wait));
    }
  }

  /** Go on with this token. */
  useToken(token) {
    sessionStorage.setItem(TOKEN, token);
    this.#unlock?.resolve();
    this.#unlock = null;
  }

  /** Read events until the stream ends, for whatever reason. */
  async #follow() {
    this.#stream = new AbortController();
    try {
      const answer = await this.#get("/events", this.#stream.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        const events = (rest + value).split(/\r?\n\r?\n/);
        rest = events.pop();
        events.forEach((event) => this.#hear(event));
      }
    } catch (error) {
      if (error instanceof Locked) this.#lock();
    }
  }

  #hear(event) {
    const lines = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
    if (lines.length) this.#got(JSON.parse(lines.map((line) => line.slice(5)).join("\n")));
  }

  /** Ask once: is anybody there? */
  async #ask() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const answer = await this.#get("/state", AbortSignal.timeout(ANSWER_MS));
      this.#got(await answer.json());
    } catch (error) {
      if (error instanceof Locked) this.#lock();
      else if (this.#isSilent() || error instanceof TypeError) this.#tell("lost"); // TypeError: nobody is there
      this.#stream.abort();
    } finally {
      this.#isAsking = false;
    }
  }

  /** A stream may be silent because nothing changes, because a proxy holds it back, or because all is dead. */
  #watch() {
    if (this.#unlock === null && this.#isSilent()) this.#ask();
  }

  #isSilent() {
    return performance.now() - this.#heardAt > SILENT_MS;
  }

  async #get(path, signal) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(path, { headers, signal, cache: "no-store" });
    if (answer.status === 401) throw new Locked();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer;
  }

  #got(state) {
    this.#heardAt = performance.now();
    this.#take(state);
    this.#tell("open");
  }

  #lock() {
    if (this.#unlock !== null) return;
    this.#unlock = Promise.withResolvers();
    this.#tell(sessionStorage.getItem(TOKEN) ? "refused" : "locked");
    sessionStorage.removeItem(TOKEN);
  }
}
