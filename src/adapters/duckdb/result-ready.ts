import type { DuckDBPendingResult } from "@duckdb/node-api";
import duckdb, { type PendingResult } from "@duckdb/node-bindings";
import { pause } from "./pause.js";

/**
 * Waits until rows are there, without holding a thread of libuv's pool: DuckDB's own threads do the work.
 *
 * @returns whether all rows are there, and how often it had to look.
 */
export async function resultReady(pending: DuckDBPendingResult): Promise<{ isComputed: boolean; rounds: number }> {
  // The driver offers this state only together with work on the calling thread, which is the event loop's.
  const handle = pending["pending_result"] as PendingResult;
  const { RESULT_READY, RESULT_NOT_READY, NO_TASKS_AVAILABLE } = duckdb.PendingState;
  for (let round = 0; ; round += 1) {
    const state = duckdb.pending_execute_check_state(handle);
    // A query that has ended, well or not, is in none of these states.
    if (state !== RESULT_NOT_READY && state !== NO_TASKS_AVAILABLE) {
      return { isComputed: state !== RESULT_READY, rounds: round };
    }
    await pause(round);
  }
}
