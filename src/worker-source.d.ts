/** The text of a worker module and all it imports by relative path, bundled into one script when the package is built. */
declare module "*?worker-source" {
  const source: string;
  export default source;
}
