import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { queryEngineContract } from "../../src/testing/query-engine-contract.js";
import { contractSuite } from "../support/contract-suite.js";

contractSuite(
  "DuckDBEngine keeps the QueryEngine contract",
  queryEngineContract({
    make: async () => ({
      engine: new DuckDBEngine({ memoryLimit: "1GB" }),
      sql: {
        numbers: (count, failsAt = -1) => {
          const value = failsAt < 0 ? "i" : `case when i = ${failsAt} then error('row ' || i) else i end`;
          return `select ${value} as n from range(${count}) as numbers(i)`;
        },
        slow: "select sum(hash(a.i * b.i)) as n from range(10000000) as a(i), range(10000000) as b(i)",
      },
    }),
  }),
);
