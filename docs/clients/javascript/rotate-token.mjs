#!/usr/bin/env node
// Replaces the datasource token in a file by a new one, without a moment in which pushes fail.
//
//   TIDEGATE_TOKEN_FILE=/etc/shop/tidegate-token rotate-token.mjs [NAME]    NAME: of the new key
//
// Needs TIDEGATE_URL, TIDEGATE_PROJECT and TIDEGATE_DATASOURCE, and `tidegate` on the PATH with what it takes to reach
// the database (TIDEGATE_DATA_DIR or TIDEGATE_DATABASE_URL). Node.js or Deno.
// Exit: 0 it is rotated. A failure before the switch leaves everything as it was; after it, only revoking is left.
import { execFile } from "node:child_process";
import { open, readFile, realpath, rename, stat } from "node:fs/promises";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const { TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE, TIDEGATE_TOKEN_FILE } = process.env;
const file = await realpath(TIDEGATE_TOKEN_FILE); // a link stays a link
const address = `${TIDEGATE_URL}/v1/project/${TIDEGATE_PROJECT}/datasource/${TIDEGATE_DATASOURCE}/stream`;

/** Runs a command and answers what it prints. */
const tidegate = async (...words) => (await promisify(execFile)("tidegate", words)).stdout;

/** Whose token is this? The cheapest request there is. A new one may take a second to be known to every server. */
async function probe(token, patience = 0) {
  for (let left = patience; ; left--) {
    if (patience) await sleep(1_000);
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(address, { headers, redirect: "manual", signal: AbortSignal.timeout(30_000) });
    const document = await answer.json();
    if (answer.status === 200) return document;
    const { status, code, detail, request_id } = document;
    if (status !== 401 || left <= 0) throw new Error(`${status} ${code}: ${detail} (request ${request_id})`);
  }
}

/** Puts a token into the file in one step: whoever reads sees the old one or the new one. */
async function switchTo(token) {
  const { uid, gid } = await stat(file);
  const beside = `${file}.${process.pid}`;
  const handle = await open(beside, "wx", 0o600);
  await handle.chown(uid, gid);
  await handle.writeFile(`${token}\n`);
  await handle.sync();
  await handle.close();
  await rename(beside, file);
}

const old = await probe((await readFile(file, "ascii")).trim());
const { datasource: { uid: datasource }, token: { prefix } } = old;
const keys = JSON.parse(await tidegate("key", "list", "--json"));
const live = keys.filter((key) => key.datasource === datasource && key.prefix === prefix && !key.revokedAt);
if (live.length !== 1) throw new Error(`${live.length} live keys begin with ${prefix}: rotate by hand`);

// 1. Make the successor. From here on both work.
const name = process.argv[2] ?? `rotated ${new Date().toISOString().slice(0, 10)}`;
const create = ["key", "create", "--kind", "datasource", "--datasource", datasource, "--name", name, "--json"];
const made = JSON.parse(await tidegate(...create));
try {
  // 2. Check it against the server, not against what the command says.
  const { token } = await probe(made.key, 10);
  console.log(`new: ${token.kind} key ${token.name}, ${token.prefix}…`);
  // 3. Switch the clients over: they read the file again at their next 401.
  await switchTo(made.key);
} catch (error) {
  await tidegate("key", "revoke", made.id);
  throw error;
}
// 4. Revoke the old one, by its id. Clients that do not read the file again have to be restarted before this.
await tidegate("key", "revoke", live[0].id);
console.log(`old: revoked ${live[0].id}, ${prefix}…`);
