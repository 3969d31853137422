// The page: GraphiQL below a bar with the role switch.

import "./workers.js";
// Imported here and not on demand, so that Monaco's style sheets land in the page's own.
import "monaco-graphql/esm/monaco-editor.js";
import "monaco-graphql/esm/lite.js";

import "@graphiql/react/font/fira-code.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./page.css";

import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from "@graphiql/plugin-doc-explorer";
import { HISTORY_PLUGIN, HistoryStore } from "@graphiql/plugin-history";
import { GraphiQLProvider } from "@graphiql/react";
import { GraphiQL, GraphiQLInterface } from "graphiql";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { Bar } from "./bar.jsx";
import { createFetcher } from "./fetcher.js";
import { headersWith } from "./headers.js";
import { memoryStorage } from "./memory.js";
import { readSession } from "./session.js";

const PLUGINS = [DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];
const STORAGE = memoryStorage();
const WIDE = "(min-width: 68rem)"; // room for the documentation beside the editors

const WELCOME = `# Paste a token into the headers:
# the schema follows that caller.
# Ctrl-Enter runs the operation.

`;

/** @param {{ session: import("./session.js").Session }} props */
function Page({ session }) {
  const [first] = session.roles;
  const startHeaders = headersWith(first?.token ?? "");
  // Without a token there is no schema to read, and asking would only show an error.
  const [reading, setReading] = useState(first !== undefined);
  const [startReading] = useState(() => () => setReading(true));
  const [fetcher] = useState(() => createFetcher(() => JSON.parse(startHeaders)));
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      schema={reading ? undefined : null}
      storage={STORAGE}
      shouldPersistHeaders={false}
      initialHeaders={startHeaders}
      initialQuery={first?.query ?? WELCOME}
      inputValueDeprecation
      schemaDescription
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      visiblePlugin={matchMedia(WIDE).matches ? DOC_EXPLORER_PLUGIN : undefined}
    >
      <Bar session={session} reading={reading} startReading={startReading} />
      <HistoryStore>
        <DocExplorerStore>
          <GraphiQLInterface defaultEditorToolsVisibility="headers" showPersistHeadersSettings={false}>
            <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
          </GraphiQLInterface>
        </DocExplorerStore>
      </HistoryStore>
    </GraphiQLProvider>
  );
}

const session = await readSession();
createRoot(document.getElementById("page")).render(<Page session={session} />);
