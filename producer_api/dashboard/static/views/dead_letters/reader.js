// Reads dead letters, oldest first and as many as are wanted, and goes on behind the last where there are more.

import { ApiError, isAbort } from "../../api.js";

const PAGE = 500;
// What one look brings here: the sums stay quick, and the rest is a button away.
const AT_ONCE = 5_000;

/**
 * `onPage()` is called after each page, `onError(error)` when one could not be read: `readOn` goes on there.
 *
 * Returns `letters`, that grow; `rest()`: {isOver, remaining, reached, end}, the last two as the API takes them in `before`:
 * how far this has come, and all that there was when it looked last; and `readOn()`, `readMore()`.
 */
export function createLetterReader({ api, signal, onPage, onError }) {
  const letters = [];
  let page = { next: null, later: null, remaining: 0 };
  let most = AT_ONCE;
  let isReading = false;
  let isAskedAgain = false;

  async function readOn() {
    isAskedAgain = isReading;
    // In their order: what is new waits for what is older and not looked at.
    if (isReading || (page.next !== null && letters.length >= most)) return;
    isReading = true;
    try {
      do {
        page = await api.get("v1/operator/dead-letters", { limit: PAGE, after: page.next ?? page.later }, { signal });
        letters.push(...page.dead_letters);
        onPage();
      } while (page.next !== null && letters.length < most);
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      isAskedAgain = false;
      onError(error);
    } finally {
      isReading = false;
    }
    if (isAskedAgain) readOn();
  }

  return {
    letters,
    rest: () => ({ isOver: page.next === null, remaining: page.remaining, reached: page.next ?? page.later, end: page.later }),
    readOn,
    readMore() {
      most = letters.length + AT_ONCE;
      return readOn();
    },
  };
}
