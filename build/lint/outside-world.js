/**
 * Law 11: time, ids and randomness come from outside. Law 12: no process-wide state.
 * Settings of ESLint's own rules; the adapters in src/adapters/system are the one place without them.
 */
const CLOCK = "Time comes from the Clock port, so that tests can turn it.";
const IDS = "Ids and randomness come from the Ids port, so that a run can be repeated.";
const HOST = "The process belongs to the host: take this as an option.";

export const restrictedProperties = [
  { object: "Date", property: "now", message: CLOCK },
  { object: "performance", property: "now", message: CLOCK },
  { object: "process", property: "hrtime", message: CLOCK },
  { object: "process", property: "uptime", message: CLOCK },
  { object: "AbortSignal", property: "timeout", message: CLOCK },
  { object: "Math", property: "random", message: IDS },
  ...["randomUUID", "randomBytes", "randomInt", "getRandomValues"].map((property) => ({
    object: "crypto",
    property,
    message: IDS,
  })),
  ...["env", "exit", "chdir", "on", "once"].map((property) => ({ object: "process", property, message: HOST })),
];

export const restrictedGlobals = ["setTimeout", "setInterval"].map((name) => ({ name, message: CLOCK }));

export const restrictedImports = {
  paths: [
    { name: "node:timers", importNames: ["setTimeout", "setInterval"], message: CLOCK },
    { name: "node:timers/promises", importNames: ["setTimeout", "setInterval", "scheduler"], message: CLOCK },
    { name: "node:perf_hooks", importNames: ["performance"], message: CLOCK },
    { name: "node:crypto", importNames: ["randomUUID", "randomBytes", "randomInt", "webcrypto"], message: IDS },
    { name: "node:process", message: "Use the global, which the other rules watch." },
  ],
};

export const timeSyntax = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: CLOCK },
  { selector: "CallExpression[callee.name='Date']", message: CLOCK },
];

const TOP_LEVEL = ":matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration";

export const stateSyntax = [
  {
    selector: `${TOP_LEVEL}[kind='let']`,
    message: "State belongs to an instance: two engines in one process do not meet.",
  },
  {
    selector: `${TOP_LEVEL} > VariableDeclarator > NewExpression[callee.name=/^(Map|Set|WeakMap|WeakSet)$/][arguments.length=0]`,
    message: "An empty collection in a module is state that every instance shares.",
  },
];
