// The inventory over HTTP, on loopback: an outside system as far as the workflow is concerned.
//
// POST /reserve {orderId, lines, idempotencyKey} · POST /confirm, /release {orderId, idempotencyKey} · GET /stock · GET, POST /faults · GET /health
// 200: carried out · 409: refused for good · 400: not a request · 503: try again

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { changedFaults, type Faults, NO_FAULTS } from './faults.ts';
import type { Line, Operation } from './rules.ts';
import { openInventoryStore } from './store.ts';

export interface InventoryOptions {
  /** 0 = any free port. */
  readonly port: number;
  readonly dataDir: string;
  /** Pieces per SKU, for SKUs that the store does not know yet. */
  readonly initialStock: Readonly<Record<string, number>>;
  readonly faults?: Partial<Faults>;
  /** Draws the faults. Default Math.random. */
  readonly random?: () => number;
}

export interface Inventory {
  readonly url: string;
  /** Answers what is under way, then closes the store. */
  close(): Promise<void>;
}

export async function startInventory(options: InventoryOptions): Promise<Inventory> {
  const store = await openInventoryStore(options.dataDir, options.initialStock);
  const random = options.random ?? Math.random;
  let faults: Faults = { ...NO_FAULTS, ...options.faults };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = `${request.method} ${request.url}`;
    if (route === 'GET /health') return answer(response, 200, { ok: true });
    if (route === 'GET /stock') return answer(response, 200, await store.stock());
    if (route === 'GET /faults') return answer(response, 200, faults);
    const body = await readJson(request);
    if (route === 'POST /faults') {
      try {
        faults = changedFaults(faults, body);
      } catch (error) {
        throw new BadRequest((error as Error).message);
      }
      return answer(response, 200, faults);
    }
    const kind = OPERATIONS[route];
    if (kind === undefined) return answer(response, 404, { message: `there is no ${route}` });
    const { operation, idempotencyKey } = parseOperation(kind, body);
    if (faults.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.latencyMs));
    if (random() < faults.errorRate) return answer(response, 503, { message: 'a fault, switched on at /faults' });
    const result = await store.execute(operation, idempotencyKey);
    if (random() < faults.lostAnswerRate) {
      response.socket?.destroy();
      return;
    }
    answer(response, result.ok ? 200 : 409, result);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      const { message } = error as Error;
      answer(response, error instanceof BadRequest ? 400 : 503, { message });
    });
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, '127.0.0.1', resolve);
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const impatience = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearTimeout(impatience);
      await store.close();
    },
  };
}

const OPERATIONS: Readonly<Record<string, Operation['kind']>> = {
  'POST /reserve': 'reserve',
  'POST /confirm': 'confirm',
  'POST /release': 'release',
};

class BadRequest extends Error {}

function parseOperation(kind: Operation['kind'], body: unknown): { operation: Operation; idempotencyKey: string } {
  const { orderId, lines, idempotencyKey } = (body ?? {}) as Record<string, unknown>;
  if (typeof orderId !== 'string' || orderId === '') throw new BadRequest('orderId is missing');
  if (typeof idempotencyKey !== 'string' || idempotencyKey === '') throw new BadRequest('idempotencyKey is missing: without it a retry would happen twice');
  if (kind !== 'reserve') return { operation: { kind, orderId }, idempotencyKey };
  const isLine = (line: unknown): line is Line =>
    typeof line === 'object' && line !== null && typeof (line as Line).sku === 'string' && typeof (line as Line).quantity === 'number';
  if (!Array.isArray(lines) || !lines.every(isLine)) throw new BadRequest('lines must be a list of {sku, quantity}');
  return { operation: { kind, orderId, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }, idempotencyKey };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    throw new BadRequest('the body is not JSON');
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
