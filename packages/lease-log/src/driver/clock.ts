import { performance } from "node:perf_hooks";
import type { LogClock, LogSink } from "../options.ts";

export const systemClock: LogClock = {
  now: () => performance.now(),
  every: (ms, task) => {
    const timer = setInterval(task, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const silent: LogSink = { debug() {}, info() {}, warn() {}, error() {} };
