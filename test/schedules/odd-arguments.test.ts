import { inspect, types } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isJobError } from "../../src/model/job-error.js";
import { defineSchedule } from "../../src/schedules/define-schedule.js";
import { Schedules } from "../../src/schedules/schedules.js";
import { harness } from "../support/executor-harness.js";
import { SEED } from "../support/job-stores.js";

const made = harness();
const { schedules } = made.executor;
const definition = defineSchedule({ id: "s", trigger: { cron: "0 0 * * *" }, job: "load", startImmediately: false });
const range = { from: new Date("2025-12-01T00:00:00Z"), to: new Date("2025-12-03T00:00:00Z") };
const anyhow = <T>(value: unknown): T => value as T;

beforeAll(async () => {
  await made.executor.start();
  (await schedules.create(definition))._unsafeUnwrap();
});
afterAll(() => made.executor.stop({ timeoutMs: 0, mode: "cancel" }));

const thrower = (): never => {
  throw new Error("from the host's own object");
};
const hostile = new Proxy({}, { get: thrower, has: thrower, ownKeys: thrower, getOwnPropertyDescriptor: thrower });
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const GETTERS = ["id", "times", "limit", "from", "overlap", "signal", "scheduleId", "after", "state", "triggers"];

/** fast-check looks into what it makes, which these do not suffer: each stands in an act. */
type Odd = () => unknown;
const named = (name: string): object => Object.defineProperty({}, name, { get: thrower, enumerable: true });
const VALUES: readonly unknown[] = [
  ...[Symbol("x"), () => 1, hostile, revoked(), new Date(NaN), new Map(), new Proxy([], {}), Object(1n)],
  ...[true, false, NaN, -1, 1.5, Infinity, 2n ** 70n, new Date(8.64e15), new Proxy(new Date(), {})],
  ...[{ toString: thrower }, { valueOf: thrower }, { [Symbol.toPrimitive]: thrower }],
  ...GETTERS.map(named),
];

/** Nothing that any argument or option of these calls may be. */
const odd: fc.Arbitrary<Odd> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(VALUES.length - 1).map((at) => () => VALUES[at]) },
  fc.array(fc.constantFrom(null, 1, {}, "x"), { minLength: 1, maxLength: 3 }).map((value) => () => value),
  fc
    .dictionary(fc.constantFrom("limits", "form", "x"), fc.oneof(fc.integer(), fc.string(), fc.constant(null)), {
      minKeys: 1,
    })
    .map((value) => () => value),
);
const orNothing: fc.Arbitrary<Odd> = fc.oneof(
  odd,
  fc.constantFrom(null, undefined).map((value) => () => value),
);
const orNull: fc.Arbitrary<Odd> = fc.oneof(
  odd,
  fc.constant(() => null),
);

/** An object without any option counts as none, whatever it is, and an array without states names none. */
const isBare = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null || value === hostile) return false;
  return types.isProxy(value) || Object.keys(value).length === 0;
};
const orBad = orNull.filter((value) => !isBare(value()));

/** Each with an argument that it cannot take: the method, then the part that is odd. */
const CALLS: readonly (readonly [name: string, values: fc.Arbitrary<Odd>, call: (value: never) => unknown])[] = [
  ...(["create", "update", "put"] as const).flatMap((name) => [
    [name, orNothing, (value: never) => schedules[name](value)] as const,
    ...Object.keys(definition)
      .filter((part) => part !== "hash")
      .map((part) => {
        const call = (value: never) => schedules[name](anyhow({ ...definition, [part]: value }));
        // `startImmediately` may be.
        const values = odd.filter((value) => typeof value() !== "boolean");
        return [`${name} ${part}`, values, call] as const;
      }),
  ]),
  ...(["pause", "resume", "trigger", "delete", "explain", "get", "occurrences", "backfillHandle"] as const).map(
    (name) => [name, orNothing, (value: never) => schedules[name](value)] as const,
  ),
  ["pause reason", odd, (value) => schedules.pause("s", value)],
  ["trigger options", orBad, (value) => schedules.trigger("s", value)],
  ["trigger overlap", orNull, (value) => schedules.trigger("s", { overlap: value })],
  ["list page", orBad, (value) => schedules.list(value)],
  ["list after", orNull, (value) => schedules.list({ after: value })],
  ["list limit", orNull, (value) => schedules.list({ limit: value })],
  ["occurrences query", orBad, (value) => schedules.occurrences("s", value)],
  ["occurrences state", orBad, (value) => schedules.occurrences("s", { state: value })],
  ["occurrences limit", orNull, (value) => schedules.occurrences("s", { limit: value })],
  ["occurrences cursor", orNull, (value) => schedules.occurrences("s", { cursor: value })],
  ["nextFireTimes", orNothing, (value) => schedules.nextFireTimes(value, 1)],
  ["nextFireTimes count", orNothing, (value) => schedules.nextFireTimes("s", value)],
  ...(["planBackfill", "backfill"] as const).flatMap((name) => [
    [name, orNothing, (value: never) => schedules[name](value, range)] as const,
    [`${name} options`, orNothing, (value: never) => schedules[name]("s", value)] as const,
    [`${name} from`, orNothing, (value: never) => schedules[name]("s", { ...range, from: value })] as const,
    [`${name} to`, orNothing, (value: never) => schedules[name]("s", { ...range, to: value })] as const,
    ...["order", "concurrency", "reprocess"].map((part) => {
      return [`${name} ${part}`, orNull, (value: never) => schedules[name]("s", { ...range, [part]: value })] as const;
    }),
  ]),
  ["backfillHandle result", orBad, (value) => schedules.backfillHandle("b").result(value)],
  ["backfillHandle signal", orNull, (value) => schedules.backfillHandle("b").result({ signal: value })],
  ["listBackfills page", orBad, (value) => schedules.listBackfills(value)],
  ["listBackfills scheduleId", orNull, (value) => schedules.listBackfills({ scheduleId: value })],
  ["listBackfills limit", orNull, (value) => schedules.listBackfills({ limit: value })],
  ["preview", orNothing, (value) => schedules.preview(value, 1)],
  ["preview times", orNothing, (value) => schedules.preview({ times: value }, 1)],
  ["preview count", orNothing, (value) => schedules.preview(definition, value)],
  ["preview after", orNull, (value) => schedules.preview(definition, 1, value)],
];

/** What a call refuses or throws; undefined: neither. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    const answer = await call();
    const isRefusal = typeof answer === "object" && answer !== null && "error" in answer;
    return isRefusal ? answer.error : undefined;
  } catch (thrown) {
    return thrown;
  }
}

describe(`whatever a host in plain JavaScript passes (seed ${SEED})`, () => {
  test.each(CALLS)("to %s is refused by name, and nothing is stored", async (name, values, call) => {
    const before = made.store.snapshot();
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const failure = await failureOf(() => call(value() as never));
        const shown = `${name}: ${inspect(failure)}`;
        // Parameters that are JSON meet the job's own check.
        if (name.endsWith("parameters") && isJobError(failure, "unknown_parameters")) return;
        expect(isJobError(failure, "invalid_definition"), shown).toBe(true);
        expect((failure as { readonly field?: string }).field, shown).toBeTypeOf("string");
      }),
      { seed: SEED, numRuns: 60 },
    );
    expect(made.store.snapshot()).toEqual(before);
  });

  test("every method is among them", () => {
    const methods = Object.getOwnPropertyNames(Schedules.prototype).filter((name) => name !== "constructor");
    const tried = new Set(CALLS.map(([name]) => name.split(" ")[0]));
    expect(methods.filter((name) => !tried.has(name))).toEqual([]);
  });
});

test("what is right is a copy, and keeps its hash", async () => {
  const changed = { ...definition, id: "copy" };
  const { definition: kept } = (await schedules.put(changed))._unsafeUnwrap();
  expect(kept).toEqual(
    defineSchedule({ id: "copy", trigger: { cron: "0 0 * * *" }, job: "load", startImmediately: false }),
  );
  expect(kept.hash).not.toBe(changed.hash);
  expect((await schedules.put(definition))._unsafeUnwrap().definition).toEqual(definition);
});
