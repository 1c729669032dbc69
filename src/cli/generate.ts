// `npm run generate`: places orders and payments with all the ugliness of the real world.

import { runGenerator } from '../orders/generator/index.ts';
import { ensureOrderTopics } from '../orders/topics.ts';
import { readOptions } from './options.ts';
import { runRole } from './role.ts';

const REPORT_EVERY_MS = 5_000;

export async function run(args: string[]): Promise<number> {
  const options = readOptions('generate', args, {
    orders: { kind: 'count', help: 'how many orders to place; without it, until Ctrl-C' },
    rate: { kind: 'count', default: '50', help: 'orders per second' },
    'payment-timeout': { kind: 'duration', default: '2h', help: 'that of the running system: payments are timed by it' },
    seed: { kind: 'count', help: 'the same seed tells the same stories' },
    'run-id': { kind: 'text', help: 'begins every order id' },
  });
  return runRole({ name: 'generate', registry: true }, async ({ broker, registry, log, signal }) => {
    await ensureOrderTopics(broker.admin);
    let reportedMs = Date.now();
    const done = runGenerator({
      broker,
      registry,
      orders: options.orders ?? Infinity,
      ratePerSecond: options.rate,
      paymentTimeoutMs: options['payment-timeout'],
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(options['run-id'] === undefined ? {} : { runId: options['run-id'] }),
      signal,
      onTrouble: (reason) => log('warn', reason),
      onProgress: ({ records, orders, behindMs }) => {
        if (Date.now() - reportedMs < REPORT_EVERY_MS) return;
        reportedMs = Date.now();
        log('info', `${records} records of ${orders} orders sent${behindMs > 1_000 ? `, ${Math.round(behindMs / 1_000)} s behind the plan` : ''}.`);
      },
    });
    done.then((end) => log('info', `Done: ${JSON.stringify(end)}`), () => {});
    return { close: () => done.catch(() => {}), untilDone: done };
  });
}
