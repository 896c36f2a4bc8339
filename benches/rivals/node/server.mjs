// A plain ingest server, as a team writes one in a day: Fastify takes the array, one multi-row INSERT stores it, the answer waits
// for it. No keys, no budgets, no verdict for each item beyond what JSON and the table ask.
//
//   node server.mjs --host-dir /path/of/the/socket --user u --database d --port 8081 --pool 16

import Fastify from "fastify";
import pg from "pg";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    "host-dir": { type: "string" },
    user: { type: "string" },
    database: { type: "string" },
    port: { type: "string" },
    pool: { type: "string", default: "16" },
  },
});

const pool = new pg.Pool({
  host: options["host-dir"],
  user: options.user,
  database: options.database,
  max: Number(options.pool),
});

const COLUMNS = 9;
const statements = new Map();

// The statement for a number of rows, prepared once per connection under its name.
function insert(rows) {
  let statement = statements.get(rows);
  if (statement === undefined) {
    const values = Array.from({ length: rows }, (_, row) => {
      const at = (column) => `$${row * COLUMNS + column}`;
      return `(${[1, 2, 3, 4, 5, 6, 7, 8, 9].map(at).join(",")})`;
    });
    const text =
      "insert into event (project_id, datasource_id, received_at, occurred_at, kind, type, user_id, event_id, parameters) values " +
      `${values.join(",")} on conflict (datasource_id, event_id) do nothing`;
    statement = { name: `insert_${rows}`, text };
    statements.set(rows, statement);
  }
  return statement;
}

const schema = {
  body: {
    type: "array",
    minItems: 1,
    maxItems: 100,
    items: {
      type: "object",
      required: ["_user_id", "_event_id", "_event_type"],
      properties: {
        _user_id: { type: "string", minLength: 1, maxLength: 255 },
        _event_id: { type: "string", minLength: 1, maxLength: 255 },
        _event_type: { type: "string", minLength: 1, maxLength: 128 },
        _event_date: { type: "string", format: "date-time" },
        _event_parameters: { type: "object" },
      },
    },
  },
};

const app = Fastify();

app.get("/health/live", async () => ({ status: "live" }));

app.post("/v1/project/:project/datasource/:datasource/stream/events", { schema }, async (request, reply) => {
  const now = new Date();
  const values = [];
  for (const event of request.body) {
    values.push(
      1,
      1,
      now,
      event._event_date ?? now,
      "e",
      event._event_type,
      event._user_id,
      event._event_id,
      JSON.stringify(event._event_parameters ?? {}),
    );
  }
  const { rowCount } = await pool.query({ ...insert(request.body.length), values });
  return reply.code(202).send({ success: true, received: request.body.length, stored: rowCount });
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await app.close();
    await pool.end();
  });
}

await app.listen({ host: "127.0.0.1", port: Number(options.port) });
