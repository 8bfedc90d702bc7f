import { basename, dirname } from "node:path";
import type { Disk } from "../../../../src/adapters/duckdb/parquet-dataset/disk.js";

interface File {
  readonly kind: "file";
  text: string;
  /** What a power cut leaves. */
  durable: string;
  changed: number;
}

interface Folder {
  readonly kind: "folder";
  names: Map<string, Node>;
  durable: Map<string, Node>;
  changed: number;
}

type Node = File | Folder;

/**
 * A file system in memory with the promises of a real one and no more: what was not synchronised may be gone, or not,
 * after a power cut. Each effect is one step, so that a test can put a crash between any two.
 */
export class MemoryDisk {
  private root: Folder = newFolder(0);
  private time = 0;
  private made = 0;

  /** Without synchronising anything: as a query engine leaves its files. */
  put(path: string, text: string): void {
    const folders = dirname(path).split("/").slice(1);
    for (let at = 1; at <= folders.length; at += 1) this.makeFolder(`/${folders.slice(0, at).join("/")}`);
    this.add(path, { kind: "file", text, durable: "", changed: this.time });
  }

  read(path: string): string | undefined {
    const node = this.find(path);
    if (node?.kind === "folder") throw systemError("EISDIR");
    return node?.text;
  }

  list(path: string): readonly string[] | undefined {
    const node = this.find(path);
    if (node?.kind === "file") throw systemError("ENOTDIR");
    return node && [...node.names.keys()];
  }

  lastChangeMs(path: string): number | undefined {
    const node = this.find(path);
    return node && lastChange(node);
  }

  makeFolder(path: string): boolean {
    if (this.find(path) !== undefined) return false;
    this.add(path, newFolder(this.time));
    return true;
  }

  makeUniqueFolder(prefix: string): string {
    this.made += 1;
    const path = prefix + this.made.toString(36).padStart(6, "0");
    this.add(path, newFolder(this.time));
    return path;
  }

  create(path: string, text: string): void {
    if (this.find(path) !== undefined) throw systemError("EEXIST");
    this.add(path, { kind: "file", text, durable: text, changed: this.time });
  }

  link(path: string, name: string): boolean {
    const node = this.there(path);
    if (this.find(name) !== undefined) return false;
    this.add(name, node);
    return true;
  }

  replace(path: string, by: string): void {
    const node = this.there(by);
    this.add(path, node);
    this.folderOf(by).names.delete(basename(by));
  }

  sync(path: string): void {
    const node = this.there(path);
    if (node.kind === "file") node.durable = node.text;
    else node.durable = new Map(node.names);
  }

  remove(path: string): void {
    const parent = this.find(dirname(path));
    if (parent?.kind === "folder") parent.names.delete(basename(path));
    if (parent !== undefined) parent.changed = this.time;
  }

  tick(): void {
    this.time += 1;
  }

  /** @param random decides for each thing that was not synchronised whether it is lost. */
  powerCut(random: () => number): void {
    const cut = (node: Node): void => {
      if (node.kind === "file") {
        if (random() < 0.5) node.text = node.durable;
        node.durable = node.text;
        return;
      }
      for (const name of new Set([...node.names.keys(), ...node.durable.keys()])) {
        if (node.names.get(name) === node.durable.get(name) || random() < 0.5) continue;
        const before = node.durable.get(name);
        if (before === undefined) node.names.delete(name);
        else node.names.set(name, before);
      }
      node.durable = new Map(node.names);
      for (const child of node.names.values()) cut(child);
    };
    cut(this.root);
  }

  private find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      if (node?.kind === "file") throw systemError("ENOTDIR");
      node = node?.names.get(name);
    }
    return node;
  }

  private there(path: string): Node {
    const node = this.find(path);
    if (node === undefined) throw systemError("ENOENT");
    return node;
  }

  private folderOf(path: string): Folder {
    const folder = this.there(dirname(path));
    if (folder.kind === "file") throw systemError("ENOTDIR");
    return folder;
  }

  private add(path: string, node: Node): void {
    const folder = this.folderOf(path);
    folder.names.set(basename(path), node);
    folder.changed = this.time;
  }
}

/** The disk as one process sees it: `step` is awaited before each effect, and once more behind it. */
export function steppedDisk(memory: MemoryDisk, step: (at: "before" | "after") => Promise<void>): Disk {
  const taken = async <T>(act: () => T): Promise<T> => {
    await step("before");
    memory.tick();
    const result = act();
    await step("after");
    return result;
  };
  return {
    read: (path) => taken(() => memory.read(path)),
    list: (path) => taken(() => memory.list(path)),
    lastChangeMs: (path) => taken(() => memory.lastChangeMs(path)),
    makeFolder: (path) => taken(() => memory.makeFolder(path)),
    makeUniqueFolder: (prefix) => taken(() => memory.makeUniqueFolder(prefix)),
    create: (path, text) => taken(() => memory.create(path, text)),
    link: (path, name) => taken(() => memory.link(path, name)),
    replace: (path, by) => taken(() => memory.replace(path, by)),
    sync: (path) => taken(() => memory.sync(path)),
    remove: (path) => taken(() => memory.remove(path)),
  };
}

function newFolder(changed: number): Folder {
  return { kind: "folder", names: new Map(), durable: new Map(), changed };
}

function lastChange(node: Node): number {
  if (node.kind === "file") return node.changed;
  return Math.max(node.changed, ...[...node.names.values()].map(lastChange));
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: "model" });
}
