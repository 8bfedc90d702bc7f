import { setTimeout as pause } from "node:timers/promises";
import { JobError } from "../../src/model/job-error.js";
import type { QueryEngine } from "../../src/ports/query-engine.js";
import type { RowStream } from "../../src/ports/row-stream.js";
import { overlaid } from "../support/overlaid.js";
import type { Trouble } from "./chaos-plan.js";
import { parameter } from "./rows-engine.js";

/** How often a query with the trouble `flaky` fails. */
const FLAKY = 0.5;

/** An engine whose queries wait, and fail, as their parameters `hold` and `trouble` say. */
export function engineWithTrouble(engine: QueryEngine, random: () => number): QueryEngine {
  return overlaid(engine, {
    stream: async (query, options) => {
      const trouble = parameter(query, "trouble") as Trouble;
      const fails = trouble === "broken" || (trouble === "flaky" && random() < FLAKY);
      if (fails && random() < 0.5) throw failure();
      const rows = await engine.stream(query, options);
      return inTheMiddle(rows, async () => {
        const holdMs = Number(parameter(query, "hold"));
        if (holdMs > 0)
          await pause(holdMs, null, { signal: options.signal }).catch(() => options.signal.throwIfAborted());
        if (fails) throw failure();
      });
    },
  });
}

function failure(): JobError {
  return new JobError("query_failed", { message: "The engine is in trouble.", hint: "Try again.", retryable: true });
}

function inTheMiddle(rows: RowStream, step: () => Promise<void>): RowStream {
  return overlaid(rows, {
    async *[Symbol.asyncIterator]() {
      let isFirst = true;
      for await (const batch of rows) {
        yield batch;
        if (isFirst) await step();
        isFirst = false;
      }
      if (isFirst) await step();
    },
  });
}
