// Waits for a server whose address was given to us: a server that is away is waited for, with a message, not failed on.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './cache.mjs';
import { BadAddressError, ServerAwayError } from './errors.ts';

export interface GivenServer {
  /** As people call it: "Kafka". */
  readonly title: string;
  /** The variable that names it, for the message. */
  readonly variable: string;
  /** Its value: host:port, several of them with commas between, or a URL. */
  readonly value: string;
}

export interface WaitOptions {
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Default: for ever. */
  readonly waitMsMax?: number | undefined;
  readonly everyMs?: number | undefined;
}

/**
 * Resolves when one of the addresses accepts a connection. Only that: what the server speaks (TLS, SASL, API keys) is for the clients,
 * which hold the settings for it.
 */
export async function waitForGivenServer(server: GivenServer, options: WaitOptions): Promise<void> {
  const targets = targetsOf(server);
  const started = Date.now();
  let saidAt = started;
  for (;;) {
    options.signal?.throwIfAborted();
    const attempts = await Promise.allSettled(targets.map((target) => connects(target)));
    if (attempts.some((attempt) => attempt.status === 'fulfilled')) return;
    const reason = attempts.map((attempt) => (attempt.status === 'rejected' ? String(attempt.reason.message) : '')).join('; ');
    const waited = Date.now() - started;
    const ways = `start it, correct ${server.variable}, or unset ${server.variable} to have one started here`;
    if (waited >= (options.waitMsMax ?? Infinity)) {
      throw new ServerAwayError(`${server.title} at ${server.value} (${server.variable}) did not answer for ${Math.round(waited / 1000)} s: ${reason}. To go on: ${ways}.`);
    }
    if (waited === 0 || Date.now() - saidAt >= (options.everyMs ?? 3_000) || saidAt === started) {
      options.log(`${server.title}: waiting for ${server.value} (${server.variable}) … ${Math.round(waited / 1000)} s: ${reason}. You can ${ways}.`);
      saidAt = Date.now();
    }
    await sleep(500, undefined, options.signal ? { signal: options.signal } : {});
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
}

function targetsOf(server: GivenServer): Target[] {
  const targets = server.value.split(',').map((each) => targetOf(each.trim()));
  const unreadable = targets.indexOf(undefined);
  if (unreadable === -1) return targets as Target[];
  throw new BadAddressError(
    `${server.variable} is "${server.value}", and "${server.value.split(',')[unreadable]?.trim()}" in it is no address. ` +
      `Write host:port${server.variable === 'SCHEMA_REGISTRY_URL' ? ' as a URL, such as http://localhost:8081' : ', such as localhost:9092'}, or unset it.`,
  );
}

function targetOf(text: string): Target | undefined {
  try {
    const url = new URL(text.includes('://') ? text : `tcp://${text}`);
    const port = Number(url.port) || { 'http:': 80, 'https:': 443 }[url.protocol];
    if (!url.hostname || !port) return undefined;
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
  } catch {
    return undefined;
  }
}

async function connects({ host, port }: Target): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, timeout: 3_000 }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error(`no answer from ${host}:${port}`)));
    socket.once('error', (error) => reject(error.message ? error : new Error(`nothing listens at ${host}:${port}`)));
  });
}
