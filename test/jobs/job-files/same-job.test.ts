import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { loadJobs } from "../../../src/jobs/job-files/load-jobs.js";
import { jobFromSpec } from "../../../src/jobs/job-from-spec.js";
import { RUN_ERROR_CODES } from "../../../src/model/error-codes.js";
import { fileWriter } from "./written-files.js";

// What fails prints its seed.
const SEED = Number(process.env["MILLRACE_SEED"] ?? 20_261_120);
const write = fileWriter();

/** Text that YAML, read carelessly, would take for something else. */
const TREACHEROUS = [
  "no",
  "1_000",
  "0x10",
  "2024-01-31",
  "~",
  "null",
  "1.0",
  "3",
  ".nan",
  "&a",
  "*a",
  "!x",
  "a: b",
  "# c",
  "- d",
  "{e}",
  "<<",
  "%f",
  "@g",
  "'",
  '"',
  "\\n",
  "é☃𝄞",
  " h",
  "i ",
  "j\nk",
  "\tl",
  "---",
  "...",
];

const treacherous = fc.oneof(fc.constantFrom(...TREACHEROUS), fc.string({ unit: "grapheme", maxLength: 30 }));
const name = treacherous.map((text) => text.replace(/[\p{Cc}\u2028\u2029]/gu, "").trim()).filter((text) => text !== "");
const wait = fc.nat(300_000);
const count = fc.integer({ min: 1, max: 1_000_000 });
const some = <T>(values: fc.Arbitrary<T>) => fc.uniqueArray(values, { minLength: 1, maxLength: 4, selector: String });

/** Beyond 2⁵³ a file's whole number is the bigint of its digits, and code has two ways to write it. */
const asInCode = (value: unknown): boolean => !/[1-9]\d{15,}(?![.\d])/.test(JSON.stringify(value));
const json = fc.jsonValue({ maxDepth: 3 }).filter(asInCode);
const double = fc.oneof(fc.double().filter(asInCode), fc.constantFrom(NaN, Infinity, -0));

/** Each with values that its type takes. */
const PARAMETERS = [
  fc.record({ type: fc.constant("VARCHAR"), default: treacherous, secret: fc.boolean() }, { requiredKeys: [] }),
  fc.record({
    type: fc.constant("BIGINT"),
    default: fc.oneof(fc.maxSafeInteger(), fc.bigInt(2n ** 62n, 2n ** 63n - 1n)),
  }),
  fc.record({ type: fc.constant("DOUBLE"), default: double }),
  fc.record({ type: fc.constant("DATE"), default: fc.constant("2001-01-31") }),
  fc.record({ type: fc.constant("JSON"), default: json.map((nested) => ({ nested })) }),
  fc.record({ type: fc.constant("INTEGER[]"), default: fc.array(fc.integer()) }),
  fc.record({ default: fc.constant(null) }),
  fc.constantFrom("INTEGER", "DECIMAL(10, 2)", "STRUCT(a INTEGER)"),
];

const keys = fc.uniqueArray(name, { minLength: 1, maxLength: 3, selector: (key) => key.toLowerCase() });

const mode = fc.oneof(
  fc.constantFrom("append", "overwrite"),
  fc.record({ kind: fc.constantFrom("append", "overwrite") }),
  fc.record(
    {
      kind: fc.constant("upsert"),
      keys,
      onDuplicate: fc.constantFrom("refuse", "keepLast"),
    },
    { requiredKeys: ["kind", "keys"] },
  ),
  fc.record({ kind: fc.constant("deleteInsert"), keys }),
  fc.record(
    { kind: fc.constant("insertOnly"), keys, onDuplicate: fc.constantFrom("refuse", "keepFirst") },
    { requiredKeys: ["kind", "keys"] },
  ),
);

const execution = fc.record(
  {
    timeoutMs: fc.nat(),
    maxAttempts: count,
    maxRecoveries: fc.nat(1_000_000),
    retryOn: fc.oneof(
      fc.constant("retryable"),
      some(fc.constantFrom(...RUN_ERROR_CODES.filter((code) => !/deadline|recoveries|lease/.test(code)))),
    ),
    backoff: fc.record(
      {
        kind: fc.constantFrom("constant", "linear", "exponential"),
        delayMs: wait,
        maxDelayMs: fc.constant(300_000),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      },
      { requiredKeys: [] },
    ),
    priority: fc.integer({ min: -2_147_483_647 }),
    maxConcurrent: fc.nat(1_000_000),
    concurrencyKey: fc.constantFrom(null, "one key", "{p0} and more"),
    maxConcurrentPerKey: count,
  },
  { requiredKeys: [] },
);

const state = fc.oneof(
  fc.record(
    {
      type: fc.constant("BIGINT"),
      initial: fc.oneof(fc.integer(), fc.bigInt(2n ** 62n, 2n ** 63n - 1n)),
      column: name,
      take: fc.constantFrom("max", "min"),
    },
    { requiredKeys: ["type", "initial"] },
  ),
  fc.record({ type: fc.constantFrom("DATE", "TIMESTAMP", "VARCHAR"), initial: fc.constant("2001-01-31") }),
);

interface Spec {
  readonly [field: string]: unknown;
  readonly destination: object;
}

const spec: fc.Arbitrary<Spec> = fc
  .record({
    head: fc.record({ name, description: treacherous, version: treacherous }, { requiredKeys: ["name"] }),
    text: fc.constantFrom("select 1", "-- x\n\n  select 'a: b', \"c # d\"\n", "select '\t' -- é\n", " select 1\r\n"),
    params: fc.option(fc.array(fc.oneof(...PARAMETERS), { minLength: 1, maxLength: 4 })),
    destination: fc.record({ table: name, mode, createIfMissing: fc.boolean() }, { requiredKeys: ["table"] }),
    state: fc.option(fc.array(state, { minLength: 1, maxLength: 2 })),
    execution: fc.option(execution),
  })
  .map(({ head, text, params, destination, state, execution }) => {
    const isOverwrite = JSON.stringify(destination.mode ?? "").includes("overwrite");
    const kept = Object.fromEntries((isOverwrite ? [] : (state ?? [])).map((one, i) => [`s${i}`, one] as const));
    const declared = Object.fromEntries((params ?? []).map((param, i) => [`p${i}`, param] as const));
    const places = ["p0", ...Object.keys(declared), ...Object.keys(kept).map((one) => `last.${one}`)];
    return {
      ...head,
      query: `${text} ${places.map((one) => `{${one}}`).join(" ")}`,
      destination,
      ...(params && { params: declared }),
      ...("s0" in kept && { state: kept }),
      ...(execution && { execution }),
    };
  })
  .filter(({ execution, params }) => {
    const first = params?.["p0"];
    const secret = typeof first === "object" && "secret" in first && first.secret;
    return !(secret && execution?.concurrencyKey?.includes("p0"));
  });

const DUMPS: readonly ((document: object) => string)[] = [
  (document) => stringify(document),
  (document) => stringify(document, { collectionStyle: "flow", lineWidth: 0 }),
  (document) => stringify(document, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "QUOTE_SINGLE" }),
  (document) => stringify(document).replaceAll("\n", "\r\n"),
  (document) => `\ufeff${stringify(document, { indent: 7, nullStr: "~", directives: true })}`,
];

/** The document that says the same, with the other spellings where there are any. */
function documentOf({ name, version, description, ...rest }: Spec, otherSpellings: boolean): object {
  return {
    kind: "job",
    metadata: { name, version, description },
    spec: otherSpellings
      ? {
          ...rest,
          destination: respell(rest.destination, "createIfMissing", "create_if_missing"),
          execution: respell(rest["execution"], "timeoutMs", "timeout_ms"),
        }
      : rest,
  };
}

function respell(part: unknown, from: string, to: string): unknown {
  if (typeof part !== "object" || part === null) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key === from ? to : key, value]));
}

it("is the same from a file as from code: equal, with the same hash", async () => {
  await fc.assert(
    fc.asyncProperty(spec, fc.constantFrom(...DUMPS), fc.boolean(), async (spec, dump, otherSpellings) => {
      const inCode = jobFromSpec(spec);
      const loaded = await loadJobs(join(write({ "job.yaml": dump(documentOf(spec, otherSpellings)) }), "job.yaml"));
      expect(loaded._unsafeUnwrap()).toStrictEqual([inCode]);
    }),
    { seed: SEED, numRuns: 300 },
  );
});
