// What a chart draws, as numbers: bars that stand on each other, lines with gaps. Pure.

/** For each point its bars from below: [[{key, from, to}]]. What is nothing has no bar. */
export function stacks(points, keys) {
  return points.map(({ values }) => {
    let from = 0;
    const bars = [];
    for (const key of keys) {
      const amount = values[key] ?? 0;
      if (amount > 0) bars.push({ key, from, to: from + amount });
      from += amount;
    }
    return bars;
  });
}

/** The height of the highest bar or point of a line. */
export function highest(points, { stacked, lines }) {
  const heights = points.map(({ values }) => {
    const bars = stacked.reduce((sum, key) => sum + (values[key] ?? 0), 0);
    return Math.max(bars, ...lines.map((key) => values[key] ?? 0));
  });
  return Math.max(0, ...heights);
}

/**
 * A path along a line's points, `x(index)` and `y(value)`; where a value is not known it breaks off. A point between two
 * gaps is a dot: a line of no length, which round ends make visible.
 */
export function linePath(points, key, x, y) {
  const parts = [];
  let isOpen = false;
  for (const [index, { values }] of points.entries()) {
    const value = values[key];
    if (value === null || value === undefined) {
      isOpen = false;
      continue;
    }
    const place = `${round(x(index))} ${round(y(value))}`;
    parts.push(isOpen ? `L${place}` : `M${place}h0`);
    isOpen = true;
  }
  return parts.join("");
}

function round(value) {
  return Math.round(value * 10) / 10;
}
