import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";

/** Stands between a client and its server, and passes on what `pass` makes of the server's answers, piece by piece. */
export async function answerRelay(
  serverUrl: string,
  pass: (answer: Buffer) => Iterable<Buffer>,
): Promise<AsyncDisposable & { readonly url: string }> {
  const target = new URL(serverUrl);
  const relay = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    near.setNoDelay(true);
    near.pipe(far);
    near.on("error", () => undefined).on("close", () => far.destroy());
    far.on("error", () => undefined);
    void (async () => {
      for await (const answer of far as AsyncIterable<Buffer>) {
        for (const piece of pass(answer)) {
          near.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    })().catch(() => undefined);
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const { port } = relay.address() as AddressInfo;
  return {
    url: Object.assign(new URL(serverUrl), { hostname: "127.0.0.1", port: String(port) }).href,
    [Symbol.asyncDispose]: async () => {
      relay.close();
      await once(relay, "close");
    },
  };
}

/** Pieces of 1, 2, … 7, 1, … bytes. */
export function* inPieces(answer: Buffer): Generator<Buffer> {
  for (let at = 0, size = 1; at < answer.length; at += size, size = (size % 7) + 1) {
    yield answer.subarray(at, at + size);
  }
}

/** Puts something else in the place of these bytes, wherever they come in one answer. */
export function replacing(bytes: Buffer, other: Buffer): (answer: Buffer) => Iterable<Buffer> {
  return (answer) => {
    const at = answer.indexOf(bytes);
    return [at < 0 ? answer : Buffer.concat([answer.subarray(0, at), other, answer.subarray(at + bytes.length)])];
  };
}
