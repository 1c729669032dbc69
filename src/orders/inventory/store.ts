// The inventory's memory. One operation at a time, and each becomes durable as one synced LevelDB batch together with the record of its idempotency
// key: after a crash an operation has happened with its answer, or not at all.

import { Level } from 'level';
import { type Answer, decide, type Operation, type Reservation, type Stock } from './rules.ts';

export interface InventoryStore {
  /** The same key always gets the answer of the first time. */
  execute(operation: Operation, idempotencyKey: string): Promise<Answer>;
  stock(): Promise<Record<string, Stock>>;
  close(): Promise<void>;
}

/** Opens the store; SKUs it does not know yet get their initial stock, those it knows keep what they have. */
export async function openInventoryStore(dataDir: string, initialStock: Readonly<Record<string, number>>): Promise<InventoryStore> {
  const db = new Level<string, string>(dataDir, { valueEncoding: 'utf8' });
  await db.open().catch((error: unknown) => {
    const isLocked = ((error as Error).cause as { code?: string } | undefined)?.code === 'LEVEL_LOCKED';
    throw isLocked ? new Error(`The inventory in ${dataDir} is in use by another process. Stop that one, or give this one a directory of its own.`) : error;
  });
  const stockOf = await readStock(db);
  const missing = Object.entries(initialStock).filter(([sku]) => !stockOf.has(sku));
  for (const [sku, n] of missing) stockOf.set(sku, { initial: n, available: n, reserved: 0, sold: 0 });
  await db.batch(missing.map(([sku]) => ({ type: 'put' as const, key: `stock!${sku}`, value: JSON.stringify(stockOf.get(sku)) })), { sync: true });

  let last: Promise<unknown> = Promise.resolve();

  async function run(operation: Operation, idempotencyKey: string): Promise<Answer> {
    const answered = await db.get(`answer!${idempotencyKey}`);
    if (answered !== undefined) return JSON.parse(answered) as Answer;
    const held = await db.get(`order!${operation.orderId}`);
    const { answer, reservation, stock } = decide(operation, held === undefined ? undefined : (JSON.parse(held) as Reservation), stockOf);
    const writes = [{ type: 'put' as const, key: `answer!${idempotencyKey}`, value: JSON.stringify(answer) }];
    if (reservation !== undefined) writes.push({ type: 'put', key: `order!${operation.orderId}`, value: JSON.stringify(reservation) });
    for (const [sku, value] of stock ?? []) writes.push({ type: 'put', key: `stock!${sku}`, value: JSON.stringify(value) });
    await db.batch(writes, { sync: true });
    // Memory follows the disk, so a failed write leaves both as they were.
    for (const [sku, value] of stock ?? []) stockOf.set(sku, value);
    return answer;
  }

  return {
    execute(operation, idempotencyKey) {
      const turn = last.then(() => run(operation, idempotencyKey));
      last = turn.catch(() => undefined);
      return turn;
    },
    async stock() {
      return Object.fromEntries([...stockOf].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    async close() {
      await last;
      await db.close();
    },
  };
}

async function readStock(db: Level<string, string>): Promise<Map<string, Stock>> {
  const stock = new Map<string, Stock>();
  for await (const [key, value] of db.iterator({ gte: 'stock!', lt: 'stock"' })) stock.set(key.slice('stock!'.length), JSON.parse(value) as Stock);
  return stock;
}
