/**
 * Who may import whom, with the reason that a broken rule prints. docs/architecture.md tells the same in prose.
 *
 * A layer is a folder of src/. It may always import itself.
 */
const DOMAIN = ["model", "ports", "jobs", "runs"];
const FEATURES = ["schedules", "executions", "pipelines", "catalog"];
const ADAPTER = {
  may: ["model", "ports", "adapters/sql", "adapters/file-lock", "adapters/arrow"],
  because:
    "an adapter knows the ports, its own driver and the parts that adapters share, so that any one can be removed",
};

const layers = {
  model: { may: [], because: "the model is pure values: no I/O, no clock, no other code" },
  ports: {
    may: ["model"],
    because: "ports are interfaces over the model; who implements or calls them is not their business",
  },
  jobs: { may: ["model", "ports"], because: "a definition knows nothing of the runs made from it" },
  runs: {
    may: ["model", "ports", "jobs"],
    because: "runs work through ports and know neither adapters nor the facade",
  },
  ...Object.fromEntries(
    FEATURES.map((name) => [
      name,
      { may: DOMAIN, because: `${name} build on runs through ports, and not on each other` },
    ]),
  ),
  executor: {
    may: [...DOMAIN, ...FEATURES, "adapters/system", "adapters/croner"],
    because: "the host hands in engine, store and connections; only clock, ids and scheduler have defaults",
  },
  http: { may: [...DOMAIN, ...FEATURES, "executor"], because: "http is a thin edge over the executor" },
  cli: { may: [...DOMAIN, ...FEATURES, "executor", "http"], because: "cli is a thin edge over the executor" },
  testing: { may: ["model", "ports"], because: "the suites must hold for adapters written by others" },
  "adapters/sql": { may: ["model", "ports"], because: "it is the driverless part that the SQL adapters share" },
  "adapters/arrow": {
    may: ["model", "ports"],
    because:
      "it makes Arrow batches of the model's types for all adapters that read or write them, and knows none of them",
  },
  "adapters/file-lock": { may: [], because: "it is the lock that adapters for files share, and knows none of them" },
  index: {
    may: [...DOMAIN, ...FEATURES, "executor", "adapters/croner", "adapters/memory", "adapters/system"],
    because: "the main entry point loads no driver; those have entry points of their own",
  },
};

/** @param {string} name */
export function layerRules(name) {
  return layers[name] ?? (name.startsWith("adapters/") ? ADAPTER : undefined);
}

const SQL_STORES = ["adapters/sqlite", "adapters/postgres", "adapters/mysql", "adapters/sql"];

/** The only packages that src/ may load, and where. A package that is missing here is a decision not yet taken. */
export const packages = {
  "apache-arrow": {
    in: ["adapters/arrow", "adapters/duckdb", "adapters/lance", "testing"],
    typesAnywhere: true,
    because: "Arrow costs 70 ms to load; outside the Arrow adapters only its types may be used (`import type`)",
  },
  "@duckdb/node-api": { in: ["adapters/duckdb"], because: "one driver, one adapter" },
  "@duckdb/node-bindings": { in: ["adapters/duckdb"], because: "one driver, one adapter" },
  "better-sqlite3": {
    in: ["adapters/sqlite", "adapters/file-lock"],
    because: "one driver, one adapter; its file locks also serve the adapters for files",
  },
  "@lancedb/lancedb": { in: ["adapters/lance"], because: "one driver, one adapter" },
  yaml: { in: ["jobs"], because: "only job files are written in it" },
  pg: { in: ["adapters/postgres"], because: "one driver, one adapter" },
  mysql2: { in: ["adapters/mysql"], because: "one driver, one adapter" },
  croner: { in: ["adapters/croner"], because: "one driver, one adapter" },
  kysely: { in: SQL_STORES, because: "SQL is built in the SQL adapters and nowhere else" },
  neverthrow: {
    in: ["jobs", "runs", ...FEATURES, "executor", "http", "cli"],
    because: "ports and adapters throw; the layers above turn that into typed values",
  },
};

/** Layers that stay free of Node's own modules at run time. */
export const withoutNode = ["model", "ports"];
