/** The Raft package words its lines fields first, the pod's logger message first. */
import type { LogFields, Logger } from "@coracle/pod";
import type { LogSink } from "@coracle/raft";

export const logSink = (logger: Logger): LogSink => ({
  debug: (fields, message) => logger.debug(message, fields as LogFields),
  info: (fields, message) => logger.info(message, fields as LogFields),
  warn: (fields, message) => logger.warn(message, fields as LogFields),
  error: (fields, message) => logger.error(message, fields as LogFields),
});
