import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";

/** What becomes of the first COMMIT that comes by: it is lost, its answer is, or both are kept back until the end. */
export type Loss = "question" | "answer" | "silence";

/** Stands between a client and its server, and breaks the connection at its first COMMIT. */
export async function lossyRelay(serverUrl: string, loss: Loss): Promise<AsyncDisposable & { readonly url: string }> {
  const target = new URL(serverUrl);
  let over = false;
  const relay = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    let committing = false;
    near.on("data", (data) => {
      if (!over && data.subarray(-6).equals(COMMIT)) committing = over = true;
      if (committing && loss === "question") near.destroy();
      else far.write(data);
    });
    far.on("data", (data) => {
      if (!committing) near.write(data);
      else if (loss === "answer") near.destroy();
    });
    near.on("error", () => undefined).on("close", () => far.destroy());
    far.on("error", () => undefined).on("close", () => near.destroy());
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

/** The end of the packet: a statement goes as its bare text. */
const COMMIT = Buffer.from("commit");
