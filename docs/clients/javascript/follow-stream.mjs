#!/usr/bin/env node
// Follows the stream of a project for ever, one item a line as JSON.
//
//   follow-stream.mjs [PLACE]    PLACE: a file that keeps the cursor, the same as for read-stream.mjs; without it, from now on
//
// Needs TIDEGATE_URL, TIDEGATE_PROJECT, and a TIDEGATE_TOKEN with PROJECT_STREAM_READ in the environment, or TIDEGATE_TOKEN_FILE.
// It comes back whenever the connection ends. Exit: 2 when it is refused for good.

const RETRY = new Set([408, 429, 500, 502, 503, 504]);
const LEAST = 2, CAP = 30; // seconds
const SILENCE = 30_000; // milliseconds without a byte; the server sends a comment every 10 s

/** Follows until the connection ends; gives what came as `{ cursor, data }`, `data` being the item as JSON. */
async function* connection({ url, project, token }, { last, since }) {
  const address = new URL(`${url}/v1/project/${project}/stream/live`);
  const headers = { Authorization: `Bearer ${await token()}`, Accept: "text/event-stream" };
  if (last) headers["Last-Event-ID"] = last;
  else address.searchParams.set("from", since);
  const silence = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error("silence")), SILENCE);
  };
  try {
    heard();
    const answer = await fetch(address, { headers, redirect: "manual", signal: silence.signal });
    if (answer.status !== 200) throw await refused(answer);
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of answer.body) {
      heard();
      const blocks = (text + decoder.decode(bytes, { stream: true })).split("\n\n");
      text = blocks.pop(); // not whole yet
      for (const block of blocks) {
        const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const cursor = field("id");
        if (cursor) yield { cursor, data: field("data") }; // without data: nothing was wanted up to there
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** An answer that is no stream, as an error. */
async function refused(answer) {
  const problem = await answer.json().catch(() => ({})); // a page of some proxy
  const error = new Error(`${answer.status} ${problem.code}: ${problem.detail} (request ${problem.request_id})`);
  const wait = Number(answer.headers.get("Retry-After") ?? LEAST);
  return Object.assign(error, { status: answer.status, restart: problem.restart ?? "", wait: wait || LEAST });
}

/**
 * Follows for ever; gives `{ cursor, data }`. `last` is the cursor to go on behind; from now on without it. Throws when it is
 * refused for good. `access.token()` answers the token; it is asked for each connection.
 */
export async function* follow(access, last = "") {
  let since = new Date().toISOString(); // every attempt begins there, so that nothing is missed between two
  for (let failures = 0; ; ) {
    let wait = LEAST;
    try {
      for await (const item of connection(access, { last, since })) {
        if (item.data) yield item;
        [last, failures] = [item.cursor, 0];
      }
    } catch (error) {
      console.error(error.status ? error.message : `no answer: ${error.cause?.code ?? error.message}`);
      if (error.status === 410) {
        // Older than what is kept, or from before a restore. Without a restart, from the oldest item on.
        [last, since] = [error.restart, "1970-01-01T00:00:00Z"];
      } else if (error.status && !RETRY.has(error.status)) throw error;
      [wait, failures] = [error.wait ?? LEAST, failures + 1];
    }
    // Full jitter, on top of what the server asks for.
    await new Promise((resolve) => setTimeout(resolve, (wait + Math.random() * Math.min(CAP, 2 ** failures)) * 1000));
  }
}

// From here on for the command line: Node.js and Deno.
async function main({ env, argv: [, , place], stdout }) {
  const { existsSync, readFileSync, renameSync, writeFileSync } = await import("node:fs");
  const { TIDEGATE_URL: url, TIDEGATE_PROJECT: project, TIDEGATE_TOKEN_FILE: path } = env;
  const token = () => (path ? readFileSync(path, "utf8").trim() : env.TIDEGATE_TOKEN);
  const last = place && existsSync(place) ? readFileSync(place, "utf8").trim() : "";
  for await (const { cursor, data } of follow({ url, project, token }, last)) {
    await new Promise((done, fail) => stdout.write(`${data}\n`, (error) => (error ? fail(error) : done())));
    if (place) {
      // Only now, with the line written; by a rename, so that there is a whole cursor at every moment.
      writeFileSync(`${place}.new`, cursor);
      renameSync(`${place}.new`, place);
    }
  }
}

const { default: process } = await import("node:process");
await main(process).catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
