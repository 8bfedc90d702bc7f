import type { MysqlConnection, MysqlValue } from "../driver.js";
import type { WireField } from "./wire-value.js";

/** A packet of the driver: what the server sent lies from `offset` to `end`. */
interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
}

/** A statement that the driver is working on: it is given every packet that comes, and tells whether it is done. */
interface Command {
  execute(packet: Packet | undefined, connection: unknown): boolean;
  once(event: "fields", listener: (fields: readonly WireField[]) => void): unknown;
}

export interface RowTaker {
  /** Before the first row. */
  fields(fields: readonly WireField[]): void;
  /** A row in the binary protocol, from `start` to `end`. */
  row(bytes: Buffer, start: number, end: number): void;
}

const ROW = 0x00;
const END = 0xfe;
const MOST_END_BYTES = 9;

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
    const made = connection.execute({ sql: text, values: [...values] }, (error) => {
      if (error) reject(error);
      else if (warnings !== undefined) resolve(warnings);
      else reject(new Error("the server's answer ended without an end"));
    });
    if (!isCommand(made)) return reject(new TypeError("the driver gives its rows in a way that is not known"));
    const driver = made.execute.bind(made);
    let before: "fields" | "end of fields" | "nothing" = "fields";
    made.once("fields", (fields) => {
      before = "end of fields";
      attempt(() => taker.fields(fields));
    });
    made.execute = (packet, given) => {
      if (packet !== undefined && before === "nothing") {
        const marker = packet.buffer[packet.offset];
        if (marker === ROW) {
          attempt(() => taker.row(packet.buffer, packet.offset + 1, packet.end));
          return false;
        }
        if (marker === END && packet.end - packet.offset < MOST_END_BYTES) {
          warnings = packet.buffer.readUInt16LE(packet.offset + 1);
        }
      }
      if (before === "end of fields") before = "nothing";
      return driver(packet, given);
    };
  });
}

function isCommand(made: unknown): made is Command {
  return typeof made === "object" && made !== null && "execute" in made && "once" in made;
}
