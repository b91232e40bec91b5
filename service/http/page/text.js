// Numbers in words, as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en", { notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const precise = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const known = (write) => (value) => (isNumber(value) ? write(value) : "–");

export const count = known((value) => (Math.abs(value) < 1e9 ? whole : short).format(value));
export const rate = known((value) => (value > 0 && value < 10 ? tenths : whole).format(value));
export const percent = known((value) => (value > 0 && value < 0.0005 ? "< 0.1 %" : `${tenths.format(100 * value)} %`));
export const plain = known((value) => precise.format(value));
export const millis = known((value) => (value < 1000 ? `${tenths.format(value)} ms` : `${tenths.format(value / 1000)} s`));
export const signed = known((value) => `${value < 0 ? "−" : "+"}${Math.abs(value) < 1000 ? Math.abs(value).toFixed(3) : plain(Math.abs(value))}`);

export const bytes = known((value) => {
  if (value < 1000) return `${whole.format(value)} B`;
  return value < 1e6 ? `${tenths.format(value / 1e3)} kB` : `${tenths.format(value / 1e6)} MB`;
});

export const span = known((seconds) => {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min` : `${Math.floor(hours / 24)} days`;
});

export const ago = known((seconds) => (seconds < 2 ? "just now" : `${span(seconds)} ago`));

export const clock = (at) => (at === null ? "" : new Date(at).toLocaleTimeString("en-GB"));

/** A new element; text is only ever text. */
export function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Write a text where it has changed, so that what is selected stays selected. */
export function say(id, text) {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
}

export const total = (numbers) => Object.values(numbers ?? {}).reduce((sum, value) => sum + value, 0);
