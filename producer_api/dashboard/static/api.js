// Requests to the API that serves this page, as any client makes them.

import { ApiError, errorOf, unreachable } from "./api_error.js";
import { delay } from "./delay.js";
import { parseExactly } from "./exact_json.js";

const OPERATOR = "v1/operator/";
const REPEAT_MS = 300;

/**
 * Paths are relative, as "v1/tasks": the page may be served under any prefix.
 *
 * `operator` gives the operators' token and asks for one (see operator_token.js). It is sent to operators' routes only,
 * and in a header only.
 */
export function createApi({ root, operator }) {
  /** An answer as it comes, for streams; throws ApiError where it is an error. */
  async function open(path, { query = {}, ...options } = {}) {
    const url = new URL(path, root);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
    }
    const sent = path.startsWith(OPERATOR) ? operator.token() : null;
    const headers = { accept: "application/json", ...options.headers };
    if (sent) headers.authorization = `Bearer ${sent}`;
    const response = await answered(url, { cache: "no-store", credentials: "same-origin", ...options, headers });
    if (response.ok) return response;
    const error = await errorOf(response);
    const mayRepeat = error.code === "invalid_operator_token" && (await operator.ask({ wrong: sent }));
    if (mayRepeat) return open(path, { query, ...options });
    throw error;
  }

  async function ask(path, { exact = null, ...options } = {}) {
    const response = await open(path, options);
    try {
      return exact ? parseExactly(await response.text(), exact) : await response.json();
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw unreachable();
    }
  }

  const withBody = (body) => ({ method: "POST", body: JSON.stringify(body), type: "application/json" });

  return {
    open,
    /** JSON of a GET; `query` leaves out what is empty. Fields named in `exact` keep every digit (exact_json.js). */
    get: (path, query = {}, { signal, exact = null } = {}) => ask(path, { query, signal, exact }),
    /** JSON of a POST. */
    post(path, body = null, { signal, headers = {} } = {}) {
      if (body === null) return ask(path, { method: "POST", signal, headers });
      const { type, ...request } = withBody(body);
      return ask(path, { ...request, signal, headers: { "content-type": type, ...headers } });
    },
    /** The whole address of a path, to be shown or copied. */
    url: (path) => new URL(path, root).href,
  };
}

/** Whether it is the error of a request that this page has given up. */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

export { ApiError };

/** The answer to a request; a GET that got none, as by a change of networks, is sent once more. */
async function answered(url, options, { isRepeat = false } = {}) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    if (isRepeat || (options.method ?? "GET") !== "GET") throw unreachable();
  }
  await delay(REPEAT_MS, options.signal ?? new AbortController().signal);
  return answered(url, options, { isRepeat: true });
}
