import { describe, expect, it } from "vitest";
import { defineJob } from "../../src/jobs/define-job.js";
import { JobRegistry } from "../../src/jobs/job-registry.js";
import { nearestName } from "../../src/jobs/nearest-name.js";

const job = (name: string) => defineJob({ name, query: "select 1", destination: { table: "lake.t" } });

describe("JobRegistry", () => {
  it("finds jobs by their exact name, and lists them in order of their names", () => {
    const registry = new JobRegistry(["b", "a", "B", "ä", "a_10", "a_9", "__proto__"].map(job));
    expect(registry.list().map(({ name }) => name)).toEqual(["B", "__proto__", "a", "a_10", "a_9", "b", "ä"]);
    expect(registry.get("a")?.name).toBe("a");
    expect(registry.get("A")).toBeUndefined();
    expect(registry.get("toString")).toBeUndefined();
  });

  it("refuses two jobs of one name", () => {
    expect(() => new JobRegistry([job("a"), job("b"), job("a")])).toThrow(
      expect.objectContaining({ code: "invalid_definition", jobName: "a", field: "name" }),
    );
  });

  it("knows which name was meant", () => {
    const registry = new JobRegistry([job("delays_by_airport"), job("load")]);
    expect(registry.nearest("delay_by_airport")).toBe("delays_by_airport");
    expect(registry.nearest("lod")).toBe("load");
    expect(registry.nearest("something else")).toBeUndefined();
    expect(new JobRegistry([]).nearest("a")).toBeUndefined();
  });
});

describe("nearestName", () => {
  it.each([
    ["abcdef", ["abcdef"], "abcdef"],
    ["ABCDEF", ["abcdef"], "abcdef"],
    ["abdcef", ["abcdef"], "abcdef"],
    ["acb", ["abc"], "abc"],
    ["abc", ["abd"], "abd"],
    ["ab", ["cd"], undefined],
    ["ab", ["ac"], undefined],
    ["", ["a"], undefined],
    ["timeoutMS", ["maxAttempts", "timeoutMs"], "timeoutMs"],
    ["abcdef", ["abxxef", "abcxef"], "abcxef"],
    ["abcdef", [], undefined],
  ])("%s among %j is %s", (name, candidates, expected) => {
    expect(nearestName(name, candidates)).toBe(expected);
  });

  it("never looks at long names", () => {
    const name = "n".repeat(1_000_000);
    const before = performance.now();
    expect(nearestName(name, [name])).toBeUndefined();
    expect(
      nearestName(
        "n".repeat(64),
        Array.from({ length: 1_000 }, () => name),
      ),
    ).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(500);
  });
});
