// Sends an operation to the gateway. An answer is handed on as it comes, errors included.

const ENDPOINT = new URL("../graphql", document.baseURI);

/**
 * @param {() => Record<string, string>} fallback headers for the first introspection, which
 *   GraphiQL sends before its headers editor exists
 * @returns a GraphiQL fetcher. It gives an observable, so that an operation can be stopped: the
 *   late answer to one role must not appear under the next.
 */
export function createFetcher(fallback) {
  return (operation, options) => ({
    subscribe(observer) {
      const abort = new AbortController();
      send(operation, options?.headers ?? fallback(), abort.signal).then(
        (answer) => {
          if (abort.signal.aborted) return;
          observer.next(answer);
          observer.complete();
        },
        (error) => {
          if (!abort.signal.aborted) observer.error(error);
        },
      );
      return { unsubscribe: () => abort.abort() };
    },
  });
}

async function send(operation, headers, signal) {
  const answer = await fetch(ENDPOINT, {
    method: "POST",
    body: JSON.stringify(operation),
    headers: {
      Accept: "application/graphql-response+json, application/json",
      "Content-Type": "application/json",
      ...headers,
    },
    cache: "no-store",
    credentials: "omit", // the token is the only credential
    redirect: "error", // a token follows no redirect
    signal,
  });
  try {
    return await answer.json();
  } catch {
    return { errors: [{ message: `the gateway answered ${answer.status} without JSON` }] };
  }
}
