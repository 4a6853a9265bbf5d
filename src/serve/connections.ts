/**
 * @file The open connections of a server, told apart by whether an answer is under way on them. Node.js closes only
 * those idle connections that have carried a request; browsers open some in advance and would hold up a shutdown.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

export interface Connections {
  /** Closes every connection without an answer under way now, and the others once their answer is out. */
  closeWhenIdle(): void;
}

export function trackConnections(server: Server): Connections {
  const idle = new Set<Socket>();
  let closing = false;
  const settle = (socket: Socket): void => {
    if (closing) socket.destroySoon();
    else if (!socket.destroyed) idle.add(socket);
  };
  server.on("connection", (socket: Socket) => {
    settle(socket);
    socket.once("close", () => idle.delete(socket));
  });
  server.prependListener("request", (request, response) => {
    idle.delete(request.socket);
    response.once("close", () => settle(request.socket));
  });
  return {
    closeWhenIdle: () => {
      closing = true;
      for (const socket of idle) socket.destroySoon();
    },
  };
}
