#!/usr/bin/env node
// Pushes contacts and prints what became of each.
//
//   push-contacts.mjs [FILE]    FILE: a JSON array of 1 to 100 contacts; without it, the two below
//
// Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE and TIDEGATE_TOKEN in the environment.
// Exit: 0 all are stored, 1 a contact was refused, 2 the whole request was refused or not answered.

// A push merges: attributes that are left out stay as they are, null clears one. Custom attributes have no `_`.
const CONTACTS = [
  { _user_id: "ada", _email: "ada@example.com", _first_name: "Ada" },
  { _user_id: "grace", _email: "grace@example.com", favourite_colour: "green" },
];

/** Sends one batch; answers the judgement of each item. Throws when the whole request was refused. */
export async function pushContacts({ url, project, datasource, token }, contacts) {
  const answer = await fetch(`${url}/v1/project/${project}/datasource/${datasource}/stream/contacts`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(contacts),
    redirect: "manual", // Tidegate never redirects, and nobody else shall get the token
    signal: AbortSignal.timeout(30_000),
  });
  const document = await answer.json().catch(() => ({})); // {}: a page of some proxy
  // Judged item by item: 202 when some are good, 422 when none is.
  if (answer.status === 202 || answer.status === 422) return document;
  // A problem of the whole request: nothing was stored. `code` is for programs, `detail` for people.
  const { code, detail, request_id } = document;
  throw new Error(`${answer.status} ${code}: ${detail} (request ${request_id})`);
}

// From here on for the command line: Node.js and Deno.
async function main({ env, argv: [, , file] }) {
  const { TIDEGATE_URL: url, TIDEGATE_PROJECT: project, TIDEGATE_DATASOURCE: datasource, TIDEGATE_TOKEN: token } = env;
  const contacts = file ? JSON.parse(await (await import("node:fs/promises")).readFile(file, "utf8")) : CONTACTS;
  const answer = await pushContacts({ url, project, datasource, token }, contacts);
  const reasons = new Map(answer.errors.map(({ position, error }) => [position, error]));
  answer.entity.items.forEach(({ outcome, _user_id }, position) => {
    console.log([outcome, _user_id || `(item ${position})`, reasons.get(position) ?? ""].join("\t"));
  });
  return answer.success ? 0 : 1;
}

const { default: process } = await import("node:process");
process.exitCode = await main(process).catch((error) => {
  console.error(error.cause?.code ?? error.message);
  return 2;
});
