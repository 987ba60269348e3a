// The request that makes a task like another one, out of that one's record. Pure.

const CHAT_COMPLETIONS = "/v1/chat/completions";
// Their requests are in their records as they came.
const AS_THEY_CAME = ["/v1/embeddings", "/v1/responses"];

/** {path, body} of the POST; null where the record is of no task that can be asked for. */
export function requestOf({ value, headers }) {
  const { endpoint, body, lane, metadata, stream } = value;
  // What was submitted as a prompt has its metadata beside its body.
  if (AS_THEY_CAME.includes(endpoint) || (endpoint === CHAT_COMPLETIONS && "metadata" in body)) return { path: endpoint.slice(1), body };
  if (endpoint !== CHAT_COMPLETIONS) return null;
  const hasMetadata = metadata && Object.keys(metadata).length > 0;
  return {
    path: "v1/tasks",
    body: {
      prompts: [hasMetadata ? { ...body, metadata } : body],
      ...(lane ? { lane } : {}),
      ...(stream ? { stream } : {}),
      ...deadlineOf(Number(value.expires_at), Number(headers["redriven-at"]) || Number(value.created_at)),
    },
  };
}

/** How long the run had from when it `began`. Both times are rounded, so the last digit is nobody's. */
function deadlineOf(expiresAt, began) {
  const seconds = Math.round((expiresAt - began) * 100) / 100;
  return seconds >= 1 ? { deadline_seconds: seconds } : {};
}
