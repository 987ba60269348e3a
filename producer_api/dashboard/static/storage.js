// The browser's storage where it is allowed; else memory, which forgets with the page.

/** `kind` is "localStorage" or "sessionStorage". */
export function storageOf(kind) {
  try {
    const storage = globalThis[kind];
    const probe = "promptmill.probe";
    storage.setItem(probe, "");
    storage.removeItem(probe);
    return storage;
  } catch {
    return inMemory();
  }
}

function inMemory() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}
