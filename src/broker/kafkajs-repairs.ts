// kafkajs 2.2.4 is frozen and pinned; five faults of its connections are mended here, in place, once per process.
//
// 1. The request queue re-arms a 1 ms timer for ever, once it was used.        → it is armed only while something waits.
// 2. Two requests that find a connection down both connect: one socket leaks.  → connecting is shared.
// 3. After a connection died inside an answer, the half answer stays buffered
//    and garbles the next connection's first answer.                           → the buffer starts empty.
// 4. `disconnect` ends whatever socket is current *after* it waited, and an
//    ended socket can still report its end against its successor.              → it destroys the socket it meant.
// 5. When a login's lifetime nears its end it logs in again between requests
//    under way, and takes their answers for the login's.                       → it does not; renewLogin makes a new connection instead.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The parts of kafkajs's Connection that we touch. */
export interface KafkajsConnection {
  connectionStatus: string;
  /** process.hrtime() of the login; null without one. */
  authenticatedAt: [seconds: number, nanos: number] | null;
  /** Milliseconds; 0 = without end. A Long. */
  sessionLifetime: { toNumber(): number };
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  socket?: { destroy(error?: Error): void; once(event: string, listener: () => void): void };
  authHandlers: { onError(): void } | null;
  requestQueue: RequestQueue;
  isConnected(): boolean;
  isAuthenticated(): boolean;
  /** Does nothing when no login is configured, or it has been done. */
  authenticate(): Promise<void>;
  connect(): Promise<boolean>;
  send(request: object): Promise<unknown>;
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
/** A login is renewed when this much of its lifetime has passed. */
const LOGIN_LIFE_USED = 0.8;
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

  connection.isAuthenticated = function (this: KafkajsConnection): boolean {
    return this.authenticatedAt !== null;
  };

  connection.disconnect = async function (this: KafkajsConnection): Promise<boolean> {
    const socket = this.socket;
    this.connectionStatus = 'disconnecting';
    await this.requestQueue.waitForPendingRequests();
    socket?.destroy();
    if (this.socket === socket) {
      this.authenticatedAt = null;
      this.requestQueue.rejectAll(new Error('The connection was closed')); // "disconnecting" still takes requests
      this.requestQueue.destroy();
      this.connectionStatus = 'disconnected';
    }
    return true;
  };
}

/** Whether the broker will soon cut this connection because its login ends (connections.max.reauth.ms). */
export function isLoginEnding(connection: KafkajsConnection): boolean {
  if (connection.authenticatedAt === null) return false;
  const lifetimeMs = connection.sessionLifetime.toNumber();
  if (lifetimeMs === 0) return false;
  const [seconds, nanos] = process.hrtime(connection.authenticatedAt);
  return seconds * 1_000 + nanos / 1e6 > lifetimeMs * LOGIN_LIFE_USED;
}

const renewing = new WeakMap<KafkajsConnection, Promise<unknown>>();

/** Closes the connection once nothing is under way on it; whoever wants to send meanwhile waits, and connects anew. */
export async function renewLogin(connection: KafkajsConnection): Promise<void> {
  let renewal = renewing.get(connection);
  if (renewal === undefined) {
    renewal = connection.disconnect().finally(() => renewing.delete(connection));
    renewing.set(connection, renewal);
  }
  await renewal;
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
