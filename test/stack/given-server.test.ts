import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { waitForGivenServer } from '../../src/stack/given-server.ts';

async function listen(port = 0): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('a server that is away is waited for, with a message, and used once it is there', async () => {
  const away = await listen();
  const port = portOf(away);
  await new Promise((resolve) => away.close(resolve));
  const lines: string[] = [];
  const waiting = waitForGivenServer({ title: 'Kafka', variable: 'KAFKA_BROKERS', value: `127.0.0.1:${port}` }, { log: (line) => lines.push(line) });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await listen(port);
  await waiting;
  expect(lines[0]).toContain(`Kafka: waiting for 127.0.0.1:${port} (KAFKA_BROKERS)`);
  expect(lines[0]).toContain('unset KAFKA_BROKERS to have one started here');
});

test('one broker of several is enough to begin with', async () => {
  const port = portOf(await listen());
  await waitForGivenServer({ title: 'Kafka', variable: 'KAFKA_BROKERS', value: `127.0.0.1:1, localhost:${port}` }, { log: () => {} });
});

test('a limit on the wait ends with the reason and the ways on', async () => {
  const waiting = waitForGivenServer({ title: 'Temporal', variable: 'TEMPORAL_ADDRESS', value: '127.0.0.1:1' }, { log: () => {}, waitMsMax: 0 });
  await expect(waiting).rejects.toThrow(/Temporal at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\) did not answer for 0 s: .*ECONNREFUSED.*To go on: start it, correct TEMPORAL_ADDRESS/);
});

test.each([
  ['KAFKA_BROKERS', 'kafka', 'Write host:port, such as localhost:9092, or unset it.'],
  ['KAFKA_BROKERS', 'a:9092,,b:9092', 'and "" in it is no address'],
  ['SCHEMA_REGISTRY_URL', 'registry', 'as a URL, such as http://localhost:8081'],
])('%s=%s is refused at once', async (variable, value, message) => {
  await expect(waitForGivenServer({ title: 'It', variable, value }, { log: () => {} })).rejects.toThrow(message);
});
