// GraphiQL's storage, kept in memory only.
// Its history stores request headers (a token), and variables hold identifiers of people:
// none of that may outlive the page, so nothing is written to the browser's own storage.

export function memoryStorage() {
  const items = new Map();
  return {
    get length() {
      return items.size;
    },
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
}
