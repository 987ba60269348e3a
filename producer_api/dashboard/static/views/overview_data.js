// The overview as the charts and notes want it. Pure.

import { count } from "../format.js";

const GOOD = "answered";
const ERROR_LOOKS = ["bad", "warn", "third", "second", "first"];
const OTHERS = "others";

/** Each minute's values by the names of the charts' series, and the series of errors; the last minute is not over. */
export function chartData(minutes) {
  const errors = errorKinds(minutes);
  const points = minutes.map((minute, index) => ({
    at: minute.at,
    isOpen: index === minutes.length - 1,
    values: {
      accepted: minute.accepted,
      ...minute.tasks,
      ...minute.tokens,
      ...timesOf("call", minute.call_seconds),
      ...timesOf("wait", minute.wait_seconds),
      ...errors.valuesOf(minute.calls),
    },
  }));
  return { points, errorSeries: errors.series };
}

/** What an operator should know at once, one text each. */
export function warningsOf(workers) {
  const { working, hindered, silent, braked } = workers;
  if (!(working + hindered + silent)) {
    return ["No worker was heard of in the last minute: prompts are accepted, and wait."];
  }
  return [
    hindered && `${count(hindered, "worker takes", "workers take")} no records.`,
    silent && `${count(silent, "worker has", "workers have")} said nothing for some seconds.`,
    braked && `${count(braked, "worker has", "workers have")} the brake on: nearly every call fails.`,
  ].filter(Boolean);
}

/** A series for each kind of error there was, the most frequent first; what is beyond the colours is one together. */
function errorKinds(minutes) {
  const counts = new Map();
  for (const { calls } of minutes) {
    for (const [kind, amount] of Object.entries(calls)) {
      if (kind !== GOOD) counts.set(kind, (counts.get(kind) ?? 0) + amount);
    }
  }
  const kinds = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one) || one.localeCompare(other));
  const isMany = kinds.length > ERROR_LOOKS.length;
  const named = isMany ? kinds.slice(0, ERROR_LOOKS.length - 1) : kinds;
  const others = kinds.slice(named.length);
  const keys = isMany ? [...named, OTHERS] : named;
  return {
    series: keys.map((kind, index) => ({ key: keyOf(kind), label: kind.replaceAll("_", " "), look: ERROR_LOOKS[index] })),
    valuesOf(calls) {
      const values = Object.fromEntries(named.map((kind) => [keyOf(kind), calls[kind] ?? 0]));
      if (isMany) values[keyOf(OTHERS)] = others.reduce((sum, kind) => sum + (calls[kind] ?? 0), 0);
      return values;
    },
  };
}

function keyOf(kind) {
  return `error_${kind}`;
}

function timesOf(name, times) {
  return { [`${name}_p50`]: times.p50, [`${name}_p90`]: times.p90, [`${name}_p99`]: times.p99 };
}
