// What the gateway tells the page before it starts: the demo's roles, or none.

/**
 * @typedef {{ role: string, label: string, token: string, query: string }} Role
 * @typedef {{ demo: boolean, roles: Role[] }} Session
 */

/** @returns {Promise<Session>} a session without roles when the gateway offers none. */
export async function readSession() {
  try {
    const answer = await fetch(new URL("./session.json", document.baseURI), { cache: "no-store" });
    const { demo, roles } = await answer.json();
    return { demo: demo === true, roles: demo === true && Array.isArray(roles) ? roles : [] };
  } catch {
    return { demo: false, roles: [] }; // a page without the switch still works
  }
}
