import type { MysqlConnection, MysqlValue } from "../driver.js";
import { PacketFeed, type PacketParser, type PacketTakers } from "./packet-feed.js";
import type { WireField } from "./wire-value.js";

/** A statement that the driver is working on. */
interface Command {
  once(event: "fields", listener: (fields: readonly WireField[]) => void): unknown;
}

export interface RowTaker extends Pick<PacketTakers, "rows"> {
  /** Before the first row. */
  fields(fields: readonly WireField[]): void;
}

const END = 0xfe;
const MOST_END_BYTES = 9;
const HEADER_BYTES = 4;

/**
 * Runs a prepared statement, and gives its rows to `taker` as the server sends them, before the driver makes objects of
 * them, which would take most of the time. Everything else, the end of the rows and errors too, is the driver's.
 *
 * Resolves behind the last row when the server has said that it was the last, with the number of its warnings, and
 * rejects with what the taker threw: the rows behind that are passed over.
 */
export function takeRows(
  connection: MysqlConnection,
  text: string,
  values: readonly MysqlValue[],
  taker: RowTaker,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let warnings: number | undefined;
    let hasFailed = false;
    const attempt = (act: () => void): void => {
      if (hasFailed) return;
      try {
        act();
      } catch (error) {
        hasFailed = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const parser = parserName(connection);
    const driver: unknown = Reflect.get(connection, parser);
    const made = connection.execute({ sql: text, values: [...values] }, (error) => {
      Reflect.set(connection, parser, driver);
      if (error) reject(error);
      else if (warnings !== undefined) resolve(warnings);
      else reject(new Error("the server's answer ended without an end"));
    });
    if (!isParser(driver) || !isCommand(made)) {
      return reject(new TypeError("the driver gives its rows in a way that is not known"));
    }
    let hasFields = false;
    made.once("fields", (fields) => {
      hasFields = true;
      attempt(() => taker.fields(fields));
    });
    const feed = new PacketFeed({
      rows: (bytes, starts, ends, count) => attempt(() => taker.rows(bytes, starts, ends, count)),
      other: (packet) => {
        const isEnd = packet[HEADER_BYTES] === END && packet.length - HEADER_BYTES < MOST_END_BYTES;
        if (feed.areRows && isEnd) warnings = packet.readUInt16LE(HEADER_BYTES + 1);
        // One end stands between the fields and the rows.
        feed.areRows = hasFields && !feed.areRows;
        driver.execute(packet);
      },
    });
    Reflect.set(connection, parser, feed);
  });
}

/** Where the driver keeps what it gives the server's bytes to: behind what undoes their compression, if there is any. */
function parserName(connection: MysqlConnection): string {
  const inflated = "_inflatedPacketsParser";
  return inflated in connection ? inflated : "packetParser";
}

function isParser(made: unknown): made is PacketParser {
  return typeof made === "object" && made !== null && "execute" in made;
}

function isCommand(made: unknown): made is Command {
  return typeof made === "object" && made !== null && "once" in made;
}
