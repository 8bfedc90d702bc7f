import { sqliteLoad } from "./sqlite-load.js"; import { printFigure } from "./figure.js";
for (const f of await sqliteLoad()) printFigure(f);
