// What went wrong with a request, in words that say what to do.

/** An answer that is an error, or none at all (`status` 0). `code` and `message` are the API's own where it gave them. */
export class ApiError extends Error {
  constructor({ status, code, message, requestId = null, retryAfter = null }) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed a moment later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether only operators are answered, and this browser is none so far. */
  get isOperatorsOnly() {
    return this.code === "operators_only" || this.code === "invalid_operator_token";
  }
}

/** The error that an answer holds. */
export async function errorOf(response) {
  const error = (await bodyOf(response))?.error ?? {};
  return new ApiError({
    status: response.status,
    code: error.code ?? "unknown",
    message: error.message ?? `The server answered ${response.status} without a reason. Something before it may have.`,
    requestId: response.headers.get("x-request-id"),
    retryAfter: Number(response.headers.get("retry-after")) || null,
  });
}

/** The error of a request that got no answer. */
export function unreachable() {
  const message = "The API does not answer. See whether it runs and can be reached from here; this page asks again.";
  return new ApiError({ status: 0, code: "unreachable", message });
}

async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    // Not ours: something between us and the API answered.
    return null;
  }
}
