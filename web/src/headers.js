// The text of the headers editor, read and written. Knows nothing of the editor itself.

/** The text to start from. @param {string} token may be empty @returns {string} JSON */
export function headersWith(token) {
  return write({ Authorization: `Bearer ${token}` });
}

/**
 * The token in the text.
 * @param {string} text @returns {string | null} "" without one, null while the text is no JSON object
 */
export function tokenIn(text) {
  const headers = read(text);
  if (headers === null) return null;
  const name = Object.keys(headers).find((key) => key.toLowerCase() === "authorization");
  const value = String(headers[name] ?? "");
  return value.replace(/^bearer\s*/i, "").trim();
}

/**
 * The text with another role's token: other headers stay, `Acting-Role` goes, since it names a
 * role of the token that is replaced.
 * @param {string} text @param {string} token @returns {string}
 */
export function replaceToken(text, token) {
  const kept = Object.entries(read(text) ?? {}).filter(
    ([key]) => !["authorization", "acting-role"].includes(key.toLowerCase()),
  );
  return write({ Authorization: `Bearer ${token}`, ...Object.fromEntries(kept) });
}

function read(text) {
  if (!text.trim()) return {};
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const write = (headers) => JSON.stringify(headers, null, 2);
