/** For work that is so little that it must be done at once. */
export function atOnce<T>(result: T | Promise<T>): T {
  if (result instanceof Promise) throw new TypeError("it was put off to later turns of the event loop");
  return result;
}
