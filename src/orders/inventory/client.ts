// Talks to the inventory. Two kinds of failure: InventoryRefusal is final, anything else is worth repeating with the same idempotency key.

import type { Faults } from './faults.ts';
import type { Line, RefusalCode, Stock } from './rules.ts';

export interface InventoryClient {
  reserve(request: { orderId: string; lines: readonly Line[]; idempotencyKey: string }): Promise<void>;
  /** Sells what is reserved. */
  confirm(request: { orderId: string; idempotencyKey: string }): Promise<void>;
  /** Harmless when nothing is reserved, and bars a reserve of the same order that comes later. */
  release(request: { orderId: string; idempotencyKey: string }): Promise<void>;
  stock(): Promise<Record<string, Stock>>;
  setFaults(change: Partial<Faults>): Promise<Faults>;
  isHealthy(): Promise<boolean>;
}

export class InventoryRefusal extends Error {
  override readonly name = 'InventoryRefusal';
  readonly code: RefusalCode | 'BAD_REQUEST';
  constructor(code: RefusalCode | 'BAD_REQUEST', message: string) {
    super(message);
    this.code = code;
  }
}

/** @param options.timeoutMs for one request; below the activity's start-to-close, so that the attempt that timed out is the one that is retried */
export function inventoryClient(url: string, options: { timeoutMs?: number } = {}): InventoryClient {
  const timeoutMs = options.timeoutMs ?? 10_000;

  async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${url}${path}`, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = (await response.json()) as { code?: RefusalCode; message?: string };
    if (response.ok) return answer;
    const message = answer.message ?? response.statusText;
    if (response.status === 409) throw new InventoryRefusal(answer.code as RefusalCode, message);
    if (response.status === 400) throw new InventoryRefusal('BAD_REQUEST', message);
    throw new Error(`The inventory answered ${response.status} to ${method} ${path}: ${message}`);
  }

  return {
    reserve: async (request) => void (await call('POST', '/reserve', request)),
    confirm: async (request) => void (await call('POST', '/confirm', request)),
    release: async (request) => void (await call('POST', '/release', request)),
    stock: async () => (await call('GET', '/stock')) as Record<string, Stock>,
    setFaults: async (change) => (await call('POST', '/faults', change)) as Faults,
    async isHealthy() {
      try {
        await call('GET', '/health');
        return true;
      } catch {
        return false;
      }
    },
  };
}
