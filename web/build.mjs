// Bundles GraphiQL and its workers into api/static/graphiql/, every file named by its content.
// Knows nothing of the gateway but the folder that it serves.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "..", "api", "static", "graphiql");

// The editor's code font comes as one inlined face per script. What people type here is GraphQL,
// JSON and names: Latin is enough, other scripts fall back to a font of the system.
const LATIN = /unicode-range:\s*U\+0(000-00FF|100-024F)/;
const latinFontOnly = {
  name: "latin-font-only",
  setup(build) {
    build.onLoad({ filter: /fira-code\.css$/ }, async ({ path }) => {
      const faces = (await readFile(path, "utf8")).match(/@font-face\s*{[^}]*}/g) ?? [];
      const kept = faces.filter((face) => LATIN.test(face));
      if (kept.length !== 2) throw new Error("fira-code.css changed its shape");
      return { contents: kept.join("\n"), loader: "css" };
    });
  },
};

const common = {
  absWorkingDir: HERE,
  outdir: OUT,
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  logLevel: "warning",
  target: ["es2022"],
  legalComments: "none", // licences.txt carries the whole texts
  define: { "process.env.NODE_ENV": '"production"' },
};

// Workers first: the page must know their names.
const workers = await esbuild.build({
  ...common,
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
  },
  format: "iife",
  entryNames: "[name]-[hash]",
});

const workerNames = Object.fromEntries(
  Object.entries(workers.metafile.outputs).map(([file, { entryPoint }]) => [
    basename(entryPoint).split(".")[0], // editor, graphql, json
    basename(file),
  ]),
);

const page = await esbuild.build({
  ...common,
  entryPoints: { page: "src/page.jsx" },
  format: "esm",
  splitting: true,
  jsx: "automatic",
  loader: { ".ttf": "file" },
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  plugins: [latinFontOnly],
  define: { ...common.define, WORKERS: JSON.stringify(workerNames) },
});

const entry = (extension) => {
  const names = page.outputFiles.map(({ path }) => basename(path));
  return names.find((name) => name.startsWith("page-") && name.endsWith(extension));
};
const icon = await readFile(join(HERE, "src", "icon.svg"));
const iconName = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase()}.svg`;
const html = (await readFile(join(HERE, "src", "index.html"), "utf8"))
  .replace("page.css", entry(".css"))
  .replace("page.js", entry(".js"))
  .replace("icon.svg", iconName);

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
for (const { path, contents } of [...workers.outputFiles, ...page.outputFiles]) {
  // The page's style sheet holds all styles; those of single chunks are never asked for.
  if (!/^chunk-.*\.css$/.test(basename(path))) await writeFile(path, contents);
}
await writeFile(join(OUT, iconName), icon);
await writeFile(join(OUT, "licences.txt"), await licences());
// Last: the gateway takes a folder without this file for one that was not built.
await writeFile(join(OUT, "index.html"), html);

// The licence text of every package that went into the bundles, which their licences ask for.
async function licences() {
  const inputs = [workers, page].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const packages = new Set(
    inputs.map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean),
  );
  const texts = [...packages].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(
      await readFile(join(HERE, folder, "package.json"), "utf8"),
    );
    const file = (await readdir(join(HERE, folder))).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? await readFile(join(HERE, folder, file), "utf8") : `${license}\n`;
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(72)}\n\n`);
}
