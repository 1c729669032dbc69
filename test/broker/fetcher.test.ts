// What a fetcher does whatever the server is.

import { expect, it } from 'vitest';
import { Connections } from '../../src/broker/connections.ts';
import { KafkaFetcher } from '../../src/broker/fetcher.ts';

it('lets sockets be read on every poll, so that a loop that never waits cannot starve them', async () => {
  const fetcher = new KafkaFetcher(new Connections({ brokers: ['127.0.0.1:1'] }, 'fetcher'));
  let turns = 0;
  const turn = setImmediate(function again() {
    turns += 1;
    if (turns < 100) setImmediate(again);
  });
  for (let i = 0; i < 10; i += 1) await fetcher.poll(0);
  clearImmediate(turn);
  expect(turns).toBeGreaterThanOrEqual(10);
  await fetcher.close();
});
