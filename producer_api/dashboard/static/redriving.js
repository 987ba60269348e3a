// Redrives dead letters, page by page: each may be repeated, nothing starts twice.

import { delay } from "./delay.js";

const TRIES = 5;
const PAUSE_MS = 2_000;

/**
 * Sends `asked` (as `/v1/operator/dead-letters/redrive` takes it) again and again until all is done; `onPage(answer)` gets
 * each answer. One that fails in passing is sent again. Throws ApiError.
 */
export async function redrive(api, asked, { onPage, signal }) {
  let after = null;
  do {
    const answer = await patiently(api, after === null ? asked : { ...asked, after }, signal);
    onPage(answer);
    after = answer.next;
  } while (after !== null && !signal.aborted);
}

async function patiently(api, body, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await api.post("v1/operator/dead-letters/redrive", body, { signal });
    } catch (error) {
      if (signal.aborted || !error.isPassing || tries === TRIES) throw error;
      await delay(PAUSE_MS, signal);
    }
  }
}
