import { expect, test } from "vitest";
import { describeMysql } from "../support/describe-mysql.js";
import { describePostgres } from "../support/describe-postgres.js";
import { SIMULATED_LEDGERS, type SimulatedLedgerName } from "./simulated-ledgers.js";
import { simulateSchedules } from "./simulated-years.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
/** Of every ledger, for a soak. What every check does on a ledger with tables is short, and as much happens in it. */
const DAYS = Number(process.env["MILLRACE_DAYS"]);
const UNREST = 5;

const years = (name: SimulatedLedgerName, shortDays: number, unrest: number): void => {
  const days = DAYS || shortDays;
  test(
    `${days} days of crashes, sleep and clocks that jump, on ${name}: every firing happens once, or is explained`,
    {
      timeout: 60_000 + days * 2_000,
    },
    async () => {
      console.log(`seed ${SEED}: set MILLRACE_SEED to repeat it`);
      await using ledger = await SIMULATED_LEDGERS[name]();
      const { fired, missed, skipped, kills } = await simulateSchedules(ledger, { days, seed: SEED, unrest });
      console.log(`${name}: ${fired} fired, ${missed} missed, ${skipped} skipped, ${kills} processes killed`);
      expect(fired).toBeGreaterThan(days);
    },
  );
};

years("memory", 730, 1);
years("SQLite", 40, UNREST);
describePostgres("on a real server", () => years("Postgres", 10, UNREST));
describeMysql("on a real server", () => years("MariaDB", 10, UNREST));
