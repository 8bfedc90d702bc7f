import { build } from "esbuild";

/**
 * What the package weighs, in KiB: its files together once they are unpacked, and each entry point with all of Millrace
 * that it can come to load, bundled and minified, without other packages. The figures are those of the last look; what
 * has grown by more than {@link ROOM} has to be looked at, and its figure written anew.
 */
const SIZES_KIB = {
  unpacked: 4194,
  "defineJob alone": 41,
  millrace: 225,
  "millrace/duckdb": 160,
  "millrace/sqlite": 214,
  "millrace/postgres": 175,
  "millrace/mysql": 179,
  "millrace/lance": 57,
  "millrace/testing": 167,
};

const ENTRIES = Object.keys(SIZES_KIB).filter((name) => name.startsWith("millrace"));
const ROOM = 1.15;

/** Packages that cost something to load; none may be reached by whoever wants only to define jobs. */
const HEAVY = [
  "apache-arrow",
  "kysely",
  "yaml",
  "pg",
  "mysql2",
  "better-sqlite3",
  "@duckdb/node-api",
  "@duckdb/node-bindings",
  "@lancedb/lancedb",
];

/**
 * Bundles each entry point as it is installed in `folder`.
 *
 * @param unpacked the bytes of all files of the package.
 * @returns the sizes, one line for each.
 * @throws Error for those above their limit, and for a heavy package that tree-shaking left behind.
 */
export async function checkSizes(folder: string, unpacked: number): Promise<string> {
  const alone = await bundle(folder, 'export { defineJob } from "millrace";');
  const heavy = alone.imports.filter((name) => HEAVY.includes(name));
  if (heavy.length > 0) throw new Error(`A bundle of defineJob alone imports ${heavy.join(", ")}.`);
  const measured = new Map([
    ["unpacked", unpacked],
    ["defineJob alone", alone.bytes],
  ]);
  for (const name of ENTRIES) measured.set(name, (await bundle(folder, `export * from "${name}";`)).bytes);
  const rows = Object.entries(SIZES_KIB).map(([name, stated]) => {
    const kib = (measured.get(name) ?? Infinity) / 1024;
    return { name, kib, stated, over: kib > stated * ROOM };
  });
  const table = rows
    .map(
      ({ name, kib, stated, over }) =>
        `     ${name.padEnd(18)} ${kib.toFixed(0).padStart(5)} KiB, stated ${stated}${over ? " TOO LARGE" : ""}\n`,
    )
    .join("");
  if (rows.some(({ over }) => over)) throw new Error(`Larger than stated in size-limits.ts:\n${table}`);
  return table;
}

async function bundle(folder: string, contents: string) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: [...HEAVY, "neverthrow", "croner"],
    logLevel: "error",
  });
  const outputs = Object.values(metafile.outputs);
  return {
    bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
    imports: outputs.flatMap(({ imports }) => imports.map(({ path }) => path)),
  };
}
