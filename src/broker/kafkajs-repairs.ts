// kafkajs 2.2.4 is frozen and pinned; four faults of its connections are mended here, in place, once per process.
//
// 1. The request queue re-arms a 1 ms timer for ever, once it was used.        → it is armed only while something waits.
// 2. Two requests that find a connection down both connect: one socket leaks.  → connecting is shared.
// 3. After a connection died inside an answer, the half answer stays buffered
//    and garbles the next connection's first answer.                           → the buffer starts empty.
// 4. `disconnect` ends whatever socket is current *after* it waited, and an
//    ended socket can still report its end against its successor.              → it destroys the socket it meant.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The parts of kafkajs's Connection that we touch. */
export interface KafkajsConnection {
  connectionStatus: string;
  authenticatedAt: unknown;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  socket?: { destroy(error?: Error): void; once(event: string, listener: () => void): void };
  authHandlers: { onError(): void } | null;
  requestQueue: RequestQueue;
  isConnected(): boolean;
  connect(): Promise<boolean>;
  disconnect(): Promise<boolean>;
}

interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: ReturnType<typeof setTimeout> | null;
  rejectAll(error: Error): void;
  waitForPendingRequests(): Promise<void>;
  destroy(): void;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const SIZE_BYTES = 4;
const MENDED = Symbol.for('millrace.kafkajs-mended');

export function mendKafkajs(): void {
  const connection = (require('kafkajs/src/network/connection') as { prototype: KafkajsConnection & { [MENDED]?: boolean } }).prototype;
  const queue = (require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }).prototype;
  if (connection[MENDED] === true) return;
  connection[MENDED] = true;

  queue.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(this.throttledUntil - Date.now(), 10),
    );
  };

  const connecting = new WeakMap<KafkajsConnection, Promise<boolean>>();
  const originalConnect = connection.connect;
  connection.connect = function (this: KafkajsConnection): Promise<boolean> {
    if (this.isConnected()) return Promise.resolve(true);
    const running = connecting.get(this);
    if (running !== undefined) return running;
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = SIZE_BYTES;
    const started = originalConnect.call(this).finally(() => connecting.delete(this));
    connecting.set(this, started);
    return started;
  };

  connection.disconnect = async function (this: KafkajsConnection): Promise<boolean> {
    const socket = this.socket;
    this.authenticatedAt = null;
    this.connectionStatus = 'disconnecting';
    await this.requestQueue.waitForPendingRequests();
    socket?.destroy();
    if (this.socket === socket) {
      this.requestQueue.rejectAll(new Error('The connection was closed')); // "disconnecting" still takes requests
      this.requestQueue.destroy();
      this.connectionStatus = 'disconnected';
    }
    return true;
  };
}

/** Ends a connection now: what waits on it fails with `error`. */
export function severConnection(connection: KafkajsConnection, error: Error): void {
  connection.requestQueue.rejectAll(error);
  connection.authHandlers?.onError();
  if (connection.isConnected()) {
    connection.authenticatedAt = null;
    connection.connectionStatus = 'disconnected';
    connection.requestQueue.destroy();
    connection.socket?.destroy();
  } else {
    connection.socket?.destroy(error); // as an error, so that an attempt to connect ends with it
  }
}
