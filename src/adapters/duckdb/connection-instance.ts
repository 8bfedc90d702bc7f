import type { Connection } from "../../ports/connection.js";
import type { AttachableFile } from "./attached-files.js";
import { abortable } from "./abortable.js";
import type { EngineHost } from "./engine-host.js";

/**
 * The DuckDB instance in which a connection of this adapter works by itself: that of the engine that was opened with the
 * connection, so that both share what is attached; without one, an instance of its own.
 */
export class ConnectionInstance {
  private readonly engines: EngineHost[] = [];
  private own: Promise<EngineHost> | undefined;

  /**
   * @param reachable as `Connection.paths`.
   * @param file a database file that the connection attaches.
   */
  constructor(
    private readonly reachable: readonly string[],
    readonly file?: Omit<AttachableFile, "name">,
  ) {}

  /** Whether the rows of a query may come from the same instance. */
  get isJoined(): boolean {
    return this.engines.length > 0;
  }

  join(engine: EngineHost): void {
    this.engines.push(engine);
  }

  leave(engine: EngineHost): void {
    const index = this.engines.indexOf(engine);
    if (index >= 0) this.engines.splice(index, 1);
  }

  /** The instance for as long as `act` takes, which nobody waits for once the signal is aborted. */
  async use<T>(signal: AbortSignal, act: (host: EngineHost) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const host = await this.host();
    return abortable([signal], () => act(host), host.busy);
  }

  /** The same for an act that listens to its signal itself, and must have let go before anybody goes on. */
  async useToTheEnd<T>(act: (host: EngineHost) => Promise<T>): Promise<T> {
    const host = await this.host();
    return abortable([], () => act(host), host.busy);
  }

  /** Closes the connection's own instance. May be called twice. */
  async close(): Promise<void> {
    const own = this.own;
    this.own = undefined;
    await (await own)?.close();
  }

  /** Of several the one that has the file attached: the others would wait for it. */
  private async host(): Promise<EngineHost> {
    const path = this.file?.path;
    const open = [...this.engines, ...(this.own === undefined ? [] : [await this.own])];
    const holder = path === undefined ? undefined : open.find(({ files }) => files.has(path));
    return holder ?? this.engines.at(-1) ?? (this.own ??= this.open());
  }

  private async open(): Promise<EngineHost> {
    try {
      const [{ Database }, { EngineHost }] = await Promise.all([import("./database.js"), import("./engine-host.js")]);
      const files = this.file === undefined ? [] : [{ ...this.file, name: "file" }];
      return new EngineHost(await Database.open({}, this.reachable), files);
    } catch (error) {
      this.own = undefined;
      throw error;
    }
  }
}

/** A connection that can work in an engine's instance. */
export interface EngineGuest extends Connection {
  readonly instance?: ConnectionInstance;
}

/** The instances of the connections that can work in an engine's, by the connections' names. */
export function guestsOf({
  connections,
}: {
  readonly connections: ReadonlyMap<string, Connection>;
}): ReadonlyMap<string, ConnectionInstance> {
  const guests = new Map<string, ConnectionInstance>();
  for (const [name, connection] of connections) {
    const guest: EngineGuest = connection;
    if (guest.instance !== undefined) guests.set(name, guest.instance);
  }
  return guests;
}
