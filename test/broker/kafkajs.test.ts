// kafkajs's inner parts that the broker folder reaches into. If this fails, kafkajs has changed: read src/broker/door.ts and kafkajs-repairs.ts before anything else.

import { createRequire } from 'node:module';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Door } from '../../src/broker/door.ts';
import { mendKafkajs, severConnection, type KafkajsConnection } from '../../src/broker/kafkajs-repairs.ts';
import { metadataRequest } from '../../src/broker/protocol/cluster.ts';

const require = createRequire(import.meta.url);

interface Internals {
  new (options: object): KafkajsConnection & { requestQueue: { scheduleCheckPendingRequests(): void; throttleCheckTimeoutId: unknown } };
}

describe('kafkajs, as we found it', () => {
  const servers: net.Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(onSocket: (socket: net.Socket) => void): Promise<number> {
    const server = net.createServer((socket) => {
      socket.on('error', () => {}); // a cut connection may end in a reset
      onSocket(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as net.AddressInfo).port;
  }

  function connection(port: number) {
    mendKafkajs();
    const Connection = require('kafkajs/src/network/connection') as Internals;
    const socketFactory = (require('kafkajs/src/network/socketFactory') as () => unknown)();
    const quiet = { namespace: () => quiet, debug() {}, info() {}, warn() {}, error() {} };
    return new Connection({ host: '127.0.0.1', port, logger: quiet, socketFactory, connectionTimeout: 1_000, requestTimeout: 1_000 });
  }

  it('is the version that was read', () => {
    expect((require('kafkajs/package.json') as { version: string }).version).toBe('2.2.4');
  });

  it('hands out its cluster, with what opens sockets', async () => {
    const socket = await new Door({ brokers: ['127.0.0.1:1'] }, 'test').open('127.0.0.1', 1);
    await expect(socket.send(metadataRequest([]))).rejects.toMatchObject({ kind: 'retriable', code: 'ECONNREFUSED' });
    socket.close();
    await expect(socket.send(metadataRequest([]))).rejects.toMatchObject({ kind: 'retriable', message: expect.stringContaining('closed') });
  });

  it('connects once when two requests want to', async () => {
    let accepted = 0;
    const subject = connection(await serve(() => (accepted += 1)));
    await Promise.all([subject.connect(), subject.connect()]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(accepted).toBe(1);
    severConnection(subject, new Error('done'));
  });

  it('forgets half an answer of the connection before', async () => {
    const port = await serve((socket) => socket.end(Buffer.from([0, 0, 0, 99, 1, 2, 3])));
    const subject = connection(port);
    await subject.connect();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(subject.isConnected()).toBe(false);
    expect(subject.bytesBuffered).toBeGreaterThan(0);
    const again = subject.connect();
    expect(subject.bytesBuffered).toBe(0);
    await again;
    severConnection(subject, new Error('done'));
  });

  it('arms no timer while nothing waits', async () => {
    const subject = connection(await serve(() => {}));
    await subject.connect();
    subject.requestQueue.scheduleCheckPendingRequests();
    expect(subject.requestQueue.throttleCheckTimeoutId).toBeNull();
    severConnection(subject, new Error('done'));
  });

  it('ends an attempt to connect when it is cut', async () => {
    const subject = connection(await serve(() => {}));
    const connecting = subject.connect();
    severConnection(subject, new Error('cut'));
    await expect(connecting).rejects.toThrow(/cut/);
  });
});
