// Icons, drawn by strokes in a square of 20; they say nothing that the text beside them does not.

import { svg } from "../dom.js";

const PATHS = {
  submit: "M3 10 17 3.500l-4.500 13.500-3-5.500zM9.500 11.500 17 3.500",
  tasks: "M8 5h9M8 10h9M8 15h9M3 5l1 1 1.700-2M3 10l1 1 1.700-2M3 15l1 1 1.700-2",
  overview: "M3 17h14M5.500 14V9M10 14V4M14.500 14v-7",
  workers: "M6 6h8v8H6zM8 3v3M12 3v3M8 14v3M12 14v3M3 8h3M3 12h3M14 8h3M14 12h3",
  topics: "M10 3 17 6.500 10 10 3 6.500zM3 10l7 3.500 7-3.500M3 13.500 10 17l7-3.500",
  deadLetters: "M3 5h14v10H3zM3 5.500l7 5 7-5M7.500 12.500l5 0",
  batches: "M4 3h8l4 4v10H4zM12 3v4h4M7 11h6M7 14h4",
  keys: "M7 9.500a3.500 3.500 0 1 0 0 1M10.500 10H17v3M14 10v2",
  limits: "M3 14a7 7 0 1 1 14 0M10 14l3.500-4.500",
  docs: "M4 4h5a1.500 1.500 0 0 1 1 .500A1.500 1.500 0 0 1 11 4h5v11h-5a1.500 1.500 0 0 0-1 .500 1.500 1.500 0 0 0-1-.500H4zM10 4.500v11",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7M10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M4.300 15.700l1.100-1.100M14.600 5.400l1.100-1.100",
  moon: "M16 11.500A6.500 6.500 0 0 1 8.500 4a6.500 6.500 0 1 0 7.500 7.500",
  menu: "M3 5.500h14M3 10h14M3 14.500h14",
  close: "M5 5l10 10M15 5 5 15",
  copy: "M7 7h9v9H7zM4 13V4h9",
  check: "M4 10.500 8 14.500 16 6",
  stop: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M7.500 7.500h5v5h-5z",
  retry: "M16 10a6 6 0 1 1-1.800-4.300L16 7.500M16 3.500v4h-4",
  search: "M9 3.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11M13 13l4 4",
  left: "M12 4 6 10l6 6",
  right: "M8 4l6 6-6 6",
  down: "M4 8l6 6 6-6",
  alert: "M10 3 18 16.500H2zM10 8v4M10 14.200v.100",
  info: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 9v5M10 6.200v.100",
  inbox: "M3 11 5 4h10l2 7v5H3zM3 11h4l1 2h4l1-2h4",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14M10 6v4.200l2.800 1.800",
};

/** The icon of that name; one that is not known is a mistake. */
export function icon(name) {
  if (!(name in PATHS)) throw new Error(`There is no icon "${name}".`);
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}
