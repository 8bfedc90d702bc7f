import { styleText } from "node:util";

const WIDTH = 78;
const BAR = 30;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

type Style = Parameters<typeof styleText>[0];

/** Prints lines, with one live line below them. Without a terminal it prints plain lines and no control codes. */
export class Screen {
  readonly #terminal = process.stdout.isTTY;
  readonly #colours = process.stdout.isTTY && process.stdout.hasColors();
  #live = false;

  heading(number: number, text: string): void {
    this.line();
    this.line(this.style("bold", `${number}  ${text}`));
    this.line(this.style("dim", "─".repeat(WIDTH)));
  }

  line(text = ""): void {
    this.#clear();
    process.stdout.write(`${text}\n`);
  }

  /** Replaces the live line. */
  live(text: string): void {
    if (!this.#terminal) return this.line(text);
    this.#clear();
    process.stdout.write(text);
    this.#live = true;
  }

  /** The live line stays where it is; what comes next goes below it. */
  keep(): void {
    if (this.#live) process.stdout.write("\n");
    this.#live = false;
  }

  style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text) : text;
  }

  /** A bar and what it measures; `share` from 0 to 1. */
  progress(share: number, text: string): string {
    const done = bar(share, BAR);
    return `  ${this.style("cyan", done)}${this.style("dim", "░".repeat(BAR - done.length))} ${text}`;
  }

  /** A bar for each row, as long as its value is large. */
  chart(rows: readonly { readonly label: string; readonly value: number; readonly note: string }[]): void {
    const labels = Math.max(...rows.map(({ label }) => label.length));
    const largest = Math.max(...rows.map(({ value }) => value));
    for (const { label, value, note } of rows) {
      const length = bar(value / largest, BAR).padEnd(BAR);
      this.line(`  ${label.padEnd(labels)}  ${this.style("cyan", length)} ${note}`);
    }
  }

  /** Rows of cells, in columns as wide as they have to be; numbers to the right. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
    const print = (row: readonly string[]): string =>
      row
        .map((cell, i) => (/^[\d,.]+( |$)/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join("  ");
    this.line(`  ${this.style("dim", print(head).trimEnd())}`);
    for (const row of rows) this.line(`  ${print(row).trimEnd()}`);
  }

  /** A long text in lines that fit. */
  wrapped(text: string): void {
    let line = " ";
    for (const word of text.split(/\s+/)) {
      if (line.length + word.length >= WIDTH && line !== " ") {
        this.line(line);
        line = " ";
      }
      line += ` ${word}`;
    }
    this.line(line);
  }

  #clear(): void {
    if (this.#live) process.stdout.write("\r\x1b[2K");
    this.#live = false;
  }
}

/** `1234567` as `1,234,567`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-GB");
}

function bar(share: number, width: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}
