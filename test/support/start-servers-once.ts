/** Starts each server once, so that what is made once on a machine is there before the first test waits for it. */
import { mysqlMissing, startMariadb } from "./mariadb-server.js";
import { postgresMissing, startPostgres } from "./postgres-server.js";

if (mysqlMissing() === undefined) await (await startMariadb())[Symbol.asyncDispose]();
if (postgresMissing() === undefined) await (await startPostgres())[Symbol.asyncDispose]();
