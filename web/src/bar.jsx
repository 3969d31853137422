// The bar above GraphiQL: whose view this is, and the switch to another.
// What it shows is read from the headers editor, so that it cannot disagree with what is sent.

import { pick, useGraphiQL, useGraphiQLActions, useHeadersEditorState } from "@graphiql/react";
import { isInterfaceType, isObjectType } from "graphql";
import { useEffect, useRef } from "react";
import { headersWith, replaceToken, tokenIn } from "./headers.js";

const PAUSE = 400; // milliseconds without a key before the schema is read with a typed token

/**
 * @param {{ session: import("./session.js").Session, reading: boolean, startReading: () => void }}
 *   props `reading`: whether GraphiQL reads a schema yet; `startReading` makes it do so
 */
export function Bar({ session: { demo, roles }, reading, startReading }) {
  const { queryEditor, headerEditor, responseEditor } = useGraphiQL(
    pick("queryEditor", "headerEditor", "responseEditor"),
  );
  const { introspect, stop, updateActiveTabValues } = useGraphiQLActions();
  const [headers] = useHeadersEditorState();
  const token = tokenIn(headers);
  const current = roles.find((role) => role.token === token);

  const firstToken = roles[0]?.token ?? "";
  useOnNewToken(
    headerEditor ? token : null,
    firstToken, // GraphiQL itself reads the schema with it, at the start
    current ? 0 : PAUSE,
    reading ? introspect : startReading,
  );
  useHeadersInNewTab(firstToken);

  function choose(name) {
    const next = roles.find(({ role }) => role === name);
    stop();
    responseEditor.setValue(""); // what the last role saw is no answer to this one
    updateActiveTabValues({ response: null });
    headerEditor.setValue(replaceToken(headerEditor.getValue(), next.token));
    const query = queryEditor.getValue().trim();
    if (!query || roles.some((role) => role.query.trim() === query)) queryEditor.setValue(next.query);
  }

  // An edit, not a new value: what the person wrote comes back with undo.
  function showSample() {
    const range = queryEditor.getModel().getFullModelRange();
    queryEditor.pushUndoStop();
    queryEditor.executeEdits("sample", [{ range, text: current.query }]);
    queryEditor.pushUndoStop();
    queryEditor.focus();
  }

  return (
    <header className="bar">
      <span className="bar-name">Fieldward</span>
      {demo && <span className="bar-demo">Demo records</span>}
      {demo && (
        <div className="bar-role">
          <label htmlFor="role">Acting as</label>
          <select
            id="role"
            value={current?.role ?? ""}
            disabled={!headerEditor || !queryEditor || !responseEditor}
            onChange={(event) => choose(event.target.value)}
          >
            {!current && (
              <option value="" disabled>
                another token
              </option>
            )}
            {roles.map(({ role, label }) => (
              <option key={role} value={role}>
                {label}
              </option>
            ))}
          </select>
          <button type="button" disabled={!current || !queryEditor} onClick={showSample}>
            Sample query
          </button>
        </div>
      )}
      <SchemaSize reading={reading} />
    </header>
  );
}

function SchemaSize({ reading }) {
  const { schema, fetchError, isIntrospecting } = useGraphiQL(
    pick("schema", "fetchError", "isIntrospecting"),
  );
  let text = "";
  if (!reading) text = "paste a token into the headers to read the schema";
  else if (isIntrospecting) text = "reading the schema…";
  else if (fetchError) text = "no schema with these headers";
  else if (schema) {
    const types = Object.values(schema.getTypeMap()).filter(
      (type) => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith("__"),
    );
    const fields = types.reduce((sum, type) => sum + Object.keys(type.getFields()).length, 0);
    text = `this caller's schema: ${plural(types.length, "type")}, ${plural(fields, "field")}`;
  }
  return (
    <output className={fetchError && !isIntrospecting ? "bar-schema bar-schema-error" : "bar-schema"}>
      {text}
    </output>
  );
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Calls `act` whenever the token changes: by the switch, by typing, by another tab. */
function useOnNewToken(token, firstToken, pause, act) {
  const last = useRef(firstToken);
  useEffect(() => {
    if (token === null || token === last.current) return undefined;
    const timer = setTimeout(() => {
      last.current = token;
      act();
    }, pause);
    return () => clearTimeout(timer);
  }, [token, pause, act]);
}

/** A new tab starts with the headers of the tab before it; GraphiQL would leave them empty. */
function useHeadersInNewTab(firstToken) {
  const { headerEditor, tabs, activeTabIndex } = useGraphiQL(
    pick("headerEditor", "tabs", "activeTabIndex"),
  );
  const last = useRef(headersWith(firstToken));
  const { id, headers } = tabs[activeTabIndex];
  useEffect(() => {
    if (headers !== null) last.current = headers;
    else headerEditor?.setValue(last.current);
  }, [id, headers, headerEditor]);
}
