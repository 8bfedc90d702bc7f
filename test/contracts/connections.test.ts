import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { sqlite } from "../../src/adapters/sqlite/sqlite-connection.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import { sampleRows, write } from "../../src/testing/destination/destination-fixture.js";
import { fixture } from "../../src/testing/fixture-connection.js";
import { contractSuite } from "../support/contract-suite.js";

const FULL = { table: "t", columns: ["id", "label"], rowCount: 5 };

contractSuite(
  "memory() keeps the promises of a connection",
  connectionContract({
    make: async () => {
      const connection = memory();
      const steps = [sampleRows(1, 3), sampleRows(4, 2)];
      await write(connection.destination!("t")!, { commitId: "a", createIfMissing: true, steps });
      return { connection, full: FULL, missingTable: "none" };
    },
  }),
);

contractSuite(
  "fixture() keeps the promises of a connection",
  connectionContract({
    make: async () => ({
      connection: fixture({ t: sampleRows(1, 5), empty: { schema: { columns: [] }, rows: [] } }),
      full: FULL,
      missingTable: "none",
    }),
  }),
);

for (const access of ["read_only", "read_write"] as const) {
  contractSuite(
    `sqlite(), ${access}, keeps the promises of a connection`,
    connectionContract({
      make: async () => {
        const folder = await mkdtemp(join(tmpdir(), "millrace-"));
        const path = join(folder, "t.db");
        await writeFile(path, "");
        await mkdir(join(folder, "folder.db"));
        const connection = sqlite(path, { access });
        const unreachable = sqlite(join(folder, "folder.db"), { access });
        const dispose = async (): Promise<void> => {
          await connection.close();
          await rm(folder, { recursive: true });
        };
        return { connection, missingTable: "none", unreachable, dispose };
      },
    }),
  );
}
