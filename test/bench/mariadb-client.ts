/** How the client of MariaDB is told of a server. */
export function mariadbArguments(url: string): readonly string[] {
  const { hostname, port, username, pathname } = new URL(url);
  return [
    "--no-defaults",
    `--host=${hostname}`,
    `--port=${port}`,
    `--user=${username}`,
    `--database=${pathname.slice(1)}`,
  ];
}

/** The password, where no list of processes shows it. */
export function mariadbPassword(url: string): NodeJS.ProcessEnv {
  return { MYSQL_PWD: decodeURIComponent(new URL(url).password) };
}
