// Where values lie on an axis. Pure.

/** Round numbers from 0 to `most` or just above it, about `wanted` steps; with `whole` none lies between two integers. */
export function ticks(most, { wanted = 3, whole = false } = {}) {
  const rough = (most > 0 ? most : 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  if (whole) step = Math.max(1, Math.round(step));
  const steps = Math.max(1, Math.ceil((most > 0 ? most : 1) / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Maps [0, most] onto [from, to]. */
export function linear(most, from, to) {
  return (value) => from + ((to - from) * value) / most;
}

/** The minutes to be named under an axis of `width` pixels: [{index, at}], every five or more, on round times. */
export function timeTicks(times, width, { pixelsEach = 64 } = {}) {
  const most = Math.max(1, Math.floor(width / pixelsEach));
  const minutes = [1, 2, 5, 10, 15, 30, 60, 120].find((step) => times.length / step <= most) ?? 240;
  return times
    .map((at, index) => ({ at, index }))
    .filter(({ at }) => Math.round(at / 60) % minutes === 0);
}
