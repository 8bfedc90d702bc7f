import type { KeyColumn, KeyFinding } from "./key-index.js";

export type KeyRequest =
  { readonly do: "add"; readonly columns: readonly KeyColumn[]; readonly rows: number } | { readonly do: "finish" };

export type KeyReply = KeyFinding;
