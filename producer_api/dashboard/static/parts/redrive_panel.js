// How a redrive gets on, and what it came to.

import { ApiError } from "../api.js";
import { h, replace, setText } from "../dom.js";
import { fateWords, withFates } from "../fates.js";
import { number } from "../format.js";
import { redrive } from "../redriving.js";
import { progressBar } from "./progress.js";
import { errorNote, note } from "./states.js";

/** `start(what, asked, {isDryRun})` redrives; one at a time. `onItems(items)` is told what became of letters, as it goes. */
export function redrivePanel({ api, announce, signal }, { onItems = () => {} } = {}) {
  const element = h("div", { class: "redrive" });
  let isRunning = false;

  async function start(what, asked, { isDryRun = false } = {}) {
    if (isRunning) return;
    isRunning = true;
    const stopping = new AbortController();
    const bar = progressBar({ label: `Redriving ${what}`, status: "processing" });
    const words = h("p", { role: "status" }, `${isDryRun ? "Looking at" : "Redriving"} ${what}…`);
    const stop = h("button", { type: "button", class: "button button-small" }, "Stop");
    stop.addEventListener("click", () => stopping.abort());
    replace(element, h("div", { class: "card redrive-progress" }, words, bar.element, stop));
    let counts = {};
    let scanned = 0;
    const onPage = (page) => {
      counts = withFates(counts, page.items);
      scanned += page.scanned;
      if (!isDryRun) onItems(page.items);
      bar.set(Math.round((100 * scanned) / Math.max(1, scanned + page.remaining)), "processing");
      setText(words, `${number(scanned)} looked at, ${number(page.remaining)} to go: ${fateWords(counts)}.`);
    };
    try {
      await redrive(api, { ...asked, dry_run: isDryRun }, { onPage, signal: AbortSignal.any([signal, stopping.signal]) });
      finish(stopping.signal.aborted, isDryRun, counts);
    } catch (error) {
      if (signal.aborted) return;
      if (stopping.signal.aborted) finish(true, isDryRun, counts);
      else if (error instanceof ApiError) replace(element, outcome(counts, isDryRun, "So far: "), errorNote(error));
      else throw error;
    } finally {
      isRunning = false;
    }
  }

  function finish(wasStopped, isDryRun, counts) {
    const said = outcome(counts, isDryRun, wasStopped ? "Stopped. So far: " : "");
    replace(element, said);
    announce(said.textContent);
  }

  return { element, start };
}

function outcome(counts, isDryRun, before) {
  const words = fateWords(counts);
  return note("info", h("p", {}, isDryRun ? `${before}A redrive would find ${words}.` : `${before}${capital(words)}.`));
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
