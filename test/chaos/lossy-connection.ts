import type { Connection } from "../../src/ports/connection.js";
import { overlaid } from "../support/overlaid.js";

/** A connection that loses some answers to commits which landed. @param share of all answers, from 0 to 1. */
export function lossyConnection(connection: Connection, share: number, random: () => number): Connection {
  return overlaid(connection, {
    destination: (table) => {
      const destination = connection.destination?.(table);
      return (
        destination &&
        overlaid(destination, {
          write: async (rows, request) => {
            const receipt = await destination.write(rows, request);
            if (random() < share) throw new Error("The answer to the commit was lost.");
            return receipt;
          },
        })
      );
    },
  });
}
