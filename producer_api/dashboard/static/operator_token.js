// The operators' token: asked for once, when the API wants one; kept for this tab alone, and never in an address.

const KEY = "promptmill.operator-token";

/** `askUser({wasWrong})` resolves to what was typed, or to null where the user declined. */
export function createOperatorToken({ storage, askUser }) {
  let asking = null;
  let hasDeclined = false;

  const token = () => storage.getItem(KEY);

  async function askOnce(wasWrong) {
    const given = await askUser({ wasWrong });
    hasDeclined = !given;
    if (given) storage.setItem(KEY, given);
    return Boolean(given);
  }

  return {
    token,
    /**
     * Whether there is one to try instead of `wrong`, null where none was sent. Requests that fail together ask together,
     * and who declined is not asked again by each.
     */
    async ask({ wrong }) {
      if (wrong && token() === wrong) storage.removeItem(KEY);
      if (token()) return true;
      if (hasDeclined) return false;
      asking ??= askOnce(Boolean(wrong)).finally(() => {
        asking = null;
      });
      return asking;
    },
    /** Lets the next refusal ask again. */
    askAgain() {
      hasDeclined = false;
    },
  };
}
