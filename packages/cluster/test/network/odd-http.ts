/** What a broken or hostile party may send instead of HTTP. */

/** `status`: what the client then gets, where that is certain. */
export const oddAnswers: [what: string, answer: string, status: number | undefined][] = [
  ["a control character in the status line", "HTTP/1.1 200 o\u0001k\r\nContent-Length: 0\r\n\r\n", 502],
  ["no HTTP at all", "SSH-2.0-OpenSSH_9\r\n", 502],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 502],
  ["a body until the end of the connection", "HTTP/1.0 200 OK\r\n\r\nbody", 200],
  [
    "a trailer with a control character",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\u0001\r\n\r\n",
    undefined,
  ],
  [
    "an upgrade that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    502,
  ],
  ["bytes beyond ASCII", "HTTP/1.1 200 OK\r\nX-Name: \u00e9\r\nContent-Length: 0\r\n\r\n", 200],
];

export const oddRequests = [
  "GET /\u00ff HTTP/1.1",
  "GET /a\u0001b HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "GET http://main.test/x HTTP/1.1",
  "CONNECT a:1 HTTP/1.1",
];
