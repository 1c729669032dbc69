// Asks a broker on loopback one real question (Metadata v1, no topics). An accepted connection is not enough: the port opens long
// before the broker serves requests.
import { connect } from 'node:net';

const METADATA = 3;
const VERSION = 1;
const CLIENT_ID = 'millrace-probe';

export async function probeBroker(port: number, timeoutMs = 2_000): Promise<void> {
  const response = await ask(port, request(), timeoutMs);
  const brokers = response.readInt32BE(4); // after the correlation id
  if (brokers < 1) throw new Error('the broker is not registered with its controller yet');
}

function request(): Buffer {
  const body = Buffer.alloc(4 + 2 + 2 + 4 + 2 + CLIENT_ID.length + 4);
  let at = body.writeInt32BE(body.length - 4, 0);
  at = body.writeInt16BE(METADATA, at);
  at = body.writeInt16BE(VERSION, at);
  at = body.writeInt32BE(1, at); // correlation id
  at = body.writeInt16BE(CLIENT_ID.length, at);
  at += body.write(CLIENT_ID, at);
  body.writeInt32BE(0, at); // an empty list of topics
  return body;
}

async function ask(port: number, bytes: Buffer, timeoutMs: number): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: timeoutMs }, () => socket.write(bytes));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      resolve(received.subarray(4));
      socket.destroy();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}
