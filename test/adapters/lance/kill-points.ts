import type { WriteMode } from "../../../src/model/write-mode.js";

/** Where a writer dies: all within the commit itself, where only the journal can tell what became of it. */
export const KILL_POINTS = ["begin:before", "begin:after", "in Lance", "finish:before", "finish:middle"] as const;

/** What the parent tells its child. */
export interface WriterPlan {
  readonly folder: string;
  readonly commitId: string;
  readonly mode: WriteMode;
  readonly rows: number;
  readonly point: (typeof KILL_POINTS)[number];
  readonly afterMs: number;
}
