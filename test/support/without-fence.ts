import type { Connection } from "../../src/ports/connection.js";
import { overlaid } from "./overlaid.js";

/** Settles by a mere look-up, as one who forgot the fence would: what is not there is taken to be never there. */
export function withoutFence(connection: Connection): Connection {
  return overlaid(connection, {
    destination: (table) => {
      const destination = connection.destination?.(table);
      return destination && overlaid(destination, { settleCommit: () => Promise.resolve({ state: "never" }) });
    },
  });
}
