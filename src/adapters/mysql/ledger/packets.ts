type Cell = string | number | null;

/**
 * Rows in as many lists as fit into the server's packets, in their order. A row that is too large by itself has a list of
 * its own, which the server's limit then refuses.
 *
 * @param largest how many bytes a packet may have.
 * @param cells what is sent of a row.
 */
export function packets<Row>(
  rows: readonly Row[],
  largest: number,
  cells: (row: Row) => readonly Cell[],
): readonly (readonly Row[])[] {
  const lists: Row[][] = [];
  let left = 0;
  for (const row of rows) {
    const bytes = MOST_PER_UNIT * unitsIn(cells(row));
    const list = lists.at(-1);
    if (list && bytes <= left) list.push(row);
    else {
      lists.push([row]);
      left = largest / 2;
    }
    left -= bytes;
  }
  return lists;
}

/** What JSON makes of a character at most: an escape. Of most it makes a sixth of that. */
const MOST_PER_UNIT = 6;

function unitsIn(cells: readonly Cell[]): number {
  return cells.reduce<number>((units, cell) => units + (typeof cell === "string" ? cell.length + 3 : 4), 1);
}
