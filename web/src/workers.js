// Where Monaco finds its workers: beside the page's own script, from this origin alone.
// WORKERS is filled by build.mjs: { editor, graphql, json } → file name.

/* global WORKERS */

globalThis.MonacoEnvironment = {
  getWorker(_moduleId, label) {
    return new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url), { name: label });
  },
};
