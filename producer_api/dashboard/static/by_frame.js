// What changes many times a second is drawn once for each of the screen's frames.

/** Returns `mark(item)`: `draw(item)` follows before the next frame, once for each item that was marked. */
export function byFrame(draw, signal) {
  const marked = new Set();
  let frame = null;

  function run() {
    frame = null;
    const items = [...marked];
    marked.clear();
    for (const item of items) draw(item);
  }
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));
  return (item) => {
    marked.add(item);
    frame ??= requestAnimationFrame(run);
  };
}
