// What a worker's report comes to. Pure.

const ORDER = ["hindered", "silent", "working"];

/** Records that its partitions have unfinished; null where none of them is known. */
export function lagOf({ partitions }) {
  const known = partitions.map(({ lag }) => lag).filter((lag) => lag !== null);
  return known.length || !partitions.length ? known.reduce((sum, lag) => sum + lag, 0) : null;
}

/** Those that want looking after first, else by name. */
export function orderOf(one, other) {
  return ORDER.indexOf(one.state) - ORDER.indexOf(other.state) || one.worker.localeCompare(other.worker);
}

/** Why it does not work, or not fully; empty where it does. */
export function stateWords({ hindrances, brake_on: isBraked }) {
  return isBraked ? [...hindrances, "the brake is on"] : hindrances;
}
