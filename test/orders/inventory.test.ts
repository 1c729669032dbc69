import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Inventory, inventoryClient, InventoryRefusal, startInventory } from '../../src/orders/inventory/index.ts';
import { type Answer, decide, type Operation, type Reservation, type Stock } from '../../src/orders/inventory/rules.ts';
import { openInventoryStore } from '../../src/orders/inventory/store.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'inventory-'));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const full = (n: number): Stock => ({ initial: n, available: n, reserved: 0, sold: 0 });

describe('the rules', () => {
  it('agree with their table', () => {
    const stock = new Map([['tea', { initial: 10, available: 7, reserved: 3, sold: 0 }]]);
    const lines = [{ sku: 'tea', quantity: 3 }];
    const states = [undefined, 'reserved', 'sold', 'released'] as const;
    const kinds = ['reserve', 'confirm', 'release'] as const;
    const table = states.map((state) =>
      kinds.map((kind) => {
        const reservation = state === undefined ? undefined : { state, lines };
        const { answer, reservation: changed } = decide({ kind, orderId: 'o', lines } as Operation, reservation, stock);
        return `${answer.ok ? answer.state : answer.code}${changed === undefined ? '' : '*'}`;
      }),
    );
    expect(table).toEqual([
      ['reserved*', 'NOT_RESERVED', 'released*'],
      ['reserved', 'sold*', 'released*'],
      ['SOLD', 'sold', 'SOLD'],
      ['RELEASED', 'NOT_RESERVED', 'released'],
    ]);
  });

  it.each([
    ['no lines', [], 'INVALID_LINES'],
    ['a quantity of 0', [{ sku: 'tea', quantity: 0 }], 'INVALID_LINES'],
    ['half a piece', [{ sku: 'tea', quantity: 0.5 }], 'INVALID_LINES'],
    ['an unknown SKU', [{ sku: 'salt', quantity: 1 }], 'UNKNOWN_SKU'],
    ['more than there is', [{ sku: 'tea', quantity: 11 }], 'OUT_OF_STOCK'],
    ['more than there is, over two lines', [{ sku: 'tea', quantity: 6 }, { sku: 'tea', quantity: 5 }], 'OUT_OF_STOCK'],
  ])('refuse %s', (_name, lines, code) => {
    expect(decide({ kind: 'reserve', orderId: 'o', lines }, undefined, new Map([['tea', full(10)]])).answer).toMatchObject({ ok: false, code });
  });

  it('keep every piece accounted for, whatever is asked', () => {
    const operation = fc.record({
      kind: fc.constantFrom('reserve', 'confirm', 'release'),
      orderId: fc.constantFrom('o1', 'o2', 'o3'),
      lines: fc.array(fc.record({ sku: fc.constantFrom('tea', 'cup'), quantity: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        let stock = new Map([
          ['tea', full(6)],
          ['cup', full(3)],
        ]);
        const reservations = new Map<string, Reservation>();
        for (const of of operations as Operation[]) {
          const decision = decide(of, reservations.get(of.orderId), stock);
          if (decision.reservation !== undefined) reservations.set(of.orderId, decision.reservation);
          stock = new Map([...stock, ...(decision.stock ?? [])]);
          for (const { initial, available, reserved, sold } of stock.values()) {
            expect(available + reserved + sold).toBe(initial);
            expect(Math.min(available, reserved, sold)).toBeGreaterThanOrEqual(0);
          }
        }
        for (const state of ['reserved', 'sold'] as const) {
          const held = [...reservations.values()].filter((of) => of.state === state).flatMap(({ lines }) => lines);
          for (const [sku, of] of stock) expect(of[state]).toBe(held.filter((line) => line.sku === sku).reduce((sum, { quantity }) => sum + quantity, 0));
        }
      }),
    );
  });
});

describe('the store', () => {
  it('gives the same key the same answer, also after a restart, and changes nothing twice', async () => {
    const dir = newDir();
    let store = await openInventoryStore(dir, { tea: 5 });
    const reserve: Operation = { kind: 'reserve', orderId: 'o1', lines: [{ sku: 'tea', quantity: 4 }] };
    const first = await store.execute(reserve, 'k1');
    const refused = await store.execute({ ...reserve, orderId: 'o2' }, 'k2');
    expect([first.ok, refused.ok]).toEqual([true, false]);
    await store.execute({ kind: 'release', orderId: 'o1' }, 'k3');
    await store.close();
    store = await openInventoryStore(dir, { tea: 99, cup: 2 });
    expect(await store.execute({ ...reserve, orderId: 'o2' }, 'k2')).toEqual(refused);
    expect(await store.stock()).toEqual({ cup: full(2), tea: full(5) });
    await store.close();
  });

  it('serialises what comes at once', async () => {
    const store = await openInventoryStore(newDir(), { tea: 10 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i): Promise<Answer> => store.execute({ kind: 'reserve', orderId: `o${i}`, lines: [{ sku: 'tea', quantity: 1 }] }, `k${i}`)),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(10);
    expect(await store.stock()).toEqual({ tea: { initial: 10, available: 0, reserved: 10, sold: 0 } });
    await store.close();
  });

  it('says who is in the way when another process has the directory', async () => {
    const dir = newDir();
    const store = await openInventoryStore(dir, {});
    await expect(openInventoryStore(dir, {})).rejects.toThrow(/in use by another process/);
    await store.close();
  });
});

describe('the service', () => {
  async function started(over: Partial<Parameters<typeof startInventory>[0]> = {}): Promise<Inventory> {
    const inventory = await startInventory({ port: 0, dataDir: newDir(), initialStock: { tea: 10 }, ...over });
    cleanups.push(() => inventory.close());
    return inventory;
  }
  const lines = [{ sku: 'tea', quantity: 2 }];

  it('reserves, sells and tells its stock', async () => {
    const client = inventoryClient((await started()).url);
    await client.reserve({ orderId: 'o1', lines, idempotencyKey: 'o1/reserve/1' });
    await client.confirm({ orderId: 'o1', idempotencyKey: 'o1/confirm/1' });
    expect(await client.stock()).toEqual({ tea: { initial: 10, available: 8, reserved: 0, sold: 2 } });
    expect(await client.isHealthy()).toBe(true);
  });

  it('bars a reserve that arrives after the release of its order', async () => {
    const client = inventoryClient((await started()).url);
    await client.release({ orderId: 'o1', idempotencyKey: 'o1/reserve/1/undo' });
    await expect(client.reserve({ orderId: 'o1', lines, idempotencyKey: 'o1/reserve/1' })).rejects.toMatchObject({ name: 'InventoryRefusal', code: 'RELEASED' });
    expect((await client.stock())['tea']).toEqual(full(10));
  });

  it('is repeatable when an answer is lost', async () => {
    const inventory = await started();
    const client = inventoryClient(inventory.url);
    await client.setFaults({ lostAnswerRate: 1 });
    await expect(client.reserve({ orderId: 'o1', lines, idempotencyKey: 'k' })).rejects.not.toBeInstanceOf(InventoryRefusal);
    await client.setFaults({ lostAnswerRate: 0 });
    await client.reserve({ orderId: 'o1', lines, idempotencyKey: 'k' });
    expect((await client.stock())['tea']).toEqual({ initial: 10, available: 8, reserved: 2, sold: 0 });
  });

  it('fails without effect when told to', async () => {
    const client = inventoryClient((await started({ faults: { errorRate: 1 } })).url);
    await expect(client.reserve({ orderId: 'o1', lines, idempotencyKey: 'k' })).rejects.toThrow(/503/);
    expect((await client.stock())['tea']).toEqual(full(10));
  });

  it.each([
    ['/reserve', { orderId: 'o1', idempotencyKey: 'k' }],
    ['/reserve', { orderId: 'o1', lines: [{ sku: 1 }], idempotencyKey: 'k' }],
    ['/confirm', { idempotencyKey: 'k' }],
    ['/release', { orderId: 'o1' }],
    ['/faults', { errorRate: 2 }],
    ['/faults', { typo: 1 }],
  ])('answers 400 to a request that is none: %s %j', async (path, body) => {
    const { url } = await started();
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
    expect(response.status).toBe(400);
  });

  it('keeps what it promised when it is closed and started again', async () => {
    const dataDir = newDir();
    const first = await startInventory({ port: 0, dataDir, initialStock: { tea: 10 } });
    await inventoryClient(first.url).reserve({ orderId: 'o1', lines, idempotencyKey: 'k' });
    await first.close();
    const second = await started({ dataDir });
    expect((await inventoryClient(second.url).stock())['tea']?.reserved).toBe(2);
  });
});
