#!/usr/bin/env node
// Pushes events in batches of 100, tries again until they are stored, and never stores one twice.
//
//   push-events.mjs [FILE]    FILE: one JSON event a line, may be /dev/stdin; without it, the orders below
//
// Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE, and TIDEGATE_TOKEN or TIDEGATE_TOKEN_FILE.
// TIDEGATE_RETRY_FOR: seconds in which a batch must get through, default 300.
// Exit: 0 all are stored, 1 an event was refused, 2 a request was refused or given up. Running it again is safe.

const RETRY = new Set([0, 408, 429, 500, 502, 503, 504]); // 0: no answer
const ATTEMPTS = 12, BASE = 0.25, CAP = 30; // seconds
const ORDERS = [
  { id: "1001", customer: "ada", total: "12.50", at: "2025-11-20T10:15:00Z" },
  { id: "1002", customer: "grace", total: "99.00", at: "2025-11-20T10:16:30Z" },
];

/** The id follows from what happened, so it is the same in every attempt and every run. */
export const purchase = ({ id, customer, total, at }) => ({
  _event_id: `purchase-${id}`, _event_type: "purchase", _user_id: customer, _event_date: at,
  _event_parameters: { order_id: id, amount: total, currency: "EUR" },
});

/** Sends a body once; answers the status (0: no answer), the document, and the least wait in seconds. */
async function post(address, body, key) {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  let answer, text;
  try {
    const signal = AbortSignal.timeout(30_000);
    answer = await fetch(address, { method: "POST", headers, body, redirect: "manual", signal });
    text = await answer.text();
  } catch (error) {
    return { status: 0, document: { code: "no answer", detail: error.cause?.code ?? error.message }, wait: 0 };
  }
  const asked = answer.headers.get("Retry-After") ?? "0"; // a number or a date
  const wait = /^\d+$/.test(asked) ? Number(asked) : (Date.parse(asked) - Date.now()) / 1000;
  let document = {};
  try {
    document = JSON.parse(text);
  } catch { /* a page of some proxy */ }
  return { status: answer.status, document, wait: Math.max(0, wait || 0) };
}

/**
 * Sends up to 100 events until they are judged; answers the judgement. Throws when the request was refused or given up.
 * `access.token()` answers the token; it is asked again when the one in use is refused.
 */
export async function pushEvents(access, events, retryFor = 300) {
  const address = `${access.url}/v1/project/${access.project}/datasource/${access.datasource}/stream/events`;
  const body = JSON.stringify(events); // every attempt sends this body
  const deadline = performance.now() + retryFor * 1000;
  for (let attempt = 1; ; attempt++) {
    const key = (access.key ??= await access.token());
    const { status, document, wait } = await post(address, body, key);
    if (status === 202 || status === 422) return document;
    const { code, detail, request_id } = document;
    const reason = `${status} ${code}: ${detail} (request ${request_id})`;
    if (attempt === ATTEMPTS) throw new Error(reason);
    if (status === 401) {
      access.key = await access.token();
      if (access.key !== key) continue; // it was rotated
    }
    // Full jitter, on top of what the server asks for.
    const pause = wait + Math.random() * Math.min(CAP, BASE * 2 ** attempt);
    if (!RETRY.has(status) || performance.now() + pause * 1000 > deadline) throw new Error(reason);
    console.error(`${reason}; again in ${pause.toFixed(1)} s`);
    await new Promise((resolve) => setTimeout(resolve, pause * 1000));
  }
}

// From here on for the command line: Node.js and Deno.
async function main({ env, argv: [, , file] }) {
  const { createReadStream, promises } = await import("node:fs");
  const { createInterface } = await import("node:readline");
  const { TIDEGATE_URL: url, TIDEGATE_PROJECT: project, TIDEGATE_DATASOURCE: datasource } = env;
  const path = env.TIDEGATE_TOKEN_FILE; // so that a rotation needs no restart
  const token = async () => (path ? (await promises.readFile(path, "utf8")).trim() : env.TIDEGATE_TOKEN);
  const access = { url, project, datasource, token };
  let batch = [], good = true;
  const flush = async () => {
    const answer = await pushEvents(access, batch, Number(env.TIDEGATE_RETRY_FOR ?? 300));
    const reasons = new Map(answer.errors.map(({ position, error }) => [position, error]));
    answer.entity.items.forEach(({ outcome, _event_id }, position) => {
      console.log([outcome, _event_id || `(item ${position} of its batch)`, reasons.get(position) ?? ""].join("\t"));
    });
    [good, batch] = [good && answer.success, []];
  };
  const lines = file ? createInterface(createReadStream(file)) : ORDERS.map((order) => JSON.stringify(purchase(order)));
  for await (const line of lines) {
    if (batch.push(JSON.parse(line)) === 100) await flush();
  }
  if (batch.length > 0) await flush();
  return good ? 0 : 1;
}

const { default: process } = await import("node:process");
process.exitCode = await main(process).catch((error) => {
  console.error(error.message);
  return 2;
});
