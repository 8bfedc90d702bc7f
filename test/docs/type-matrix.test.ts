import { beforeAll, expect, it } from "vitest";
import { measureTypes, type TypeMatrix } from "../../build/type-matrix/measure-types.js";
import { withTypeMatrix } from "../../build/type-matrix/type-matrix-section.js";
import { describeMysql } from "../support/describe-mysql.js";
import { describePostgres } from "../support/describe-postgres.js";
import { checkedTable, readPage } from "./pages.js";

const PAGE = readPage("docs/types.md");

/** The tests that the page's tables of each database's own types belong to. */
const NATIVE_TABLES: Readonly<Record<string, string>> = {
  postgres: "test/adapters/postgres/source/read-types.test.ts",
  mysql: "test/adapters/mysql/source/mysql-source-types.test.ts",
  sqlite: "test/adapters/sqlite/source/sqlite-source-types.test.ts",
};

describePostgres("every type into every destination, with Postgres", () => {
  describeMysql("and with MySQL", () => {
    let matrix: TypeMatrix;
    beforeAll(async () => {
      matrix = await measureTypes();
    }, 120_000);

    it("what is kept comes back as the same values", () => {
      const moved = Object.entries(matrix.fates).flatMap(([to, fates]) =>
        fates.flatMap((fate, index) => (fate.kept ? [{ ...fate, ...matrix.columns[index], to }] : [])),
      );
      expect(moved.filter(({ changed }) => changed > 0)).toEqual([]);
      expect(moved.filter(({ values }) => values === 0)).toEqual([]);
    });

    it("what is not kept is refused with a reason", () => {
      for (const fate of Object.values(matrix.fates).flat()) if (!fate.kept) expect(fate.reason).not.toBe("");
    });

    it.each(Object.entries(NATIVE_TABLES))("has each type of %s that the page names", (source, test) => {
      const named = checkedTable(PAGE, test).flatMap(([column = ""]) => [...column.matchAll(/`([^`]+)`/g)]);
      const moved = matrix.columns.filter((column) => column.source === source).map(({ declared }) => declared);
      expect(moved).toEqual(expect.arrayContaining(named.map(([, type = ""]) => type.replace("untyped", ""))));
    });

    it("is what the page says: npm run type-matrix", () => {
      expect(PAGE).toBe(withTypeMatrix(PAGE, matrix));
    });
  });
});
