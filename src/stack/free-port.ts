// Ports on loopback for our servers: the same as last time if they are still free, so that addresses a person has noted stay true.
import { createServer } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';

// Below the range from which systems take ports for outgoing connections (32768 and up): one of those could take ours between this
// choice and the server's bind.
const FIRST_PORT = 21_000;
const PORTS = 10_000;

/** One free port per name. `memory` is the file that remembers the choice. */
export async function choosePorts<Name extends string>(names: readonly Name[], memory: string): Promise<Record<Name, number>> {
  const before = readMemory(memory);
  const chosen: Record<string, number> = {};
  for (const name of names) {
    const taken = new Set(Object.values(chosen));
    const old = before[name];
    chosen[name] = old !== undefined && !taken.has(old) && (await isFree(old)) ? old : await freePort(taken);
  }
  writeFileSync(memory, JSON.stringify({ ...before, ...chosen }));
  return chosen as Record<Name, number>;
}

export async function freePort(taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`No free port found between ${FIRST_PORT} and ${FIRST_PORT + PORTS} on 127.0.0.1. Something on this computer must be holding thousands of them.`);
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function readMemory(memory: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(memory, 'utf8')) as Record<string, number>;
  } catch {
    return {}; // the first run, or a run that was killed while writing: any free port will do
  }
}
