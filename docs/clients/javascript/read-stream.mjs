#!/usr/bin/env node
// Reads the stream of a project, one item a line as JSON, until it is caught up.
//
//   read-stream.mjs [PLACE]    PLACE: a file that keeps the cursor from run to run; without it, from the oldest item on
//
// Needs TIDEGATE_URL, TIDEGATE_PROJECT, and a TIDEGATE_TOKEN with PROJECT_STREAM_READ in the environment.
// TIDEGATE_RETRY_FOR: seconds in which a page must come, default 300.
// Exit: 0 caught up, 2 a request was refused or given up. Running it again goes on; only the last page may come twice.

const RETRY = new Set([0, 408, 429, 500, 502, 503, 504]); // 0: no answer
const ATTEMPTS = 12, BASE = 0.25, CAP = 30; // seconds

/** Asks once for what is behind a cursor; answers the status (0: no answer), the headers and the text. */
async function ask({ url, project, token }, after) {
  const address = new URL(`${url}/v1/project/${project}/stream?limit=1000`);
  if (after) address.searchParams.set("after", after);
  const headers = { Authorization: `Bearer ${token}`, Accept: "application/x-ndjson" };
  // A timer of its own, which Node.js waits for; not so AbortSignal.timeout().
  const silence = new AbortController(), timer = setTimeout(() => silence.abort(new Error("silence")), 60_000);
  try {
    const answer = await fetch(address, { headers, redirect: "manual", signal: silence.signal });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (error) {
    const text = JSON.stringify({ code: "no answer", detail: error.cause?.code ?? error.message });
    return { status: 0, headers: new Headers(), text };
  } finally {
    clearTimeout(timer);
  }
}

/** A page, tried until it comes: its lines, where to go on, and whether there is no more. Throws when it is refused or given up. */
export async function page(access, after, retryFor = 300) {
  const deadline = performance.now() + retryFor * 1000;
  for (let attempt = 1; ; attempt++) {
    const { status, headers, text } = await ask(access, after);
    if (status === 200) {
      return { lines: text, next: headers.get("X-Next-Cursor"), caughtUp: headers.get("X-Caught-Up") === "true" };
    }
    let problem = {};
    try {
      problem = JSON.parse(text);
    } catch { /* a page of some proxy */ }
    const reason = `${status} ${problem.code}: ${problem.detail} (request ${problem.request_id})`;
    if (status === 410) {
      // The cursor is older than what is kept, or from before a restore. Without a restart, from the oldest item on.
      console.error(reason);
      return { lines: "", next: problem.restart ?? "", caughtUp: false };
    }
    // Full jitter, on top of what the server asks for, which is a number or a date.
    const asked = headers.get("Retry-After") ?? "0";
    const wait = /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000;
    const pause = Math.max(0, wait || 0) + Math.random() * Math.min(CAP, BASE * 2 ** attempt);
    const late = performance.now() + pause * 1000 > deadline;
    if (!RETRY.has(status) || attempt === ATTEMPTS || late) throw new Error(reason);
    console.error(`${reason}; again in ${pause.toFixed(1)} s`);
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

// From here on for the command line: Node.js and Deno.
async function main({ env, argv: [, , place], stdout }) {
  const { existsSync, readFileSync, renameSync, writeFileSync } = await import("node:fs");
  const { TIDEGATE_URL: url, TIDEGATE_PROJECT: project, TIDEGATE_TOKEN: token } = env;
  let after = place && existsSync(place) ? readFileSync(place, "utf8").trim() : "";
  for (let caughtUp = false; !caughtUp;) {
    const got = await page({ url, project, token }, after, Number(env.TIDEGATE_RETRY_FOR ?? 300));
    ({ next: after, caughtUp } = got);
    await new Promise((done, fail) => stdout.write(got.lines, (error) => (error ? fail(error) : done())));
    if (place) {
      // Only now, with the lines written; by a rename, so that there is a whole cursor at every moment.
      writeFileSync(`${place}.new`, after);
      renameSync(`${place}.new`, place);
    }
  }
  return 0;
}

const { default: process } = await import("node:process");
process.exitCode = await main(process).catch((error) => {
  console.error(error.message);
  return 2;
});
