// What a redrive came to, in words. Pure.

import { count } from "./format.js";

/** What became of letters, in the order in which it matters, and what that means. */
const FATES = {
  started: "queued to run again",
  again: "started before, and written once more",
  moved: "under way, or in another run",
  completed: "had their answer already",
  deleted: "were deleted by their tenant",
  missing: "whose original is gone",
  unreadable: "that hold no task",
  too_large: "too large to run again",
};

/** "3 queued to run again, 1 had their answer already" */
export function fateWords(counts) {
  const known = Object.entries(FATES).filter(([fate]) => counts[fate]);
  return known.map(([fate, words]) => `${count(counts[fate], "letter")} ${words}`).join(", ") || "no letter";
}

/** Adds the fates of some letters to those counted so far. */
export function withFates(counts, items) {
  const sum = { ...counts };
  for (const { status } of items) sum[status] = (sum[status] ?? 0) + 1;
  return sum;
}
