// Numbers and times as people read them. Times are Unix seconds, as the API's. Pure but for the reader's language.

const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const NONE = "–";

/** 12,345; what is not known is a dash, here and below. */
export function number(value) {
  return isKnown(value) ? NUMBER.format(value) : NONE;
}

/** 12.3K */
export function compact(value) {
  return isKnown(value) ? COMPACT.format(value) : NONE;
}

/** 850 ms, 3.2 s, 4 min 10 s, 2 h 5 min, 3 d 4 h */
export function duration(seconds) {
  if (!isKnown(seconds)) return NONE;
  if (seconds < 0) return "0 s";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${NUMBER.format(Math.round(seconds * 10) / 10)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return two(days, "d", hours, "h");
  if (whole >= 3600) return two(Math.floor(whole / 3600), "h", minutes, "min");
  return two(minutes, "min", whole % 60, "s");
}

/** 12 s ago, in 4 min; "now" within a second. */
export function ago(at, now = Date.now() / 1000) {
  if (!isKnown(at)) return NONE;
  const seconds = now - at;
  if (Math.abs(seconds) < 1) return "now";
  const span = coarse(Math.abs(seconds));
  return seconds > 0 ? `${span} ago` : `in ${span}`;
}

/** The time of day, with the date where it is not today's. */
export function clock(at, { withMilliseconds = false } = {}) {
  if (!isKnown(at)) return NONE;
  const date = new Date(at * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return clockFormat(isToday, withMilliseconds).format(date);
}

/** The whole instant, as ISO 8601 in UTC: for `datetime`, titles and copies. */
export function instant(at) {
  return isKnown(at) ? new Date(at * 1000).toISOString() : "";
}

/** 512 B, 1.5 KB, 3.2 MB */
export function bytes(size) {
  if (!isKnown(size)) return NONE;
  if (size < 1000) return `${size} B`;
  const units = ["KB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(size) / 3), units.length);
  return `${NUMBER.format(size / 1000 ** power)} ${units[power - 1]}`;
}

/** 42 % */
export function percent(share) {
  return isKnown(share) ? `${Math.round(share * 100)} %` : NONE;
}

/** The end of an id: its beginning is a time, which neighbours share. */
export function shortId(id) {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

/** "1 task", "3 tasks" */
export function count(amount, one, many = `${one}s`) {
  return `${number(amount)} ${amount === 1 ? one : many}`;
}

// To make one takes longer than to build a row of a table.
const CLOCKS = new Map();

function clockFormat(isToday, withMilliseconds) {
  const key = `${isToday} ${withMilliseconds}`;
  if (!CLOCKS.has(key)) {
    const day = isToday ? {} : { month: "short", day: "numeric" };
    const fraction = withMilliseconds ? { fractionalSecondDigits: 3 } : {};
    const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    CLOCKS.set(key, new Intl.DateTimeFormat(undefined, { ...day, ...time, ...fraction }));
  }
  return CLOCKS.get(key);
}

function isKnown(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function two(first, firstUnit, second, secondUnit) {
  return second ? `${first} ${firstUnit} ${second} ${secondUnit}` : `${first} ${firstUnit}`;
}

function coarse(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
