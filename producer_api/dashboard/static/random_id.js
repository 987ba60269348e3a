// Ids of our own. `crypto.randomUUID` is there for pages from this machine or over HTTPS only.

/** 32 hexadecimal digits that nobody else has. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
