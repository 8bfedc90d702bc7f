import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Stands between a store and its server, to break what lies between them. */
export interface TcpRelay extends AsyncDisposable {
  /** The server's url, through the relay. */
  readonly url: string;
  /** Closes every connection. */
  cut(): void;
  /** Lets nothing through any more, and tells nobody: half-open sockets. New connections are taken, and as silent. */
  freeze(): void;
  /** Lets everything through again, also on the connections of before. */
  thaw(): void;
}

export async function tcpRelay(serverUrl: string): Promise<TcpRelay> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let frozen = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const relay = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      keep(from);
      from.on("data", (data) => to.write(data)).on("close", () => to.destroy());
      if (frozen) from.pause();
    }
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  const each = (act: (socket: Socket) => void): void => [...sockets].forEach(act);
  return {
    url: Object.assign(new URL(serverUrl), { hostname: "127.0.0.1", port: String(port) }).href,
    cut: () => each((socket) => socket.destroy()),
    freeze: () => {
      frozen = true;
      each((socket) => socket.pause());
    },
    thaw: () => {
      frozen = false;
      each((socket) => socket.resume());
    },
    [Symbol.asyncDispose]: async () => {
      each((socket) => socket.destroy());
      relay.close();
      await once(relay, "close");
    },
  };
}
