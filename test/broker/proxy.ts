// A TCP proxy that understands just enough of Kafka to lose things at an exact point: refuse connections, cut them, or let a request through and lose its answer.

import net from 'node:net';

export type Fate = 'pass' | 'lose request' | 'lose answer';

export interface Proxy {
  readonly port: number;
  /** Decides per request; the default lets everything pass. */
  onRequest: (apiKey: number) => Fate;
  refusing: boolean;
  /** Cuts what is connected. */
  cut(): void;
  close(): Promise<void>;
}

export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const clients = new Set<net.Socket>();
  const server = net.createServer((client) => {
    if (proxy.refusing) return void client.destroy();
    clients.add(client);
    const upstream = net.connect(target);
    let isLosingAnswer = false;
    let buffered = Buffer.alloc(0);
    const end = () => {
      clients.delete(client);
      client.destroy();
      upstream.destroy();
    };
    client.on('close', end).on('error', end);
    upstream.on('close', end).on('error', end);
    upstream.on('data', (data) => (isLosingAnswer ? end() : client.write(data)));
    client.on('data', (data) => {
      buffered = Buffer.concat([buffered, data]);
      while (buffered.length >= 6 && buffered.length >= 4 + buffered.readInt32BE(0)) {
        const size = 4 + buffered.readInt32BE(0);
        const fate = proxy.onRequest(buffered.readInt16BE(4));
        if (fate === 'lose request') return end();
        if (fate === 'lose answer') isLosingAnswer = true;
        upstream.write(buffered.subarray(0, size));
        buffered = buffered.subarray(size);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: Proxy = {
    port: (server.address() as net.AddressInfo).port,
    onRequest: () => 'pass',
    refusing: false,
    cut() {
      for (const client of clients) client.destroy();
    },
    async close() {
      proxy.refusing = true;
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
