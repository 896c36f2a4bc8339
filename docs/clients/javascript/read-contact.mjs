#!/usr/bin/env node
// Reads one contact and prints it as JSON, or `null` where there is none.
//
//   read-contact.mjs USER_ID
//
// Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE and TIDEGATE_TOKEN in the environment.
// Exit: 0 also where there is none, 2 the request was refused or not answered.

/** The contact, or null. Throws with the server's reason when it was not told. */
export async function readContact({ url, project, datasource, token }, userId) {
  // An id is one segment of the path: encoded, `/` included.
  const path = `/v1/project/${project}/datasource/${datasource}/stream/contacts/${encodeURIComponent(userId)}`;
  const answer = await fetch(url + path, {
    headers: { Authorization: `Bearer ${token}` },
    redirect: "manual", // Tidegate never redirects, and nobody else shall get the token
    signal: AbortSignal.timeout(30_000),
  });
  const document = await answer.json().catch(() => ({})); // {}: a page of some proxy
  if (answer.status === 200) return document.contact;
  const { code, detail, request_id } = document;
  // Another 404, `not_found`, means that the project or the datasource is not there for this token.
  if (code === "contact_not_found") return null;
  throw new Error(`${answer.status} ${code}: ${detail} (request ${request_id})`);
}

// From here on for the command line: Node.js and Deno.
async function main({ env, argv: [, , userId] }) {
  if (!userId) throw new Error("which contact? read-contact.mjs USER_ID");
  const { TIDEGATE_URL: url, TIDEGATE_PROJECT: project, TIDEGATE_DATASOURCE: datasource, TIDEGATE_TOKEN: token } = env;
  console.log(JSON.stringify(await readContact({ url, project, datasource, token }, userId), null, 2));
  return 0;
}

const { default: process } = await import("node:process");
process.exitCode = await main(process).catch((error) => {
  console.error(error.cause?.code ?? error.message);
  return 2;
});
