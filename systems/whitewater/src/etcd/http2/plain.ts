/**
 * The answer to whoever speaks HTTP/1 here. It is told that it is wrong, but for one question: `etcdctl check datascale` reads from the metrics of this port how
 * much memory the process has. All other metrics are on the port for HTTP.
 */
const question = "GET /metrics HTTP/1.";

/** `start` is what came first on the connection. */
export function plainAnswer(start: Buffer): string {
  if (start.toString("latin1", 0, question.length) === question)
    return answer("200 OK", `process_resident_memory_bytes ${process.memoryUsage.rss()}\n`);
  return answer("400 Bad Request", "This port speaks gRPC (HTTP/2) alone.\n");
}

const answer = (status: string, text: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
