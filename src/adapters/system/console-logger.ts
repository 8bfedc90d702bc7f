import type { Logger } from "../../ports/logger.js";

/** Warnings and errors to the console; the rest nowhere. */
/* eslint-disable no-console -- this is the one adapter that stands for the console */
export const consoleLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => console.warn(`millrace: ${message}`, fields ?? {}),
  error: (message, fields) => console.error(`millrace: ${message}`, fields ?? {}),
};
